"""A reader's own time zone."""

import sqlalchemy as sa
from alembic import op

revision = "0010_timezone"
down_revision = "0009_deferrals"


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("timezone", sa.String(64)))
