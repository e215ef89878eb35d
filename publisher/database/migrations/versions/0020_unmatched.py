"""Messages that events prove and no recipient of the ledger matches: it was put back to an older copy."""

import sqlalchemy as sa
from alembic import op

revision = "0020_unmatched"
down_revision = "0019_folding"


def upgrade() -> None:
    op.create_table(
        "unmatched_messages",
        sa.Column("mailing", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("slug", sa.String(255)),
        sa.PrimaryKeyConstraint("mailing", "number", name="pk_unmatched_messages"),
    )
    op.create_index("ix_unmatched_messages_slug", "unmatched_messages", ["slug"])
