"""The ledger's tables. No address stands here: a recipient is a reference, and the address is read when it is claimed.

So whoever is erased or unsubscribes between the freeze and the claim is not mailed, and the ledger outlives an erasure.
"""

from sqlalchemy import ColumnElement, and_, literal_column
from sqlalchemy.schema import Column, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.types import Float, Integer, LargeBinary, String, Text

from publisher.database.metadata import Id, Instant, metadata, partial_index
from publisher.delivery.states import Exclusion, RecipientState


def literally(state: RecipientState) -> ColumnElement[str]:
    """The state as SQL has it, so that a partial index serves the statement."""
    return literal_column(f"'{state}'")


UNFINISHED = "finished_at IS NULL AND operator <> 'cancelled' AND audience > 0"

mailings = Table(
    "mailings",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("reference", String(16), nullable=False, unique=True),  # opaque: tags, file names and logs name it
    Column("slug", String(255), nullable=False),
    Column("sequence", Integer, nullable=False),  # 1, 2, … of the issue: a second follows a cancelled one, or corrects
    Column("digest", String(80), nullable=False),
    Column("commit", String(64)),
    Column("title", Text, nullable=False),
    Column("letter", Text, nullable=False),  # JSON: what is mailed, so that a resumed mailing sends what was frozen
    Column("operator", String(16), nullable=False),  # states.Operator
    Column("audience", Integer, nullable=False),  # candidates counted in the freezing transaction
    Column("frozen_at", Instant, nullable=False),
    Column("finished_at", Instant),  # when nothing was pending or claimed for the first time
    Column("note", Text, nullable=False),  # why the last run stopped before the end
    Column("generation", Integer, nullable=False, server_default="0"),  # rises by one a claim (lock.py)
    UniqueConstraint("slug", "sequence"),
    # One mailing of an issue at a time, whoever starts it.
    partial_index("uq_mailings_unfinished", "slug", where=UNFINISHED, unique=True),
)

# Where the counted links of an issue's mail lead; those of its newest mailing, and what only an older one had.
links = Table(
    "links",
    metadata,
    Column("slug", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, in the order of the HTML
    Column("target", Text, nullable=False),
)

recipients = Table(
    "recipients",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reference", String(32), nullable=False),  # the subscriber's; no foreign key: the account outlives erasure
    Column("state", String(12), nullable=False),  # states.RecipientState
    Column("attempts", Integer, nullable=False),  # claims that may have reached the provider
    Column("reason", String(80)),  # why excluded, rejected, uncertain, or pending again
    Column("message_id", String(120)),  # the provider's
    Column("sender_id", Integer),  # who claimed it last
    # 1: pending, and its receiver defers (tripwires.py); 2: pending, and its time is to come (local_time.py)
    Column("held", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),  # of an issue with deliver_at: the moment in the reader's zone
    Column("variant", Integer, nullable=False, server_default="0"),  # which of the letters of the mailing
    Column("released", Integer, nullable=False),  # how often an operator allowed another attempt
    Column("changed_at", Instant),
    Column("delivered_at", Instant),
    Column("bounced_at", Instant),
    Column("bounce", String(80)),
    Column("complained_at", Instant),
    Column("complaint", String(80)),
    Index("ix_recipients_reference", "reference"),
    partial_index("ix_recipients_pending", "mailing_id", "held", "attempts", "number", where="state = 'pending'"),
    partial_index("ix_recipients_waiting", "mailing_id", "not_before", where="state = 'pending' AND held = 2"),
    partial_index("ix_recipients_claimed", "mailing_id", "sender_id", where="state = 'claimed'"),
    partial_index("ix_recipients_uncertain", "mailing_id", "number", where="state = 'uncertain'"),
    partial_index("ix_recipients_digest", "mailing_id", "reference", where="reason = 'digest'"),
    partial_index("ix_recipients_message_id", "message_id", where="message_id IS NOT NULL"),
    sqlite_with_rowid=False,
)

WAITS = and_(recipients.c.state == literally(RecipientState.PENDING), recipients.c.held == literal_column("2"))
"""Whose time is to come; those whose time has come are freed by the next sender."""

LEFT_TO_MONTH = recipients.c.reason == literal_column(f"'{Exclusion.DIGEST}'")
"""Who gets the issue with the others of its month."""

# Mailings whose recipients are packed, with the account and the report as they were then (folding.py).
foldings = Table(
    "foldings",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), primary_key=True, autoincrement=False),
    Column("folded_at", Instant, nullable=False),
    Column("account", Text, nullable=False),  # JSON: states.Account
    Column("report", Text, nullable=False),  # JSON: insights' report
)

folded_recipients = Table(
    "folded_recipients",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), primary_key=True, autoincrement=False),
    Column("first", Integer, primary_key=True, autoincrement=False),  # the numbers of its recipients: from this one
    Column("last", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the rows before they were compressed
    Column("rows", LargeBinary, nullable=False),  # zlib of JSON: values by column, as the database has them
)

# A message id that events show for a recipient beside the one the ledger has: this reader got two copies.
second_copies = Table(
    "second_copies",
    metadata,
    Column("mailing_id", Id, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("message_id", String(120), primary_key=True),
    Column("at", Instant, nullable=False),
)

# Messages that events prove and no recipient matches (settle.py).
unmatched_messages = Table(
    "unmatched_messages",
    metadata,
    Column("mailing", String(16), primary_key=True),  # the reference in the tag
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reference", String(32), nullable=False),  # the subscriber's
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("slug", String(255), index=True),  # what it was, once an operator has said that the ledger is right
)

# An operator's word that the ledger is right, which the mark of the issue has as well (lock.py); on PostgreSQL it is
# the writer of the copy.
settled_marks = Table(
    "settled_marks", metadata, Column("slug", String(255), primary_key=True), Column("word", String(16), nullable=False)
)

# PostgreSQL: one row with the transaction that wrote it, by which a copy out of a dump is known (lock.py).
origins = Table(
    "origins",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("writer", String(20), nullable=False),
)

# What a large receiver did with a mailing; of all earlier ones, its history.
receiver_tallies = Table(
    "receiver_tallies",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), primary_key=True, autoincrement=False),
    Column("receiver", String(40), primary_key=True),  # by its name in providers/receivers.yaml
    Column("accepted", Integer, nullable=False),
    Column("deferred", Integer, nullable=False),  # delays, transient bounces, a relay's 4xx
    Column("held", Integer),  # how many pending recipients were held back; null: none are
)

senders = Table(
    "senders",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("mailing_id", Id, nullable=False, index=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("beat", Float, nullable=False),  # seconds since 1970 by the database's clock
    Column("ended", Integer, nullable=False),  # 1: it said good-bye, or was declared dead
)

paces = Table(
    "paces",
    metadata,
    Column("name", String(120), primary_key=True),  # the provider's account that is shared
    Column("rate", Float, nullable=False),
    Column("ceiling", Float, nullable=False),
    Column("tokens", Float, nullable=False),
    Column("at", Float, nullable=False),  # seconds since 1970 by the database's clock
    Column("cut_at", Float, nullable=False),
)
