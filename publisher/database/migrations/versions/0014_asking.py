"""Mail in the outbox of confirmations may ask whether somebody still reads."""

import sqlalchemy as sa
from alembic import op

revision = "0014_asking"
down_revision = "0013_local_time"


def upgrade() -> None:
    op.add_column("confirmations", sa.Column("kind", sa.String(12), nullable=False, server_default="confirm"))
