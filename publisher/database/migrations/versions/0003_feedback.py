"""Feedback: events that explain or wait for a row, and the messages of SNS already taken in."""

import sqlalchemy as sa
from alembic import op

revision = "0003_feedback"
down_revision = "0002_delivery"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "feedback_events",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("mailing", sa.String(64)),
        sa.Column("recipient", sa.String(64)),
        sa.Column("domain", sa.String(255), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("subtype", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("machine", sa.Integer, nullable=False),
        sa.Column("at", MOMENT),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("settled", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback_events"),
        sa.UniqueConstraint("digest", name="uq_feedback_events_digest"),
    )
    op.create_index("ix_feedback_events_mailing", "feedback_events", ["mailing", "kind"])
    unsettled = sa.text("settled = 0")
    op.create_index(
        "ix_feedback_events_unsettled",
        "feedback_events",
        ["id"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.create_table(
        "sns_messages",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sns_messages"),
    )
    op.create_index("ix_sns_messages_at", "sns_messages", ["at"])
