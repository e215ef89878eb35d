"""Translate an audience expression into an SQL condition that selects the same subscribers on SQLite and PostgreSQL.

A subscriber without a language counts as reading the newsletter's language.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Float, String, and_, false, func, not_, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from publisher.audience.tables import subscribers
from publisher.config.segments import All, And, Attribute, Language, Not, Or, Segment, Topic, is_number, parse_segment


def segment_clause(text: str | None, newsletter_language: str) -> ColumnElement[bool]:
    """Return the condition on ``subscribers`` for an ``audience`` expression; None selects all. Raises SegmentError."""
    return true() if text is None else _clause(parse_segment(text), newsletter_language)


def _clause(segment: Segment, home: str) -> ColumnElement[bool]:
    match segment:
        case All():
            return true()
        case Topic(name):
            return _holds(subscribers.c.topics, name)
        case Language(tag):
            language = func.lower(func.coalesce(subscribers.c.language, home))
            return or_(language == tag, language.startswith(f"{tag}-", autoescape=True))
        case Not(part):
            return not_(_clause(part, home))
        case And(parts):
            return and_(*(_clause(part, home) for part in parts))
        case Or(parts):
            return or_(*(_clause(part, home) for part in parts))
        case Attribute():
            return _comparison(segment)


def _comparison(test: Attribute) -> ColumnElement[bool]:
    held: ColumnElement[Any]
    if test.name.lower() == "name":
        held = subscribers.c.name
    else:
        held = func.coalesce(_member(subscribers.c.attributes, test.name), "")
    if test.name == "timezone":  # imports and older versions may have stored it as an attribute
        held = func.coalesce(subscribers.c.timezone, held)
    if test.comparison == "=":
        return held == test.value
    if test.comparison == "!=":
        return held != test.value
    operator = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[test.comparison]
    if is_number(test.value):
        compared: ColumnElement[bool] = getattr(_number(held), operator)(float(test.value))
        return func.coalesce(compared, false())
    return and_(held != "", getattr(_ordered(held), operator)(test.value))


def _function(type_: Any, sqlite: str, postgresql: str) -> Callable[..., ColumnElement[Any]]:
    """Make an SQL function with different text per database; ``{0}`` and ``{1}`` are its arguments."""

    class Function(FunctionElement[Any]):
        type = type_
        inherit_cache = True

    for dialect, sql in (("sqlite", sqlite), ("postgresql", postgresql)):

        def write(element: Function, compiler: Any, _sql: str = sql, **options: Any) -> str:
            return _sql.format(*(compiler.process(clause, **options) for clause in element.clauses))

        compiles(Function, dialect)(write)
    return Function


_SHAPE = " AND ".join(  # SQLite has no regular expressions: these globs are equivalent to the pattern below
    f"v {'' if glob == '*[0-9]' else 'NOT '}GLOB '{glob}'"
    for glob in ("*[^0-9.-]*", "?*-*", "*.*.*", ".*", "-.*", "*[0-9]", f"{'?' * 31}*")
)
_SQLITE_NUMBER = f"(SELECT CASE WHEN {_SHAPE} THEN CAST(v AS REAL) END FROM (SELECT {{0}} AS v))"  # noqa: S608
_POSTGRESQL_NUMBER = (
    "(SELECT CASE WHEN v ~ '^-?[0-9]+([.][0-9]+)?$' AND length(v) <= 30 THEN v::float8 END FROM (SELECT {0} AS v) t)"
)
# Whether a JSON list contains a text; the text under a key of a JSON object, or NULL.
_holds = _function(Boolean(), "EXISTS (SELECT 1 FROM json_each({0}) WHERE value = {1})", "jsonb_exists({0}, {1})")
_member = _function(String(), "(SELECT value FROM json_each({0}) WHERE key = {1})", "({0} ->> {1})")
# A text as a number (optional minus sign, digits, optional point and digits), or NULL.
_number = _function(Float(), _SQLITE_NUMBER, _POSTGRESQL_NUMBER)
# A text collated by code point, which sorts ISO 8601 dates correctly.
_ordered = _function(String(), "({0} COLLATE BINARY)", '({0} COLLATE "C")')
