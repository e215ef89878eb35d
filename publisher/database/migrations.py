"""The migrations: how the tables of an older database are changed, in SQL that SQLite and PostgreSQL both take.

:mod:`publisher.database.migrate` executes the statements that a database lacks, then creates the tables that it lacks
in their present form.
"""

# The first is the schema of the first version, from which databases are upgraded.
REVISIONS = (
    "0004_publishing", "0005_one_mailing", "0006_confirmations", "0007_generation", "0008_channels", "0009_deferrals",
    "0010_timezone", "0011_paused_until", "0012_variant", "0013_local_time", "0014_asking", "0015_clicks",
    "0016_series", "0017_digest", "0018_left_to_month", "0019_folding", "0020_unmatched", "0021_settled_marks",
    "0022_origins",
)  # fmt: skip
"""All revisions that this version of publisher knows, oldest first; those without statements only add tables."""

_UNFINISHED = "finished_at IS NULL AND operator <> 'cancelled' AND audience > 0"
_TWICE = f"SELECT slug FROM mailings WHERE {_UNFINISHED} GROUP BY slug HAVING count(*) > 1"  # noqa: S608 - constants
_NEWEST = f"SELECT max(id) FROM mailings WHERE {_UNFINISHED} GROUP BY slug"  # noqa: S608
_NOTE = "frozen twice by two senders at once"

STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    # One unfinished mailing of an issue, held by the database itself. Two senders could once freeze one issue twice.
    # The older of two is given up and the newer waits for an operator, for some of its recipients may have the older
    # one's message: whoever that may have reached is not mailed by the newer one, even when an operator resumes it.
    "0005_one_mailing": ("mailings", (
        f"""UPDATE mailings SET operator = 'paused', note = '{_NOTE}'
        WHERE {_UNFINISHED} AND slug IN ({_TWICE}) AND id IN ({_NEWEST})""",  # noqa: S608
        f"""UPDATE mailings SET operator = 'cancelled', note = '{_NOTE}'
        WHERE {_UNFINISHED} AND slug IN ({_TWICE}) AND id NOT IN ({_NEWEST})""",  # noqa: S608
        f"""UPDATE recipients SET state = 'excluded', reason = 'reached' WHERE state = 'pending' AND EXISTS (
        SELECT 1 FROM mailings m JOIN mailings e ON e.slug = m.slug AND e.sequence < m.sequence
        JOIN recipients r ON r.mailing_id = e.id AND r.state IN ('submitted', 'uncertain', 'claimed')
        WHERE m.id = recipients.mailing_id AND m.finished_at IS NULL AND r.reference = recipients.reference
        AND (e.digest = m.digest OR e.note = '{_NOTE}'))""",  # noqa: S608
        f"CREATE UNIQUE INDEX uq_mailings_unfinished ON mailings (slug) WHERE {_UNFINISHED}",
    )),
    # Each claim raises a mailing's generation: a copy of the database that lags behind is known by its number.
    "0007_generation": ("mailings", ("ALTER TABLE mailings ADD COLUMN generation INTEGER DEFAULT '0' NOT NULL",)),
    # Recipients held back because their receiver defers: no claim sees them.
    "0009_deferrals": ("recipients", (
        "ALTER TABLE recipients ADD COLUMN held INTEGER DEFAULT '0' NOT NULL",
        "DROP INDEX ix_recipients_pending",
        "CREATE INDEX ix_recipients_pending ON recipients (mailing_id, held, attempts, number) WHERE state = 'pending'",
    )),
    # A reader's own time zone.
    "0010_timezone": ("subscribers", ("ALTER TABLE subscribers ADD COLUMN timezone VARCHAR(64)",)),
    # A reader may pause: no issue until then.
    "0011_paused_until": ("subscribers", ("ALTER TABLE subscribers ADD COLUMN paused_until VARCHAR(32)",)),
    # Which letter of a mailing each recipient gets, decided when it was frozen.
    "0012_variant": ("recipients", ("ALTER TABLE recipients ADD COLUMN variant INTEGER DEFAULT '0' NOT NULL",)),
    # The moment before which a recipient gets nothing; who waits for it is held, and found by a small index.
    "0013_local_time": ("recipients", (
        "ALTER TABLE recipients ADD COLUMN not_before VARCHAR(32)",
        """CREATE INDEX ix_recipients_waiting ON recipients (mailing_id, not_before)
        WHERE state = 'pending' AND held = 2""",
    )),
    # Mail in the outbox of confirmations may ask whether somebody still reads.
    "0014_asking": (
        "confirmations", ("ALTER TABLE confirmations ADD COLUMN kind VARCHAR(12) DEFAULT 'confirm' NOT NULL",),
    ),
    # A reader may want the issues of a month as one edition.
    "0017_digest": ("subscribers", ("ALTER TABLE subscribers ADD COLUMN digest VARCHAR(12)",)),
    # Who gets an issue with the others of its month is found without a look at everybody.
    "0018_left_to_month": ("recipients", (
        "CREATE INDEX ix_recipients_digest ON recipients (mailing_id, reference) WHERE reason = 'digest'",
    )),
}  # fmt: skip
"""By revision: the table that it changes, and its statements, passed over if a database does not have the table yet."""
