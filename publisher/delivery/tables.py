"""Tables of the ledger. They contain no addresses: a recipient has a reference, and its address is read at the claim.

A subscriber erased or unsubscribed after the freeze is therefore not mailed, and the ledger survives erasures.
"""

from sqlalchemy import ColumnElement, and_, literal_column
from sqlalchemy.schema import Column, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.types import Float, Integer, LargeBinary, String, Text

from publisher.database.metadata import Id, Instant, metadata, partial_index
from publisher.delivery.states import Exclusion, RecipientState


def literally(state: RecipientState) -> ColumnElement[str]:
    """Return the state as an SQL literal, so that the planner can use a partial index."""
    return literal_column(f"'{state}'")


UNFINISHED = "finished_at IS NULL AND operator <> 'cancelled' AND audience > 0"

mailings = Table(
    "mailings",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("reference", String(16), nullable=False, unique=True),  # opaque; used in tags, file names and logs
    Column("slug", String(255), nullable=False),
    Column("sequence", Integer, nullable=False),  # 1, 2, … per issue; a later one corrects or follows a cancelled one
    Column("digest", String(80), nullable=False),
    Column("commit", String(64)),
    Column("title", Text, nullable=False),
    Column("letter", Text, nullable=False),  # JSON: the frozen content, which a resumed mailing sends too
    Column("operator", String(16), nullable=False),  # states.Operator
    Column("audience", Integer, nullable=False),  # candidates counted in the freezing transaction
    Column("frozen_at", Instant, nullable=False),
    Column("finished_at", Instant),  # first time at which nothing was pending or claimed
    Column("note", Text, nullable=False),  # why the last run stopped before the end
    Column("generation", Integer, nullable=False, server_default="0"),  # rises by one per batch of claims (lock.py)
    UniqueConstraint("slug", "sequence"),
    # One unfinished mailing per issue, across all machines.
    partial_index("uq_mailings_unfinished", "slug", where=UNFINISHED, unique=True),
)

# Targets of counted links in an issue's mail: those of its newest mailing, and others of older ones.
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
    Column("reference", String(32), nullable=False),  # the subscriber's; no foreign key: the account survives erasure
    Column("state", String(12), nullable=False),  # states.RecipientState
    Column("attempts", Integer, nullable=False),  # claims that may have reached the provider
    Column("reason", String(80)),  # why excluded, rejected, uncertain, or pending again
    Column("message_id", String(120)),  # the provider's
    Column("sender_id", Integer),  # last sender that claimed it
    # 1: pending, and its receiver defers (tripwires.py); 2: pending, and waits for its time (local_time.py)
    Column("held", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),  # of an issue with deliver_at: the time in the subscriber's zone
    Column("variant", Integer, nullable=False, server_default="0"),  # index into MailContent.letters
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
"""Recipients that wait for their time; once it has come, the next sender frees them."""

LEFT_TO_MONTH = recipients.c.reason == literal_column(f"'{Exclusion.DIGEST}'")
"""Subscribers who get the issue in the edition of its month."""

# Mailings with packed recipients, and their account and report at that time (folding.py).
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
    Column("first", Integer, primary_key=True, autoincrement=False),  # first recipient number
    Column("last", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the rows before compression
    Column("rows", LargeBinary, nullable=False),  # zlib of JSON: values by column, as stored in the database
)

# Message ids that events show in addition to the one in the ledger: the subscriber got two copies.
second_copies = Table(
    "second_copies",
    metadata,
    Column("mailing_id", Id, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("message_id", String(120), primary_key=True),
    Column("at", Instant, nullable=False),
)

# Messages proved by events without a matching recipient (settle.py).
unmatched_messages = Table(
    "unmatched_messages",
    metadata,
    Column("mailing", String(16), primary_key=True),  # the reference in the tag
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reference", String(32), nullable=False),  # the subscriber's
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("slug", String(255), index=True),  # issue it belongs to, once an operator has decided
)

# Word of an operator's decision that the ledger is right, also stored in the mark of the issue (lock.py); on
# PostgreSQL the writer of the copy.
settled_marks = Table(
    "settled_marks", metadata, Column("slug", String(255), primary_key=True), Column("word", String(16), nullable=False)
)

# PostgreSQL: one row with the transaction that wrote it, which identifies a copy from a dump (lock.py).
origins = Table(
    "origins",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("writer", String(20), nullable=False),
)

# Counts of a large receiver for a mailing; those of earlier mailings are its history.
receiver_tallies = Table(
    "receiver_tallies",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), primary_key=True, autoincrement=False),
    Column("receiver", String(40), primary_key=True),  # name in providers/receivers.yaml
    Column("accepted", Integer, nullable=False),
    Column("deferred", Integer, nullable=False),  # delays, transient bounces, a relay's 4xx
    Column("held", Integer),  # number of held recipients; null: none
)

senders = Table(
    "senders",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("mailing_id", Id, nullable=False, index=True),
    Column("host", String(255), nullable=False),  # its transport's name, @, its machine; older ones: the machine alone
    Column("pid", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("beat", Float, nullable=False),  # seconds since 1970 by the database's clock
    Column("ended", Integer, nullable=False),  # 1: closed, or declared dead
)

FOLDER = "folder"
"""Name of the folder transport."""

IN_FOLDER = senders.c.host.like(f"{FOLDER}@%")
"""Senders of the folder transport, which mails nobody."""

LEFT = and_(senders.c.host.like("_%@%"), ~IN_FOLDER)
"""Senders of all other transports, except those of older versions, which did not record it."""

paces = Table(
    "paces",
    metadata,
    Column("name", String(120), primary_key=True),  # the provider's account, or a mailing
    Column("rate", Float, nullable=False),
    Column("ceiling", Float, nullable=False),
    Column("tokens", Float, nullable=False),
    Column("at", Float, nullable=False),  # seconds since 1970 by the database's clock
    Column("cut_at", Float, nullable=False),
)
