"""A reader may want the issues of a month as one edition."""

import sqlalchemy as sa
from alembic import op

revision = "0017_digest"
down_revision = "0016_series"


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("digest", sa.String(12)))
