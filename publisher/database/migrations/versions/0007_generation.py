"""Each claim raises a mailing's generation: a copy of the database that lags behind is known by its number."""

import sqlalchemy as sa
from alembic import op

revision = "0007_generation"
down_revision = "0006_confirmations"


def upgrade() -> None:
    op.add_column("mailings", sa.Column("generation", sa.Integer, nullable=False, server_default="0"))
