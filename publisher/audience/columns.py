"""The meaning of the columns of a CSV file: our own names, their aliases, and the exports of other tools.

A column without a known meaning becomes an attribute under its own name. A tool is recognised by headers that no other
tool writes. Columns that say who may be mailed are recognised in any tool's words (:mod:`publisher.audience.standing`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import available_timezones

import pydantic_core

from publisher.audience.address import Address, check_address, read_address
from publisher.audience.own import COLUMNS, LATER, SIGNS, Past, past_of, plain_cell
from publisher.audience.standing import MOST_VALUES, TABLES, ImportStatus, StatusColumns
from publisher.config.audience import AttributeConfig, fits
from publisher.config.values import SYSTEM_ZONES, composed
from publisher.diagnostics import counted, say
from publisher.language import canonical


class ImportRow(NamedTuple):
    """Parsed row of an import file."""

    line: int
    address: Address
    name: str
    language: str | None
    timezone: str | None
    topics: tuple[str, ...]
    attributes: dict[str, str]
    standing: ImportStatus
    past: Past | None = None
    """Further columns of our own export; None for any other file."""


class ColumnError(ValueError):
    """Header row that cannot be used."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Program whose exports are recognised; headers in lower case."""

    signs: Sequence[Sequence[str]] = ()
    """Lists of headers that only this tool writes; a file with all headers of one list is its export."""
    email: str | None = None
    """Column of addresses, if its header does not say so."""
    tags: str | None = None
    json: str | None = None
    """Column of JSON objects with attributes."""
    statuses: Sequence[str] = ()
    """Columns that hold a subscription status although their header does not say so."""
    silent: Sequence[str] = ()
    """Columns that do not hold a subscription status although their header looks like it."""
    dropped: Sequence[str] = ()
    """Columns that are not imported: the tool's bookkeeping, and the place of the sign-up."""


_TOOLS = {name: Tool(**said) for name, said in TABLES["tools"].items()}
_ROLE = {alias: role for role, aliases in TABLES["roles"].items() for alias in aliases.split(", ")}

NO_EMAIL = say("the header has no column email")
_LONGEST_TAG = 35  # BCP 47, section 4.4.1


@lru_cache(maxsize=1024)
def language_tag(text: str) -> str | None:
    """Return a BCP 47 tag in canonical form (``zh_cn`` → ``zh-CN``); None if it is not a tag or too long."""
    return canonical(text.replace("_", "-")) if len(text) <= _LONGEST_TAG else None


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() - SYSTEM_ZONES}


@lru_cache(maxsize=1024)
def time_zone(text: str) -> str | None:
    """Return the IANA name in canonical case (``europe/berlin`` → ``Europe/Berlin``); None if it is unknown."""
    return _zones().get(text.strip().replace(" ", "_").lower())


