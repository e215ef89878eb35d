"""Which letter of a mailing each recipient gets, decided when it was frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0012_variant"
down_revision = "0011_paused_until"


def upgrade() -> None:
    op.add_column("recipients", sa.Column("variant", sa.Integer, nullable=False, server_default="0"))
