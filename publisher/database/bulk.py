"""Bulk and conditional statements that SQLAlchemy executes slowly or does not offer for both databases."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json
from sqlalchemy import JSON, BindParameter, Column, ColumnElement, Connection, Dialect, Engine, Table, Update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import bindparam, column, func, literal_column, select, table, text
from sqlalchemy.sql.visitors import replacement_traverse

_Parameters = Sequence[tuple[str, Callable[[Any], Any] | None]]
"""Parameter names, each with the function that converts a value for the driver, or None."""

_MOST_VALUES = 16_250
"""Parameters of one statement; SQLite's limit is 32,766."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys (column names). No defaults are filled in. Raises IntegrityError.

    Takes a third of the time of an INSERT whose parameters are named and bound one by one.
    """
    for statement, values in insertion(connection, table, rows):
        connection.exec_driver_sql(statement, values)


def insertion(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Return the statements that :func:`insert_rows` executes, each with its values."""
    if not rows:
        return []
    dialect = connection.dialect
    keys = tuple(rows[0])
    processors = [(key, table.c[key].type.dialect_impl(dialect).bind_processor(dialect)) for key in keys]
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    quote = dialect.identifier_preparer.quote
    columns, row = ", ".join(quote(key) for key in keys), f"({', '.join([mark] * len(keys))})"
    statement, bound = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ", _bound(rows, processors)  # noqa: S608
    if dialect.name == "postgresql":
        return [(statement + row, bound)]
    # sqlite3 releases the GIL once per statement, so each inserts many rows and other threads can run.
    most = max(1, _MOST_VALUES // len(keys))
    parts = [bound[at : at + most] for at in range(0, len(bound), most)]
    return [(statement + ", ".join([row] * len(part)), tuple(chain.from_iterable(part))) for part in parts]


def among(
    connection: Connection | Engine, column: Column[Any], values: Collection[Any] | BindParameter[Any]
) -> ColumnElement[bool]:
    """Return an IN condition for a text or number column that takes one parameter, however many values there are."""
    is_array = connection.dialect.name == "postgresql"
    kind = postgresql.ARRAY(column.type) if is_array else JSON()
    if isinstance(values, BindParameter):
        name, given = values.key, bindparam(values.key, type_=kind)
    else:
        name, given = "given", bindparam("given", list(values), kind, unique=True)
    # As text: SQLAlchemy's ANY and table-valued constructs contain reference cycles, which delay freeing the values.
    if is_array:
        return column == text(f"ANY(:{name})").bindparams(given)
    return column.in_(text(f"SELECT value FROM json_each(:{name})").bindparams(given))  # noqa: S608


def update_rows(
    connection: Connection, statement: Update, rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any] | None = None
) -> None:
    """Execute an UPDATE once for each of ``rows``; no two may concern the same row of the table.

    All rows name the same parameters; values are text without NUL, numbers or None. ``same`` has the parameters with
    one value for all. SQLite joins the rows by the columns compared with them, which need an index.
    """
    if not rows:
        return
    dialect, given = connection.dialect, tuple(rows[0])
    text, parameters, own = _compiled(statement, dialect)
    if dialect.name == "postgresql":
        bound, keys = _bound(rows, parameters, {**own, **(same or {})}), [key for key, _ in parameters]
        connection.exec_driver_sql(text, [dict(zip(keys, row, strict=True)) for row in bound])
        return
    binds = dict(parameters)
    bound = _bound(rows, [(key, binds[key]) for key in given])
    # One statement, as in insert_rows: between two statements a busy thread may hold the GIL for 5 ms. The rows are one
    # JSON parameter: parsing a statement with one parameter per value takes as long as changing the rows.
    text, parameters, own = _compiled(statement, dialect, given)
    names = map(dialect.identifier_preparer.quote, given)
    columns = ", ".join(f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(names))
    rest, told = _bound([{**own, **(same or {})}], parameters)[0], to_json(bound).decode()
    with_ = f"WITH given AS MATERIALIZED (SELECT {columns} FROM json_each(?))"  # noqa: S608
    connection.exec_driver_sql(f"{with_} {text}", (told, *rest))


@lru_cache(maxsize=16)
def _compiled(
    statement: Update, dialect: Dialect, given: tuple[str, ...] = ()
) -> tuple[str, _Parameters, dict[str, Any]]:
    """Return the SQL text, its parameters in order, and the values bound in the statement itself. The parameters in
    ``given`` become columns of a table called ``given``.
    """
    columns = table("given", *map(column, given)).c

    def named(element: Any, **_: object) -> Any:
        return columns[element.key] if isinstance(element, BindParameter) and element.key in given else None

    made: Any = replacement_traverse(statement, {}, named)
    compiled = made.compile(dialect=dialect)
    types = {name: parameter.type for parameter, name in compiled.bind_names.items()}
    parameters: _Parameters = [
        (name, types[name].dialect_impl(dialect).bind_processor(dialect)) for name in compiled.positiontup or types
    ]
    return str(compiled), parameters, dict(compiled.params)


def _bound(
    rows: Sequence[Mapping[str, Any]], parameters: _Parameters, same: Mapping[str, Any] = MappingProxyType({})
) -> list[tuple[Any, ...]]:
    """Return the converted values of each row, computed column by column; ``same`` has those that rows do not name."""

    def column(key: str, bind: Callable[[Any], Any] | None) -> Iterable[Any]:
        if key not in rows[0]:
            return repeat(same[key] if bind is None else bind(same[key]), len(rows))
        return [row[key] if bind is None else bind(row[key]) for row in rows]

    return list(zip(*(column(key, bind) for key, bind in parameters), strict=True))


def new_ids(connection: Connection, column: Column[int], count: int) -> Sequence[int]:
    """Return ascending ids for ``count`` rows inserted in this transaction, as the database would assign them."""
    if connection.dialect.name == "postgresql":
        numbers = text("SELECT nextval(pg_get_serial_sequence(:table, :key)) FROM generate_series(1, :count)")
        return connection.scalars(numbers, {"table": column.table.name, "key": column.name, "count": count}).all()
    last = connection.scalar(select(func.max(column))) or 0  # SQLite: no other writer before this transaction ends
    return range(last + 1, last + 1 + count)


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, which has ON CONFLICT; SQLAlchemy's generic one does not."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def insert_once(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row. False if a unique key conflicts with an existing row."""
    statement = insert_into(connection, table).values(row).on_conflict_do_nothing()
    # RETURNING yields a row if one was inserted; not every driver reports the row count.
    return connection.execute(statement.returning(literal_column("1"))).first() is not None