_NAMED = {"timezone": (say("time zone"), time_zone), "language": (say("language"), language_tag)}
"""Columns whose values must be a known name: role, (word for messages, parser)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of each column of a file."""

    tool: str
    width: int
    roles: dict[str, int]
    attributes: tuple[tuple[int, str], ...]
    standings: StatusColumns
    odd_names: tuple[str, ...]
    """Warnings about the header."""
    declared: Mapping[str, AttributeConfig]
    """Declared attributes with a type other than text. A value that does not fit is imported; mail uses the default."""
    unnamed: tuple[int, ...] = ()
    """Indexes of columns with an empty header; they are not imported."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Warnings about unknown time zones and languages and about unnamed columns, each with its first line number."""
    misfits: list[tuple[int, str]] = field(default_factory=list)
    """(line, attribute) of values that do not fit the declared type; at most 1,000."""

    @property
    def warnings(self) -> tuple[tuple[int, str], ...]:
        """Warnings about the file, each with its line number."""
        unknown = ((line, text) for text, line in self.unknown.items())
        told = say("the value of {name} is no {kind}: it is kept, and mail has the default")
        misfits = ((line, say(told, name=name, kind=self.declared[name].type)) for line, name in self.misfits)
        return (*((1, name) for name in self.odd_names), *sorted((*unknown, *misfits)))

    @classmethod
    def of(
        cls,
        header: Sequence[str],
        answers: Mapping[str, ImportStatus] | None = None,
        declared: Mapping[str, AttributeConfig] | None = None,
    ) -> Columns:
        """Parse a header; ``answers`` are for :class:`StatusColumns`. Raises ColumnError: no email column, or two."""
        typed = {name: one for name, one in (declared or {}).items() if one.type != "text"}
        if set(header) >= SIGNS:
            return cls._own([plain_cell(name) for name in header], typed)
        names, warnings = _numbered([cell.strip() for cell in header])
        lowered = [name.lower() for name in names]
        known = ((name, tool) for name, tool in _TOOLS.items() if any(set(lowered).issuperset(s) for s in tool.signs))
        tool_name, tool = next(known, ("csv", Tool()))
        roles: dict[str, int] = {}
        for index, name in enumerate(lowered):
            role = {tool.tags: "topics", tool.json: "json"}.get(name) or _ROLE.get(name)
            if role is not None:
                roles.setdefault(role, index)
        if tool.email in lowered:
            roles.setdefault("email", lowered.index(tool.email))
        if "email" not in roles:
            raise ColumnError(NO_EMAIL)
        taken = set(roles.values())
        rest = [(i, name) for i, name in enumerate(names) if name and i not in taken and lowered[i] not in tool.dropped]
        heard = [(i, name) for i, name in rest if lowered[i] not in tool.silent]
        standings = StatusColumns(heard, answers or {}, tool.statuses)
        unnamed = tuple(index for index, name in enumerate(names) if not name)
        return cls(tool_name, len(names), roles, tuple(rest), standings, tuple(warnings), typed, unnamed)

    @classmethod
    def _own(cls, names: list[str], typed: Mapping[str, AttributeConfig]) -> Columns:
        """Return the columns of our own export, whose names have no aliases."""
        attributes = set() if set(names) >= LATER else LATER
        roles = {name: names.index(name) for name in COLUMNS if name in names and name not in attributes}
        rest = tuple((index, name) for index, name in enumerate(names) if name and name not in roles)
        return cls("publisher", len(names), roles, rest, StatusColumns([], {}), (), typed)

    def survey(self, line: int, row: list[str]) -> None:
        """Check a row: collect its statuses and warnings. Raises ValueError if :meth:`entry` would."""
        for role, (what, reads) in _NAMED.items():
            index = self.roles.get(role, len(row))
            value = _clean(row[index]) if index < len(row) else ""
            if value and reads(value) is None and len(self.unknown) < MOST_VALUES:
                self.unknown.setdefault(_strange(what, value), line)
        if self.tool == "publisher":
            self._weigh(line, self.entry(line, row).attributes)
            return
        row = self._fitted(row)
        check_address(row[self.roles["email"]])
        for index in self.unnamed:
            if _clean(row[index]):
                self.unknown.setdefault(_headless(index + 1), line)
        if self.declared:
            self._weigh(line, {name: row[index] for index, name in self.attributes if name in self.declared})
        if "json" in self.roles:
            self._weigh(line, _json_object(_clean(row[self.roles["json"]])))
        self.standings.observe(row)

    def _weigh(self, line: int, attributes: Mapping[str, str]) -> None:
        for name in self.declared.keys() & attributes.keys():
            known, value = self.declared[name], _clean(attributes[name])
            if value and len(self.misfits) < 1000 and not fits(value, known.type, known.choices):
                self.misfits.append((line, name))

    def entry(self, line: int, row: list[str]) -> ImportRow:
        """Parse a row. Raises ValueError (or its subclass AddressError); the message does not quote the address."""
        row = self._fitted(row)
        if self.tool == "publisher":
            return self._own_entry(line, [plain_cell(cell.replace("\x00", "")) for cell in row])
        address = read_address(row[self.roles["email"]])
        standing, speaking = self.standings.standing(row), self.standings.speaking
        row = [cell.strip() for cell in row] if "\x00" not in "".join(row) else [_clean(cell) for cell in row]
        attributes = {name: row[index] for index, name in self.attributes if row[index] and index not in speaking}
        cells = {role: row[index] for role, index in self.roles.items()}
        language = language_tag(tag) if (tag := cells.get("language")) else None
        if tag and language is None:
            attributes["language"] = tag
        zone = self._zone(cells, attributes)
        if "json" in cells:
            attributes.update(_json_object(cells["json"]))
        first, name, last = (cells.get(role, "") for role in ("first", "name", "last"))
        # In a file with a first name, the name may be only the last name.
        whole = name and (f" {first} " in f" {name} " if first and name.isascii() else first in name)
        name = name if whole else f"{first} {name or last}".strip()
        return ImportRow(line, address, name, language, zone, _split(cells.get("topics", "")), attributes, standing)

    def _zone(self, cells: Mapping[str, str], attributes: dict[str, str]) -> str | None:
        """Return the time zone of a row; an unknown name becomes the attribute ``timezone``."""
        zone = time_zone(said) if (said := cells.get("timezone")) else None
        if said and zone is None:
            attributes.setdefault("timezone", said)
        return zone

    def _fitted(self, row: list[str]) -> list[str]:
        """Pad a row to the width of the header. Raises ValueError if values stand beyond it."""
        if len(row) > self.width and any(row[self.width :]):
            raise ValueError(counted(
                "there are {values} values for {n} column", "there are {values} values for {n} columns", self.width,
                values=len(row),
            ))  # fmt: skip
        return row if len(row) >= self.width else row + [""] * (self.width - len(row))

    def _own_entry(self, line: int, row: list[str]) -> ImportRow:
        cells = {name: row[index] for name, index in self.roles.items()}
        past = past_of(cells)
        # An address that a provider suppressed may fail our own check.
        email = cells["email"]
        address = read_address(email) if past.state else Address(email, email, email.lower())
        attributes = {name: value for index, name in self.attributes if (value := row[index])}
        attributes |= _json_object(cells.get("other_attributes", ""))
        topics = cells.get("topics", "")
        listed = tuple(_json_list(topics)) if topics.startswith("[") else _split(topics)
        language = language_tag(cells.get("language", ""))
        zone, name = self._zone(cells, attributes), cells.get("name", "")
        return ImportRow(line, address, name, language, zone, listed, attributes, ImportStatus.FINE, past)


