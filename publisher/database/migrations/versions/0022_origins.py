"""A row of PostgreSQL names the transaction that wrote it: in a copy out of a dump another one did."""

import sqlalchemy as sa
from alembic import op

revision = "0022_origins"
down_revision = "0021_settled_marks"


def upgrade() -> None:
    op.create_table(
        "origins",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("writer", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_origins"),
    )
