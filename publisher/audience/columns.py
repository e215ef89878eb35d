"""What the columns of a CSV file mean: our own names and their aliases, and the exports of other tools as they are.

A column that means nothing to us becomes an attribute under its own name. A tool is recognised by headers
only it writes:

- Mailchimp: ``LEID`` and ``EUID``; ``UNSUB_TIME`` for the unsubscribed, ``CLEAN_TIME`` for the bounced
- Substack: ``email_disabled`` (or ``active_subscription``)
- Buttondown: ``subscriber_type`` (or ``type`` beside ``creation_date``)
- listmonk: ``uuid`` and ``status``; ``attributes`` is a JSON object
- Ghost: ``subscribed_to_emails``
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from publisher.audience.address import Address, read_address


class Standing(StrEnum):
    """What a row of another tool's export says about the person."""

    FINE = "fine"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, understood."""

    line: int
    address: Address
    name: str
    language: str | None
    topics: tuple[str, ...]
    attributes: dict[str, str]
    standing: Standing


class ColumnError(ValueError):
    """The header row cannot be used."""


_ALIASES = {
    "email": ("email", "e-mail", "email address", "e-mail address", "email_address", "mail",
              "邮箱", "电子邮件", "邮件地址", "电子邮箱", "メール", "メールアドレス"),
    "name": ("name", "full name", "full_name", "姓名", "名字", "氏名", "名前"),
    "first": ("first name", "first_name", "firstname", "fname", "given name"),
    "last": ("last name", "last_name", "lastname", "lname", "family name", "surname"),
    "language": ("language", "lang", "locale", "语言", "言語"),
    "topics": ("topics", "topic", "主题"),
}  # fmt: skip
_ROLE = {alias: role for role, aliases in _ALIASES.items() for alias in aliases}

# tool: (headers that give it away, header of its tags)
_TOOLS = (
    ("publisher", {"reference", "state"}, "topics"),
    ("mailchimp", {"leid", "euid"}, "tags"),
    ("substack", {"email_disabled"}, None),
    ("substack", {"active_subscription"}, None),
    ("buttondown", {"subscriber_type"}, "tags"),
    ("buttondown", {"type", "creation_date"}, "tags"),
    ("listmonk", {"uuid", "status"}, None),
    ("ghost", {"subscribed_to_emails"}, "labels"),
)

# tool: header: value: what it says; * stands for any value but the empty one
_STANDINGS: dict[str, dict[str, dict[str, Standing]]] = {
    "publisher": {
        "state": {"pending": Standing.PENDING, "unsubscribed": Standing.UNSUBSCRIBED},
        "suppressed": {"bounce": Standing.BOUNCE, "complaint": Standing.COMPLAINT, "*": Standing.MANUAL},
    },
    "mailchimp": {"unsub_time": {"*": Standing.UNSUBSCRIBED}, "clean_time": {"*": Standing.BOUNCE}},
    "substack": {"email_disabled": {"true": Standing.UNSUBSCRIBED, "1": Standing.UNSUBSCRIBED}},
    "buttondown": {
        kind: {
            "unactivated": Standing.PENDING,
            "unsubscribed": Standing.UNSUBSCRIBED,
            "removed": Standing.UNSUBSCRIBED,
            "undeliverable": Standing.BOUNCE,
            "complained": Standing.COMPLAINT,
            "blocked": Standing.MANUAL,
            "spammy": Standing.MANUAL,
        }
        for kind in ("subscriber_type", "type")
    },
    "listmonk": {
        "status": {"disabled": Standing.UNSUBSCRIBED, "blocklisted": Standing.MANUAL},
        "subscription_status": {"unconfirmed": Standing.PENDING, "unsubscribed": Standing.UNSUBSCRIBED},
    },
    "ghost": {
        "subscribed_to_emails": {"false": Standing.UNSUBSCRIBED, "0": Standing.UNSUBSCRIBED},
        "deleted_at": {"*": Standing.UNSUBSCRIBED},
    },
}
_WORST = (Standing.COMPLAINT, Standing.BOUNCE, Standing.MANUAL, Standing.UNSUBSCRIBED, Standing.PENDING, Standing.FINE)

# columns of other tools that say nothing about the person to us
_DROPPED = {
    "publisher": {"reference", "created_at", "changed_at"},
    "listmonk": {"uuid", "updated_at"},
    "mailchimp": {"leid", "euid"},
}

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
# A cell begins at the beginning, and for a spreadsheet of another country after a semicolon; ＝ is = to a Japanese one.
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[=+\-@\t\r＝＋－＠])")
_GUARDED = re.compile(r"(^|[;\t\r\n])'(?=[=+\-@\t\r＝＋－＠])")


def guarded(cell: str) -> str:
    """A cell of our export that no spreadsheet takes for a formula: with an apostrophe before what would begin one."""
    return _FORMULA.sub(r"\1'", cell)


def unguarded(cell: str) -> str:
    """The cell as it was."""
    return _GUARDED.sub(r"\1", cell)


@lru_cache(maxsize=1024)
def language_tag(text: str) -> str | None:
    """A BCP 47 tag in its usual case (``zh_cn`` → ``zh-CN``, ``zh-hans`` → ``zh-Hans``); None where it is not one."""
    if not _LANGUAGE.fullmatch(text) or len(text) > 35:
        return None
    first, *rest = text.replace("_", "-").split("-")
    return "-".join([first.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of each column."""

    tool: str
    width: int
    roles: dict[str, int]
    attributes: tuple[tuple[int, str], ...]
    standings: tuple[tuple[int, dict[str, Standing]], ...] = field(repr=False)

    @classmethod
    def of(cls, header: Sequence[str]) -> Columns:
        """Understand a header row. Raises ColumnError: no email column, or a name that stands twice."""
        names = [cell.strip() for cell in header]
        lowered = [name.lower() for name in names]
        twice = {name for name in lowered if name and lowered.count(name) > 1}
        if twice:
            raise ColumnError(f"the column {min(twice)!r} stands twice in the header")
        tool, tags = next(((tool, tags) for tool, signs, tags in _TOOLS if signs <= set(lowered)), ("csv", None))
        roles: dict[str, int] = {}
        for index, name in enumerate(lowered):
            role = "topics" if tags == name else _ROLE.get(name)
            if tool == "listmonk" and name == "attributes":
                role = "json"
            if role is not None:
                roles.setdefault(role, index)
        if "email" not in roles:
            raise ColumnError("the header has no column email")
        meanings = _STANDINGS.get(tool, {})
        standings = tuple((index, meanings[name]) for index, name in enumerate(lowered) if name in meanings)
        taken = {*roles.values(), *(index for index, _ in standings)}
        dropped = _DROPPED.get(tool, set())
        rest = ((index, name) for index, name in enumerate(names) if name and index not in taken)
        return cls(tool, len(names), roles, tuple(pair for pair in rest if pair[1].lower() not in dropped), standings)

    def entry(self, line: int, row: list[str]) -> Entry:
        """Understand a row. Raises ValueError (AddressError among them) with what is wrong, without the address."""
        if len(row) > self.width and any(row[self.width :]):
            raise ValueError(f"there are {len(row)} values for {self.width} columns")
        if len(row) < self.width:
            row = row + [""] * (self.width - len(row))
        if self.tool == "publisher":
            row = [unguarded(cell) for cell in row]
        address = read_address(row[self.roles["email"]])
        attributes = {name: value for index, name in self.attributes if (value := _clean(row[index]))}
        raw_language = self._cell(row, "language")
        language = language_tag(raw_language) if raw_language else None
        if raw_language and language is None:
            attributes["language"] = raw_language
        if "json" in self.roles:
            attributes.update(_json_object(self._cell(row, "json")))
        return Entry(line, address, self._name(row), language, self._topics(row), attributes, self._standing(row))

    def _cell(self, row: list[str], role: str) -> str:
        index = self.roles.get(role)
        return "" if index is None else _clean(row[index])

    def _name(self, row: list[str]) -> str:
        return self._cell(row, "name") or " ".join(
            part for part in (self._cell(row, "first"), self._cell(row, "last")) if part
        )

    def _topics(self, row: list[str]) -> tuple[str, ...]:
        return _split(self._cell(row, "topics"))

    def _standing(self, row: list[str]) -> Standing:
        if not self.standings:
            return Standing.FINE
        found = {Standing.FINE}
        for index, meanings in self.standings:
            value = row[index].strip().lower()
            found.add(meanings.get(value) or (meanings.get("*") if value else None) or Standing.FINE)
        return next(standing for standing in _WORST if standing in found)


@lru_cache(maxsize=1024)
def _split(text: str) -> tuple[str, ...]:
    parts = (part.strip().strip('"').strip() for part in re.split(r"[,;|]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def _clean(text: str) -> str:
    """Without what PostgreSQL cannot keep and nobody can see at the ends."""
    return text.replace("\x00", "").strip()


def _json_object(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError("attributes is not a JSON object") from None
    if not isinstance(found, dict):
        raise ValueError("attributes is not a JSON object")
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for key, value in found.items()
    }
