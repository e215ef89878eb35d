"""Tables of feedback, without addresses: quotes of servers are scrubbed, subscribers appear by reference."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from publisher.database.metadata import Id, Instant, metadata, partial_index

# Stored are explanations (bounces, complaints, failures, delays), events that config asks for (opens, clicks), and
# events without a ledger row so far; not sends and deliveries that settled a ledger row.
feedback_events = Table(
    "feedback_events",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    Column("message_id", String(255), nullable=False),
    Column("mailing", String(64)),  # from the event's tag, or of the row that it settled
    Column("recipient", String(64)),
    Column("domain", String(255), nullable=False),
    Column("type", String(64), nullable=False),  # type of a bounce, feedback type of a complaint, unknown kind
    Column("subtype", String(64), nullable=False),
    Column("detail", Text, nullable=False),  # diagnostic, reason, link, or the JSON of an unknown event
    Column("machine", Integer, nullable=False),  # 1: an open or click by a machine
    Column("at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("settled", Integer, nullable=False),  # 0: no ledger row fits yet
    Index("ix_feedback_events_mailing", "mailing", "kind"),
    partial_index("ix_feedback_events_unsettled", "id", where="settled = 0"),
)

# Sums of clicks on counted links of the mail, without the recipients who clicked.
clicks = Table(
    "clicks",
    metadata,
    Column("slug", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("day", String(10), primary_key=True),  # ISO 8601, in UTC
    Column("people", Integer, nullable=False),
    Column("machines", Integer, nullable=False),
)

# SNS messages that were applied, stored longer than their timestamp stays acceptable.
sns_messages = Table(
    "sns_messages",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("at", Instant, nullable=False, index=True),
)
