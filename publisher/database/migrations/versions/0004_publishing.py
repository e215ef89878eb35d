"""The schema of the first version, from which databases are upgraded; a new one is made from the tables at once."""

revision = "0004_publishing"
down_revision = None
