"""Metadata shared by the tables of all packages, with the constraint names that migrations rely on."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, Integer, MetaData, String, TypeDecorator, text

from publisher.database.failures import UnreadableError
from publisher.diagnostics import say

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite autoincrements only a column of type INTEGER; PostgreSQL needs 64 bits.
Id = BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition, for both databases."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


@lru_cache(maxsize=64)  # the rows of a batch have the same time
def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a moment in the database needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """Aware datetime, stored in UTC as ISO 8601 text with microseconds, which sorts the same on both databases."""

    impl = String(32)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:  # noqa: ARG002
        """Return the conversion to text; it raises ValueError if naive. Direct, to save a call per value."""
        return _iso

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware datetime in UTC. Raises UnreadableError."""
        try:
            return None if value is None else datetime.fromisoformat(value)
        except (ValueError, TypeError):
            raise UnreadableError(say("a moment")) from None
