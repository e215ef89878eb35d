"""Decode the answers of receiving servers: receiver, reason of the refusal or delay, and remedy (receivers.yaml).

Answers are matched by whole codes and by substrings, so the time is linear in the answer and in the table. An
answer that matches no row is not interpreted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from publisher.diagnostics import say
from publisher.documents.yaml import read_data

# RFC 3463, section 2: class, subject, detail. Not inside a version number or an IP address.
_CODE = re.compile(r"(?<![\w.])[245]\.[0-7]\.\d{1,3}(?![.-]?\w)")


class ReceiverAnswer(NamedTuple):
    """Decoded answer. ``receiver`` is empty if unknown; the other fields are empty if no row matches."""

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
    marks: tuple[tuple[str, str], ...]  # (substring, receiver)
    domains: Mapping[str, str]  # domain or ``name.*`` → receiver
    rows: Mapping[str, Sequence[_Row]]  # by receiver; "" has the rows for all receivers


def decode(text: str, domain: str = "") -> ReceiverAnswer:
    """Decode a bounce's status and diagnostic, or an SMTP answer, from the server of a recipient at ``domain``."""
    table, words = _table(), " ".join(text.split()).casefold()
    receiver = next((name for mark, name in table.marks if mark in words), "") or receiver_of(domain)
    # The server's own code takes precedence over the status that the provider derived from it.
    codes = _CODE.findall(words.partition("smtp;")[2]) or _CODE.findall(words)
    code = next((found for found in codes if not found.endswith(".0.0")), "")
    rows = (*table.rows.get(receiver, ()), *table.rows[""])
    found = next((row.answer for row in rows if row.fits(code, words)), None)
    return found._replace(receiver=receiver) if found else ReceiverAnswer(receiver)


def receiver_of(domain: str) -> str:
    """Return the name of the large receiver that a domain belongs to; empty for all other domains."""
    names, family = _table().domains, _family(domain)
    return names.get(domain) or (names.get(f"{family}.*", "") if family else "")


def _family(domain: str) -> str:
    """Return ``yahoo`` for yahoo.fr, yahoo.co.uk and yahoo.com.br; an empty string for yahoo.example.com."""
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
