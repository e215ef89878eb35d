"""The migrations: alembic's revisions, applied by :mod:`publisher.database.migrate`."""
