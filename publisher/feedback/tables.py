"""Feedback's tables. No address stands here: what a server quotes is scrubbed, a reader is a reference."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from publisher.database.metadata import Id, Instant, metadata, partial_index

# Sends and deliveries that the ledger took in are not kept: its rows say so. Kept is what explains (bounces,
# complaints, failures, delays), what config asks for (opens, clicks), and what found no row yet.
feedback_events = Table(
    "feedback_events",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    Column("message_id", String(255), nullable=False),
    Column("mailing", String(64)),  # as tagged, or of the row it settled
    Column("recipient", String(64)),
    Column("domain", String(255), nullable=False),
    Column("type", String(64), nullable=False),  # a bounce's type, a complaint's feedback type, an unknown's name
    Column("subtype", String(64), nullable=False),
    Column("detail", Text, nullable=False),  # diagnostic, reason, link, or an unknown's JSON
    Column("machine", Integer, nullable=False),  # 1: an open or click that no reader made
    Column("at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("settled", Integer, nullable=False),  # 0: no row of the ledger fits yet
    Index("ix_feedback_events_mailing", "mailing", "kind"),
    partial_index("ix_feedback_events_unsettled", "id", where="settled = 0"),
)

# Clicks on counted links of the mail, summed: whose they were stands nowhere.
clicks = Table(
    "clicks",
    metadata,
    Column("slug", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("day", String(10), primary_key=True),  # ISO 8601, in UTC
    Column("people", Integer, nullable=False),
    Column("machines", Integer, nullable=False),
)

# Messages of SNS that were taken in, and when: for longer than their timestamp would let them in again.
sns_messages = Table(
    "sns_messages",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("at", Instant, nullable=False, index=True),
)
