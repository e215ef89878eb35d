"""What a receiving server answered, decoded: who speaks, why it refuses or waits, and what helps (receivers.yaml).

Every answer is matched by whole codes and by substrings, so the time is linear in its length and in the table's. What
fits no row is not guessed at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from publisher.diagnostics import say
from publisher.documents.yaml import read_data

# RFC 3463, 2: class, subject, detail. Not within a version or an IP address.
_CODE = re.compile(r"(?<![\w.])[245]\.[0-7]\.\d{1,3}(?![.-]?\w)")


class ReceiverAnswer(NamedTuple):
    """An answer in plain words. ``receiver`` is empty where nobody knows it, the others where no row fits."""

    receiver: str
    reason: str = ""
    cure: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    codes: frozenset[str]
    says: tuple[str, ...]
    answer: ReceiverAnswer

    def fits(self, code: str, words: str) -> bool:
        return (not self.codes or code in self.codes) and (not self.says or any(said in words for said in self.says))


@dataclass(frozen=True, slots=True)
class _Table:
    marks: tuple[tuple[str, str], ...]  # a mark, its receiver
    domains: Mapping[str, str]  # domain or ``name.*`` → receiver
    rows: Mapping[str, Sequence[_Row]]  # of a receiver; "" has everybody's


def decode(text: str, domain: str = "") -> ReceiverAnswer:
    """What the server of a reader at ``domain`` said: a bounce's status and diagnostic, or an SMTP answer."""
    table, words = _table(), " ".join(text.split()).casefold()
    receiver = next((name for mark, name in table.marks if mark in words), "") or receiver_of(domain)
    # The server's own words count before the status that the provider made of them.
    codes = _CODE.findall(words.partition("smtp;")[2]) or _CODE.findall(words)
    code = next((found for found in codes if not found.endswith(".0.0")), "")
    rows = (*table.rows.get(receiver, ()), *table.rows[""])
    found = next((row.answer for row in rows if row.fits(code, words)), None)
    return found._replace(receiver=receiver) if found else ReceiverAnswer(receiver)


def receiver_of(domain: str) -> str:
    """The large receiver that a domain belongs to, by name; empty for all others."""
    names, family = _table().domains, _family(domain)
    return names.get(domain) or (names.get(f"{family}.*", "") if family else "")


def _family(domain: str) -> str:
    """``yahoo`` of yahoo.fr, yahoo.co.uk and yahoo.com.br; nothing of yahoo.example.com."""
    match domain.split("."):
        case [name, _] | [name, "co" | "com", _]:
            return name
    return ""


@cache
def _table() -> _Table:
    data = read_data(Path(__file__).with_name("receivers.yaml"))
    named = {**data["receivers"], "": data["everybody"]}
    return _Table(
        tuple((mark, name) for name, one in named.items() for mark in one.get("marks", ())),
        {domain: name for name, one in named.items() for domain in one.get("domains", ())},
        {name: tuple(_row(row, one, data["causes"]) for row in one["answers"]) for name, one in named.items()},
    )


def _row(row: Mapping[str, Any], of: Mapping[str, Any], causes: Mapping[str, Mapping[str, str]]) -> _Row:
    (reason, cure), desk = causes[row["cause"]].values(), of.get("desk", "")
    cure = say(cure, desk=say(desk)) if "{desk}" in cure else say(cure)
    answer = ReceiverAnswer("", say(reason), cure, row.get("source", of["source"]))
    return _Row(frozenset(row.get("codes", ())), tuple(row.get("says", ())), answer)
