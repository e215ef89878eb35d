"""Tables of publishing: publications, deployments and the lease. They hold nothing about subscribers."""

from sqlalchemy import Column, Float, Integer, String, Table, Text

from publisher.database.metadata import Id, Instant, metadata

publications = Table(
    "publications",
    metadata,
    Column("slug", String(255), primary_key=True),
    Column("title", Text, nullable=False, default=""),
    Column("seen_at", Instant),  # first seen ready with this content: start of the veto window
    Column("seen_content", String(80)),
    Column("held_at", Instant),  # publisher hold
    Column("held_why", Text, nullable=False, default=""),
    Column("archived_at", Instant),  # written before the page is deployed; a live page without it is unknown
    Column("archived_digest", String(80)),
    Column("mailed_content", String(80)),  # hash of what readers saw in the mailed edition
    Column("settled_at", Instant),  # by an operator, for an issue unknown to the ledger
    Column("settled_how", String(16)),  # mailed | unmailed
    Column("corrected_at", Instant),  # last change after the mailing of what readers see
    Column("corrected_content", String(80)),
    Column("withdrawn_at", Instant),  # when a live issue was missing from the repository
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("commit", String(64)),
    Column("target", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("written", Integer, nullable=False, default=0),
    Column("removed", Integer, nullable=False, default=0),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("fence", Integer, nullable=False),  # incremented when taken: identifies old holders
    Column("holder", String(40)),  # random id of the run; NULL: free
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", Float, nullable=False),  # seconds since 1970 by the database's clock
)
