"""A reader may pause: no issue until then."""

import sqlalchemy as sa
from alembic import op

revision = "0011_paused_until"
down_revision = "0010_timezone"


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("paused_until", sa.String(32)))
