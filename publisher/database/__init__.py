"""The database: engine, transactions and migrations. Statements are in the stores, tables in ``tables.py`` files."""

from publisher.database.engine import Database, open_database
from publisher.database.metadata import metadata

__all__ = ["Database", "metadata", "open_database"]
