"""Confirmation mail waits in the database until it has left."""

import sqlalchemy as sa
from alembic import op

revision = "0006_confirmations"
down_revision = "0005_one_mailing"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "confirmations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_confirmations"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_confirmations_subscriber_id_subscribers", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_confirmations_subscriber_id", "confirmations", ["subscriber_id"])
    waits = sa.text("state IN ('pending', 'claimed')")
    op.create_index("ix_confirmations_due", "confirmations", ["due_at"], sqlite_where=waits, postgresql_where=waits)
