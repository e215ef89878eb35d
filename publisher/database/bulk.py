"""What SQLAlchemy's own execution lacks: many rows fast, and a row unless it is there."""

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
"""Names, each with what makes a value the driver's."""

_MOST_VALUES = 16_250
"""Of one statement; SQLite takes 32,766."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys (column names). No defaults are filled in. Raises IntegrityError.

    A third of the time of an INSERT whose parameters are named and bound one by one.
    """
    for statement, values in insertion(connection, table, rows):
        connection.exec_driver_sql(statement, values)


def insertion(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """What :func:`insert_rows` has the driver do: statements, each with its values."""
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
    # The driver gives up the interpreter's lock once a statement: of many rows, so that other threads get on.
    most = max(1, _MOST_VALUES // len(keys))
    parts = [bound[at : at + most] for at in range(0, len(bound), most)]
    return [(statement + ", ".join([row] * len(part)), tuple(chain.from_iterable(part))) for part in parts]


def among(
    connection: Connection | Engine, column: Column[Any], values: Collection[Any] | BindParameter[Any]
) -> ColumnElement[bool]:
    """Whether a column of text or numbers holds one of many values: one parameter, however many they are."""
    is_array = connection.dialect.name == "postgresql"
    kind = postgresql.ARRAY(column.type) if is_array else JSON()
    if isinstance(values, BindParameter):
        name, given = values.key, bindparam(values.key, type_=kind)
    else:
        name, given = "given", bindparam("given", list(values), kind, unique=True)
    # In words: SQLAlchemy's ANY and table of values are in cycles, which keep them until garbage is collected.
    if is_array:
        return column == text(f"ANY(:{name})").bindparams(given)
    return column.in_(text(f"SELECT value FROM json_each(:{name})").bindparams(given))  # noqa: S608


def update_rows(
    connection: Connection, statement: Update, rows: Sequence[Mapping[str, Any]], same: Mapping[str, Any] | None = None
) -> None:
    """Execute an UPDATE for each of ``rows``, of which no two are about one row of the table.

    They name its parameters, all the same ones: text without NUL, numbers, None; ``same`` are those that have one value
    for all. SQLite goes through the rows by the columns that theirs are compared with: those need an index.
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
    # One statement, as of insert_rows: between two a busy thread may hold the interpreter's lock for 5 ms. The rows are
    # one parameter of it: to read a statement with a parameter for each value takes as long as to change the rows.
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
    """The statement's text, its parameters in order, and the values that it brings itself; those ``given`` are columns
    of a table of this name.
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
    """The driver's values of each row, made a column at a time; ``same`` has those that rows do not name."""

    def column(key: str, bind: Callable[[Any], Any] | None) -> Iterable[Any]:
        if key not in rows[0]:
            return repeat(same[key] if bind is None else bind(same[key]), len(rows))
        return [row[key] if bind is None else bind(row[key]) for row in rows]

    return list(zip(*(column(key, bind) for key, bind in parameters), strict=True))


def new_ids(connection: Connection, column: Column[int], count: int) -> Sequence[int]:
    """Ids for as many rows to be inserted in this transaction, ascending, as the database itself would give them."""
    if connection.dialect.name == "postgresql":
        numbers = text("SELECT nextval(pg_get_serial_sequence(:table, :key)) FROM generate_series(1, :count)")
        return connection.scalars(numbers, {"table": column.table.name, "key": column.name, "count": count}).all()
    last = connection.scalar(select(func.max(column))) or 0  # nobody else writes before this transaction ends
    return range(last + 1, last + 1 + count)


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that may say what to do about a row that is there: SQLAlchemy's own has no word for it."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def insert_once(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row. False where one is there that a unique key takes for the same."""
    statement = insert_into(connection, table).values(row).on_conflict_do_nothing()
    # A row comes back for what was written; the count of rows is not to be had from every driver.
    return connection.execute(statement.returning(literal_column("1"))).first() is not None
