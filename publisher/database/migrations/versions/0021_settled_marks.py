"""An operator's word that the ledger is right stands in it, so that a copy from before the word is known."""

import sqlalchemy as sa
from alembic import op

revision = "0021_settled_marks"
down_revision = "0020_unmatched"


def upgrade() -> None:
    op.create_table(
        "settled_marks",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("word", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_settled_marks"),
    )
