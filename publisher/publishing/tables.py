"""The tables of publishing: what became of each issue, every deployment, and the lease. No subscriber stands here."""

from sqlalchemy import Column, Float, Integer, String, Table, Text

from publisher.database.metadata import Id, Instant, metadata

publications = Table(
    "publications",
    metadata,
    Column("slug", String(255), primary_key=True),
    Column("title", Text, nullable=False, default=""),
    Column("seen_at", Instant),  # when a run first met the issue ready with this content: the veto window's beginning
    Column("seen_content", String(80)),
    Column("held_at", Instant),  # publisher hold
    Column("held_why", Text, nullable=False, default=""),
    Column("archived_at", Instant),  # written before the first page goes up: a live page without it is a stranger's
    Column("archived_digest", String(80)),
    Column("mailed_content", String(80)),  # what readers read in the edition that was mailed
    Column("settled_at", Instant),  # an operator's word about an issue that the ledger does not know
    Column("settled_how", String(16)),  # mailed | unmailed
    Column("corrected_at", Instant),  # when what readers read last changed after the mailing
    Column("corrected_content", String(80)),
    Column("withdrawn_at", Instant),  # when an issue that was live was gone from the repository
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
    Column("fence", Integer, nullable=False),  # rises with every taking: an old holder is known by its number
    Column("holder", String(40)),  # a random word of the run; NULL while nobody holds it
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", Float, nullable=False),  # seconds since 1970 by the database's clock
)
