"""One unfinished mailing of an issue, held by the database itself."""

import sqlalchemy as sa
from alembic import op

revision = "0005_one_mailing"
down_revision = "0004_publishing"

UNFINISHED = "finished_at IS NULL AND operator <> 'cancelled' AND audience > 0"


def upgrade() -> None:
    # Two senders could once freeze one issue twice. The older of two is given up and the newer waits for an operator,
    # for some of its recipients may have the older one's message.
    twice = f"SELECT slug FROM mailings WHERE {UNFINISHED} GROUP BY slug HAVING count(*) > 1"  # noqa: S608
    newest = f"SELECT max(id) FROM mailings WHERE {UNFINISHED} GROUP BY slug"  # noqa: S608
    note = "frozen twice by two senders at once"
    for operator, where in (("paused", "IN"), ("cancelled", "NOT IN")):
        op.execute(
            f"UPDATE mailings SET operator = '{operator}', note = '{note}' "  # noqa: S608 - constants of this file
            f"WHERE {UNFINISHED} AND slug IN ({twice}) AND id {where} ({newest})"
        )
    # Whoever the older one may have reached is not mailed by the newer one, even when an operator resumes it.
    op.execute(
        "UPDATE recipients SET state = 'excluded', reason = 'reached' WHERE state = 'pending' AND EXISTS ("  # noqa: S608
        "SELECT 1 FROM mailings m JOIN mailings e ON e.slug = m.slug AND e.sequence < m.sequence "
        "JOIN recipients r ON r.mailing_id = e.id AND r.state IN ('submitted', 'uncertain', 'claimed') "
        "WHERE m.id = recipients.mailing_id AND m.finished_at IS NULL AND r.reference = recipients.reference "
        f"AND (e.digest = m.digest OR e.note = '{note}'))"
    )
    only = sa.text(UNFINISHED)
    op.create_index(
        "uq_mailings_unfinished", "mailings", ["slug"], unique=True, sqlite_where=only, postgresql_where=only
    )
