"""The migrations, oldest first: one function per revision that changes existing tables, named like it.

``STEPS`` maps each revision to its function, which takes alembic's operations. :mod:`publisher.database.migrate` runs
those that a database lacks, then creates the tables that it lacks in their present form; so a step passes over a table
that may not be there yet. This module does not import alembic, which takes 0.2 s.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.operations import Operations

# The first is the schema of the first version, from which databases are upgraded.
REVISIONS = (
    "0004_publishing", "0005_one_mailing", "0006_confirmations", "0007_generation", "0008_channels", "0009_deferrals",
    "0010_timezone", "0011_paused_until", "0012_variant", "0013_local_time", "0014_asking", "0015_clicks",
    "0016_series", "0017_digest", "0018_left_to_month", "0019_folding", "0020_unmatched", "0021_settled_marks",
    "0022_origins",
)  # fmt: skip
"""All revisions that this version of publisher knows, oldest first; those without a step only add tables."""

_MOMENT = sa.String(32)
_UNFINISHED = "finished_at IS NULL AND operator <> 'cancelled' AND audience > 0"


def _partial(op: Operations, name: str, table: str, columns: list[str], where: str, **options: Any) -> None:
    """Create an index of the rows for which ``where`` is true."""
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where), **options)


def _0005_one_mailing(op: Operations) -> None:
    """One unfinished mailing of an issue, held by the database itself."""
    # Two senders could once freeze one issue twice. The older of two is given up and the newer waits for an operator,
    # for some of its recipients may have the older one's message.
    twice = f"SELECT slug FROM mailings WHERE {_UNFINISHED} GROUP BY slug HAVING count(*) > 1"  # noqa: S608
    newest = f"SELECT max(id) FROM mailings WHERE {_UNFINISHED} GROUP BY slug"  # noqa: S608
    note = "frozen twice by two senders at once"
    for operator, where in (("paused", "IN"), ("cancelled", "NOT IN")):
        op.execute(
            f"UPDATE mailings SET operator = '{operator}', note = '{note}' "  # noqa: S608 - constants of this file
            f"WHERE {_UNFINISHED} AND slug IN ({twice}) AND id {where} ({newest})"
        )
    # Whoever the older one may have reached is not mailed by the newer one, even when an operator resumes it.
    op.execute(
        "UPDATE recipients SET state = 'excluded', reason = 'reached' WHERE state = 'pending' AND EXISTS ("  # noqa: S608
        "SELECT 1 FROM mailings m JOIN mailings e ON e.slug = m.slug AND e.sequence < m.sequence "
        "JOIN recipients r ON r.mailing_id = e.id AND r.state IN ('submitted', 'uncertain', 'claimed') "
        "WHERE m.id = recipients.mailing_id AND m.finished_at IS NULL AND r.reference = recipients.reference "
        f"AND (e.digest = m.digest OR e.note = '{note}'))"
    )
    _partial(op, "uq_mailings_unfinished", "mailings", ["slug"], _UNFINISHED, unique=True)


def _0007_generation(op: Operations) -> None:
    """Each claim raises a mailing's generation: a copy of the database that lags behind is known by its number."""
    op.add_column("mailings", sa.Column("generation", sa.Integer, nullable=False, server_default="0"))


def _0009_deferrals(op: Operations) -> None:
    """Recipients held back because their receiver defers: no claim sees them."""
    op.add_column("recipients", sa.Column("held", sa.Integer, nullable=False, server_default="0"))
    op.drop_index("ix_recipients_pending", "recipients")
    columns = ["mailing_id", "held", "attempts", "number"]
    _partial(op, "ix_recipients_pending", "recipients", columns, "state = 'pending'")


def _0010_timezone(op: Operations) -> None:
    """A reader's own time zone."""
    op.add_column("subscribers", sa.Column("timezone", sa.String(64)))


def _0011_paused_until(op: Operations) -> None:
    """A reader may pause: no issue until then."""
    op.add_column("subscribers", sa.Column("paused_until", _MOMENT))


def _0012_variant(op: Operations) -> None:
    """Which letter of a mailing each recipient gets, decided when it was frozen."""
    op.add_column("recipients", sa.Column("variant", sa.Integer, nullable=False, server_default="0"))


def _0013_local_time(op: Operations) -> None:
    """The moment before which a recipient gets nothing; who waits for it is held, and found by a small index."""
    op.add_column("recipients", sa.Column("not_before", _MOMENT))
    columns = ["mailing_id", "not_before"]
    _partial(op, "ix_recipients_waiting", "recipients", columns, "state = 'pending' AND held = 2")


def _0014_asking(op: Operations) -> None:
    """Mail in the outbox of confirmations may ask whether somebody still reads."""
    if sa.inspect(op.get_bind()).has_table("confirmations"):
        op.add_column("confirmations", sa.Column("kind", sa.String(12), nullable=False, server_default="confirm"))


def _0017_digest(op: Operations) -> None:
    """A reader may want the issues of a month as one edition."""
    op.add_column("subscribers", sa.Column("digest", sa.String(12)))


def _0018_left_to_month(op: Operations) -> None:
    """Who gets an issue with the others of its month is found without a look at everybody."""
    _partial(op, "ix_recipients_digest", "recipients", ["mailing_id", "reference"], "reason = 'digest'")


STEPS: dict[str, Callable[[Operations], None]] = {
    name.removeprefix("_"): step for name, step in globals().items() if re.match(r"_\d{4}_", name)
}
