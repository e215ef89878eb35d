"""Delivery: mailings, recipients, senders, the shared pace."""

import sqlalchemy as sa
from alembic import op

revision = "0002_delivery"
down_revision = "0001_audience"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "mailings",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("letter", sa.Text, nullable=False),
        sa.Column("operator", sa.String(16), nullable=False),
        sa.Column("audience", sa.Integer, nullable=False),
        sa.Column("frozen_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailings"),
        sa.UniqueConstraint("reference", name="uq_mailings_reference"),
        sa.UniqueConstraint("slug", "sequence", name="uq_mailings_slug_sequence"),
    )
    op.create_table(
        "recipients",
        sa.Column("mailing_id", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("message_id", sa.String(120)),
        sa.Column("sender_id", sa.Integer),
        sa.Column("released", sa.Integer, nullable=False),
        sa.Column("changed_at", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.Column("bounced_at", MOMENT),
        sa.Column("bounce", sa.String(80)),
        sa.Column("complained_at", MOMENT),
        sa.Column("complaint", sa.String(80)),
        sa.PrimaryKeyConstraint("mailing_id", "number", name="pk_recipients"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_recipients_mailing_id_mailings"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_recipients_reference", "recipients", ["reference"])
    for name, columns, condition in (
        ("ix_recipients_pending", ["mailing_id", "attempts", "number"], "state = 'pending'"),
        ("ix_recipients_claimed", ["mailing_id", "sender_id"], "state = 'claimed'"),
        ("ix_recipients_uncertain", ["mailing_id", "number"], "state = 'uncertain'"),
        ("ix_recipients_message_id", ["message_id"], "message_id IS NOT NULL"),
    ):
        op.create_index(
            name, "recipients", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
        )
    op.create_table(
        "second_copies",
        sa.Column("mailing_id", ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(120), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("mailing_id", "number", "message_id", name="pk_second_copies"),
    )
    op.create_table(
        "senders",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("mailing_id", ID, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("beat", sa.Float, nullable=False),
        sa.Column("ended", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_senders"),
    )
    op.create_index("ix_senders_mailing_id", "senders", ["mailing_id"])
    op.create_table(
        "paces",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("rate", sa.Float, nullable=False),
        sa.Column("ceiling", sa.Float, nullable=False),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("cut_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_paces"),
    )
