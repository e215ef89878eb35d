"""Who gets an issue with the others of its month is found without a look at everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0018_left_to_month"
down_revision = "0017_digest"


def upgrade() -> None:
    left = sa.text("reason = 'digest'")
    op.create_index(
        "ix_recipients_digest", "recipients", ["mailing_id", "reference"], sqlite_where=left, postgresql_where=left
    )
