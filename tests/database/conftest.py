"""The audience's fixtures serve the database as well."""

from tests.audience.conftest import config, database

__all__ = ["config", "database"]
