"""Alembic revisions, applied by :mod:`publisher.database.migrate`."""
