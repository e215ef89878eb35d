"""Old mailings folded: their recipients packed, their accounts and reports kept."""

import sqlalchemy as sa
from alembic import op

revision = "0019_folding"
down_revision = "0018_left_to_month"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "foldings",
        sa.Column("mailing_id", number, autoincrement=False, nullable=False),
        sa.Column("folded_at", sa.String(32), nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("mailing_id", name="pk_foldings"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_foldings_mailing_id_mailings"),
    )
    op.create_table(
        "folded_recipients",
        sa.Column("mailing_id", number, autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("mailing_id", "first", name="pk_folded_recipients"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_folded_recipients_mailing_id_mailings"),
    )
