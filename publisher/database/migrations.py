"""The migrations, oldest first: one function per revision, named like it. A new database is made from the tables.

``STEPS`` maps each revision to its function, which takes alembic's operations; :mod:`publisher.database.migrate` runs
those that a database lacks. This module does not import alembic, which takes 0.2 s.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    from alembic.operations import Operations

FIRST = "0004_publishing"
"""The schema of the first version, from which databases are upgraded."""

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
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


def _0006_confirmations(op: Operations) -> None:
    """Confirmation mail waits in the database until it has left."""
    op.create_table(
        "confirmations",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", _ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_confirmations"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_confirmations_subscriber_id_subscribers", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_confirmations_subscriber_id", "confirmations", ["subscriber_id"])
    _partial(op, "ix_confirmations_due", "confirmations", ["due_at"], "state IN ('pending', 'claimed')")


def _0007_generation(op: Operations) -> None:
    """Each claim raises a mailing's generation: a copy of the database that lags behind is known by its number."""
    op.add_column("mailings", sa.Column("generation", sa.Integer, nullable=False, server_default="0"))


def _0008_channels(op: Operations) -> None:
    """Announcements wait in the database until they are posted; and what WeChat has is known by its ids."""
    op.create_table(
        "announcements",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("slug", "channel", name="pk_announcements"),
    )
    op.create_table(
        "wechat_media",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("media_id", sa.String(255), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "kind", "digest", name="pk_wechat_media"),
    )
    op.create_table(
        "wechat_drafts",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("media_id", sa.String(255), nullable=False),
        sa.Column("saved_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account", "slug", name="pk_wechat_drafts"),
    )


def _0009_deferrals(op: Operations) -> None:
    """What each large receiver did with a mailing, and the recipients held back because it defers."""
    op.create_table(
        "receiver_tallies",
        sa.Column("mailing_id", _ID, autoincrement=False, nullable=False),
        sa.Column("receiver", sa.String(40), nullable=False),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("deferred", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer),
        sa.PrimaryKeyConstraint("mailing_id", "receiver", name="pk_receiver_tallies"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_receiver_tallies_mailing_id_mailings"),
    )
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
    op.add_column("confirmations", sa.Column("kind", sa.String(12), nullable=False, server_default="confirm"))


def _0015_clicks(op: Operations) -> None:
    """Where the counted links of mail lead, and how often they were followed: sums, of nobody."""
    op.create_table(
        "links",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("slug", "number", name="pk_links"),
    )
    op.create_table(
        "clicks",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("machines", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("slug", "number", "day", name="pk_clicks"),
    )


def _0016_series(op: Operations) -> None:
    """Series: who is on the way through which, which steps a reader has had, and which series there are."""
    op.create_table(
        "enrolments",
        sa.Column("subscriber_id", _ID, nullable=False),
        sa.Column("series", sa.String(100), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "series", name="pk_enrolments"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_enrolments_subscriber_id_subscribers", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_enrolments_series_started_at", "enrolments", ["series", "started_at"])
    op.create_table(
        "taken_steps",
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("step", sa.String(255), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("mailing_id", _ID),
        sa.PrimaryKeyConstraint("reference", "step", name="pk_taken_steps"),
    )
    op.create_table(
        "series",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("looked_at", _MOMENT, nullable=False),
        sa.Column("steps", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_series"),
    )


def _0017_digest(op: Operations) -> None:
    """A reader may want the issues of a month as one edition."""
    op.add_column("subscribers", sa.Column("digest", sa.String(12)))


def _0018_left_to_month(op: Operations) -> None:
    """Who gets an issue with the others of its month is found without a look at everybody."""
    _partial(op, "ix_recipients_digest", "recipients", ["mailing_id", "reference"], "reason = 'digest'")


def _0019_folding(op: Operations) -> None:
    """Old mailings folded: their recipients packed, their accounts and reports kept."""
    op.create_table(
        "foldings",
        sa.Column("mailing_id", _ID, autoincrement=False, nullable=False),
        sa.Column("folded_at", _MOMENT, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("mailing_id", name="pk_foldings"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_foldings_mailing_id_mailings"),
    )
    op.create_table(
        "folded_recipients",
        sa.Column("mailing_id", _ID, autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("mailing_id", "first", name="pk_folded_recipients"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_folded_recipients_mailing_id_mailings"),
    )


def _0020_unmatched(op: Operations) -> None:
    """Messages that events prove and no recipient of the ledger matches: it was put back to an older copy."""
    op.create_table(
        "unmatched_messages",
        sa.Column("mailing", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("slug", sa.String(255)),
        sa.PrimaryKeyConstraint("mailing", "number", name="pk_unmatched_messages"),
    )
    op.create_index("ix_unmatched_messages_slug", "unmatched_messages", ["slug"])


def _0021_settled_marks(op: Operations) -> None:
    """An operator's word that the ledger is right stands in it, so that a copy from before the word is known."""
    op.create_table(
        "settled_marks",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("word", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_settled_marks"),
    )


def _0022_origins(op: Operations) -> None:
    """A row of PostgreSQL names the transaction that wrote it: in a copy out of a dump another one did."""
    op.create_table(
        "origins",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("writer", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_origins"),
    )


STEPS: dict[str, Callable[[Operations], None]] = {
    name.removeprefix("_"): step for name, step in globals().items() if re.match(r"_\d{4}_", name)
}