def _numbered(names: list[str]) -> tuple[list[str], list[str]]:
    """Number repeated headers; return the headers, and a warning for each. Raises ColumnError: two email columns."""
    taken, counted = set(names), Counter[str]()
    warnings: list[str] = []
    for index, name in enumerate(names):
        role = _ROLE.get(name.lower())
        key = name.lower() if role else name  # City and city are two attributes; Name and name are the same column
        counted[key] += 1
        if counted[key] == 1 or not key:
            continue
        if role == "email":
            raise ColumnError(say("the column {name!r} is in the header twice", name=name))
        while (numbered := f"{name} {counted[key]}") in taken:
            counted[key] += 1
        taken.add(numbered)
        names[index] = numbered
        told = say("the column {name!r} is in the header twice", name=name)
        warnings.append(say("{told}; this one is the attribute {numbered!r}", told=told, numbered=numbered))
    return names, warnings


@lru_cache(maxsize=1024)  # called for every row
def _strange(what: str, value: str) -> str:
    told = say("there is no {what} {value!r}", what=what, value=value)
    return say("{told}: it is kept as an attribute, and the newsletter's own counts", told=told)


@lru_cache(maxsize=1024)
def _headless(n: int) -> str:
    return say("column {n} has no header: what is in it is left out", n=n)


@lru_cache(maxsize=1024)
def _split(text: str) -> tuple[str, ...]:
    parts = (part.strip().strip('"').strip() for part in re.split(r"[,;|]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def _clean(text: str) -> str:
    """Remove NUL characters, which PostgreSQL cannot store, and white space at both ends."""
    return text.replace("\x00", "").strip()


def _json_list(text: str) -> list[str]:
    try:
        return [composed(str(topic)) for topic in pydantic_core.from_json(text)]
    except (TypeError, ValueError):
        raise ValueError(say("the topics are not a JSON list")) from None


def _json_object(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        found = pydantic_core.from_json(text)
    except ValueError:
        raise ValueError(say("the attributes are not a JSON object")) from None
    if not isinstance(found, dict):
        raise ValueError(say("the attributes are not a JSON object"))
    told = {key: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for key, one in found.items()}
    return {composed(key.replace("\x00", "")): composed(value.replace("\x00", "")) for key, value in told.items()}
