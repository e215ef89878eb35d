"""The metadata that every room's tables share, with the naming of constraints that migrations rely on."""

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

# SQLite gives a row id only to a column typed INTEGER; PostgreSQL needs 64 bits.
Id = BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that a condition holds for, on both databases."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


@lru_cache(maxsize=64)  # a batch of rows shares its moment
def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a moment in the database needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """An aware moment, kept in UTC as ISO 8601 text with microseconds: sorts alike on SQLite and PostgreSQL."""

    impl = String(32)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:  # noqa: ARG002
        """What makes text of a moment; a naive one is a mistake of ours. SQLAlchemy's own is a call more each time."""
        return _iso

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To an aware moment in UTC."""
        try:
            return None if value is None else datetime.fromisoformat(value)
        except (ValueError, TypeError):
            raise UnreadableError(say("a moment")) from None
