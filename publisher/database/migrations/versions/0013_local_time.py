"""The moment before which a recipient gets nothing; who waits for it is held, and found by a small index."""

import sqlalchemy as sa
from alembic import op

revision = "0013_local_time"
down_revision = "0012_variant"


def upgrade() -> None:
    op.add_column("recipients", sa.Column("not_before", sa.String(32)))
    waits = sa.text("state = 'pending' AND held = 2")
    columns = ["mailing_id", "not_before"]
    op.create_index("ix_recipients_waiting", "recipients", columns, sqlite_where=waits, postgresql_where=waits)
