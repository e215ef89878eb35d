"""The audience's tables. History is append-only; addresses are stored here and in recipients only."""

from sqlalchemy import ColumnElement, Connection, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import DDL, Column, ForeignKey, Index, Table
from sqlalchemy.types import JSON, Integer, String, Text

from publisher.database.metadata import Id, Instant, metadata, partial_index

# PostgreSQL has operators for JSONB columns; SQLite has json_each.
Document = JSON().with_variant(JSONB(), "postgresql")

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("reference", String(32), nullable=False, unique=True),  # opaque, random; used in tokens and exports
    Column("address", String(320), nullable=False),  # as given
    # domain in lower-case A-labels, local part as given
    Column("address_key", String(320), nullable=False, unique=True),
    Column("mailbox_key", String(320), nullable=False),  # lower case; one inbox per key
    Column("state", String(16), nullable=False),  # pending | confirmed | unsubscribed
    Column("name", Text, nullable=False, default=""),
    Column("language", String(35)),  # BCP 47
    Column("timezone", String(64)),  # IANA name; NULL: the newsletter's
    Column("topics", Document, nullable=False, default=list),  # list of str
    Column("attributes", Document, nullable=False, default=dict),  # str to str
    Column("paused_until", Instant),  # no issue until then; same for the whole mailbox
    Column("digest", String(12)),  # monthly: the month's edition; NULL: each issue
    Column("asked_at", Instant),  # when a confirmation was last mailed
    Column("preferred_at", Instant),  # last own choice of topics, language, zone, name; imports keep it
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("ix_subscribers_mailbox_key", "mailbox_key"),
    Index("ix_subscribers_state", "state"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("subscriber_id", Id, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("change", String(24), nullable=False),  # model.ConsentEvent
    Column("how", String(24), nullable=False),  # model.ConsentSource
    Column("evidence", Document, nullable=False, default=dict),  # file, line, remote address, user agent, mailing
)

# History is evidence: rows are never updated, and are deleted only with their subscriber.
_COMPLAINT = "'consents are only appended'"
_FUNCTION = f"RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION {_COMPLAINT}; END $$"
_TRIGGER = "CREATE TRIGGER consents_append_only BEFORE UPDATE ON consents"
for _dialect, _statement in (
    ("sqlite", f"{_TRIGGER} BEGIN SELECT RAISE(ABORT, {_COMPLAINT}); END"),
    ("postgresql", f"CREATE FUNCTION consents_append_only() {_FUNCTION}"),
    ("postgresql", f"{_TRIGGER} FOR EACH ROW EXECUTE FUNCTION consents_append_only()"),
):
    event.listen(consents, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]

# Outbox of mail that asks to confirm, or whether the person still reads; see publisher.web.outbox.
confirmations = Table(
    "confirmations",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("subscriber_id", Id, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(12), nullable=False, server_default="confirm"),  # confirm | ask (whether they still read)
    Column("state", String(12), nullable=False),  # pending | claimed | submitted | rejected | uncertain | excluded
    Column("attempts", Integer, nullable=False),
    Column("reason", String(80)),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),  # pending: not before; claimed: lease ends
    partial_index("ix_confirmations_due", "due_at", where="state IN ('pending', 'claimed')"),
)

# Enrolments. Unsubscribing ends one, as the history shows; it never starts again.
enrolments = Table(
    "enrolments",
    metadata,
    Column("subscriber_id", Id, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("series", String(100), primary_key=True),
    Column("started_at", Instant, nullable=False),
    Index("ix_enrolments_series_started_at", "series", "started_at"),
)

# One row per subscriber and step, permanently, whatever the outcome except a pause; by reference, as in recipients.
taken_steps = Table(
    "taken_steps",
    metadata,
    Column("reference", String(32), primary_key=True),
    Column("step", String(255), primary_key=True),  # series/<name>/<slug>
    Column("at", Instant, nullable=False),
    Column("mailing_id", Id),  # NULL: taken in the database that the row was imported from
)

# The series found by runs of publish, for machines without a checkout. Names are kept, so that a series that returns
# is known to have been missing.
series = Table(
    "series",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("looked_at", Instant, nullable=False),  # time of the newest run
    Column("steps", Document, nullable=False),  # ready steps by slug: time of the last run without it, or null
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("mailbox_key", String(320), primary_key=True),
    Column("reason", String(24), nullable=False),  # bounce | complaint | manual | provider | silent
    Column("detail", Text, nullable=False, default=""),
    Column("at", Instant, nullable=False),
)

forgotten = Table(
    "forgotten",
    metadata,
    Column("digest", String(64), primary_key=True),  # salted hash of an erased mailbox_key
    Column("at", Instant, nullable=False),
)

salts = Table(
    "salts",
    metadata,
    Column("purpose", String(32), primary_key=True),  # "forgotten"
    Column("value", String(64), nullable=False),  # random hexadecimal digits, made once
)


def domain_of(connection: Connection) -> ColumnElement[str]:
    """SQL expression for the domain of a subscriber's mailbox."""
    key = subscribers.c.mailbox_key
    if connection.dialect.name == "postgresql":
        return func.split_part(key, "@", -1)
    return func.substr(key, func.instr(key, "@") + 1)
