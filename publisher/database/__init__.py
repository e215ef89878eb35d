"""The one database: engine, transactions and migrations. Statements live in the stores, tables beside them."""

from publisher.database.engine import Database, open_database
from publisher.database.metadata import metadata

__all__ = ["Database", "metadata", "open_database"]
