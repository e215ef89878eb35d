"""Where the counted links of mail lead, and how often they were followed: sums, of nobody."""

import sqlalchemy as sa
from alembic import op

revision = "0015_clicks"
down_revision = "0014_asking"


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("slug", "number", name="pk_links"),
    )
    op.create_table(
        "clicks",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("machines", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("slug", "number", "day", name="pk_clicks"),
    )
