"""Our own export: the audience as CSV that can be imported without loss, and one person's record in full.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return for a formula; such
cells get a leading apostrophe (OWASP, *CSV Injection*), which an import removes.

After our columns each attribute has a column under its name. Attributes that cannot have one (a name that equals one of
ours, holds a separator or would be a formula, an empty value, names beyond the first 500) go into ``other_attributes``,
a JSON object. ``consent_history`` is a JSON list, ``enrolments`` an object. A suppressed mailbox without a subscriber
is a row without a state.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import IO, Any

import pydantic_core
from sqlalchemy import Connection, Row, exists, select

from publisher.audience.model import MONTHLY, Consent, ConsentState, Subscriber
from publisher.audience.series import Way, ways
from publisher.audience.store import history
from publisher.audience.suppressions import Reason, all_suppressions, suppression
from publisher.audience.tables import consents, subscribers, suppressions
from publisher.diagnostics import listed, say

COLUMNS = (
    "email", "name", "state", "language", "timezone", "topics", "suppressed", "created_at", "changed_at", "reference",
    "paused_until", "digest", "asked_at", "preferred_at", "suppressed_at", "suppressed_detail", "consent_history",
    "enrolments", "other_attributes",
)  # fmt: skip
_MOMENTS = ("created_at", "changed_at", "paused_until", "asked_at", "preferred_at")
SIGNS = {"email", "state", "suppressed", "created_at", "changed_at", "reference"}
"""Columns that exports of all versions have."""
LATER = {"paused_until", "digest", "enrolments"}
"""Columns added since: in an export that lacks one of them, the others are attributes."""
MOST_COLUMNS = 500
"""Limit on attribute columns: if all subscribers had different attributes, the file would grow with their square."""

# A formula may also follow a semicolon, the separator in some locales; Japanese Excel takes ＝ for =.
# An apostrophe that already precedes one of these is content, and gets another.
_FORMULA = re.compile(r"(^|[;\t\r\n])(?='*[=+\-@\t\r＝＋－＠])")
_GUARDED = re.compile(r"(^|[;\t\r\n])'(?='*[=+\-@\t\r＝＋－＠])")
_RISKY = re.compile(r"[;\t\r\n]'*[=+\-@\t\r＝＋－＠]")  # finds _FORMULA in cells that each follow a line feed
_SEPARATOR = re.compile(r'[,;|"\t\r\n]')
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,32}")
_STATES, _REASONS = {*ConsentState, ""}, {*Reason, ""}


def escaped_cell(cell: str) -> str:
    """Put an apostrophe before each place where a spreadsheet would see a formula."""
    return _FORMULA.sub(r"\1'", cell)


def plain_cell(cell: str) -> str:
    """Undo :func:`escaped_cell`."""
    return _GUARDED.sub(r"\1", cell) if "'" in cell else cell


def attribute_columns(names: Iterable[str]) -> list[str]:
    """Names of the attributes that get a column."""
    plain = (
        name for name in names if name and name == name.strip() and name not in COLUMNS and escaped_cell(name) == name
    )
    return sorted(name for name in plain if not _SEPARATOR.search(name))[:MOST_COLUMNS]


def topics_cell(topics: Sequence[str]) -> str:
    """Return the topics joined by semicolons, or as a JSON list if one contains a separator."""
    plain = len(set(topics)) == len(topics) and all(
        topic and topic == topic.strip() and topic[0] != "[" and not _SEPARATOR.search(topic) for topic in topics
    )
    return ";".join(topics) if plain else json.dumps(topics, ensure_ascii=False)


def entry_of(entry: Consent) -> dict[str, Any]:
    """Return an entry of the history as JSON values."""
    return {"at": entry.at.isoformat(), "change": entry.change, "how": entry.how, "evidence": dict(entry.evidence)}


@dataclass(frozen=True, slots=True)
class Past:
    """Columns of our export about a person or a suppressed mailbox, besides name and attributes."""

    state: ConsentState | None
    """None for a suppressed mailbox without a subscriber."""
    reference: str | None
    created_at: datetime | None
    changed_at: datetime | None
    paused_until: datetime | None
    digest: str | None
    asked_at: datetime | None
    preferred_at: datetime | None
    history: tuple[Consent, ...]
    suppressed: Reason | None
    suppressed_detail: str
    suppressed_at: datetime | None
    enrolments: Way


def past_of(cells: Mapping[str, str]) -> Past:
    """Parse the cells, given by column name. Raises ValueError."""
    state, suppressed, reference = (cells.get(name, "") for name in ("state", "suppressed", "reference"))
    if state not in _STATES or not (state or suppressed):
        raise ValueError(say("the state is not pending, confirmed or unsubscribed"))
    if suppressed not in _REASONS:
        raise ValueError(say("suppressed is not {words}", words=listed(Reason)))
    if reference and not _REFERENCE.fullmatch(reference):
        raise ValueError(say("the reference is not one"))
    if (digest := cells.get("digest", "")) not in {MONTHLY, ""}:
        raise ValueError(say("digest is not {word}", word=MONTHLY))
    moments = {name: _moment(name, cells.get(name, "")) for name in (*_MOMENTS, "suppressed_at")}
    return Past(
        state=ConsentState(state) if state else None, reference=reference or None, digest=digest or None,
        history=tuple(_history(cells.get("consent_history", ""))),
        suppressed=Reason(suppressed) if suppressed else None, suppressed_detail=cells.get("suppressed_detail", ""),
        enrolments=_enrolments(cells.get("enrolments", "")), **moments,
    )  # fmt: skip


def _moment(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(say("{name} is not a time with an offset, as 2024-12-29T08:00:00+00:00", name=name))
    return found


def _history(text: str) -> Iterable[Consent]:
    try:
        for entry in pydantic_core.from_json(text or "[]"):
            at = _moment("at", entry["at"])
            fits = all(isinstance(entry[key], str) and 0 < len(entry[key]) <= 24 for key in ("change", "how"))
            if at is None or not fits:
                raise ValueError
            yield Consent(at, entry["change"], entry["how"], dict(entry["evidence"]))
    except (KeyError, TypeError, ValueError):
        raise ValueError(say("consent_history is not a list as our export writes it")) from None


def _enrolments(text: str) -> Way:
    try:
        way: Way = pydantic_core.from_json(text or "{}")
        for name, told in way.items():
            steps = all(step.startswith(f"series/{name}/") for step in told["steps"])
            if _moment("started_at", told["started_at"]) is None or not steps:
                raise ValueError
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError(say("enrolments is not an object as our export writes it")) from None
    return way


def export(connection: Connection, out: IO[str]) -> int:
    """Write all subscribers, oldest first, then suppressed mailboxes without a subscriber, in constant memory.

    The columns are :data:`COLUMNS`, then one per attribute. Return the number of subscribers.
    """
    streaming = connection.execution_options(yield_per=1000)
    names: dict[str, None] = {}
    for attributes in streaming.scalars(select(subscribers.c.attributes)):
        names.update(dict.fromkeys(attributes))
    extra = dict.fromkeys(attribute_columns(names))
    plain = csv.writer(out, lineterminator="\n")
    quoted = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: Sequence[str]) -> None:
        row = [escaped_cell(cell) for cell in cells] if _RISKY.search("\n".join(["", *cells])) else cells
        # before Python 3.13 csv does not quote a lone carriage return
        (quoted if any("\r" in cell for cell in row) else plain).writerow(row)

    write([*COLUMNS, *extra])
    number = 0
    for row, past, way in _people(streaming):
        write(_cells(row, past, way, extra))
        number += 1
    strangers = ~exists().where(subscribers.c.mailbox_key == suppressions.c.mailbox_key)
    for held in all_suppressions(connection, strangers):
        known = {"email": held.mailbox_key, "suppressed": held.reason.value, "suppressed_detail": held.detail}
        known["suppressed_at"] = held.at.isoformat()
        write([known.get(name, "") for name in (*COLUMNS, *extra)])
    return number


def _cells(row: Row[Any], past: list[Consent], way: Way, extra: Mapping[str, None]) -> list[str]:
    """Return the row of a subscriber: :data:`COLUMNS`, then the attributes with a column."""
    others = {name: value for name, value in row.attributes.items() if value == "" or name not in extra}
    by_name = row._mapping
    moments = ((name, by_name[name]) for name in (*_MOMENTS, "suppressed_at"))
    cells = {name: at.isoformat() for name, at in moments if at is not None} | {
        "email": row.address, "name": row.name, "state": row.state, "language": row.language or "",
        "timezone": row.timezone or "", "digest": row.digest or "", "topics": topics_cell(row.topics),
        "suppressed": row.reason or "", "suppressed_detail": row.detail or "", "reference": row.reference,
        "consent_history": json.dumps([entry_of(entry) for entry in past], ensure_ascii=False),
        "enrolments": json.dumps(way) if way else "",
        "other_attributes": json.dumps(others, ensure_ascii=False) if others else "",
    }  # fmt: skip
    return [*(cells.get(name, "") for name in COLUMNS), *(str(row.attributes.get(name, "")) for name in extra)]


def record(connection: Connection, subscriber: Subscriber) -> dict[str, Any]:
    """Return everything stored about a person as JSON values (right of access, GDPR article 15)."""
    held = suppression(connection, subscriber.mailbox_key)
    return {
        "email": subscriber.address, "reference": subscriber.reference, "state": subscriber.state.value,
        "name": subscriber.name, "language": subscriber.language, "timezone": subscriber.timezone,
        "digest": subscriber.digest, "topics": list(subscriber.topics),
        "attributes": ({"name": subscriber.name} if subscriber.name else {}) | dict(subscriber.attributes),
        **{name: (at := getattr(subscriber, name)) and at.isoformat() for name in _MOMENTS},
        "suppressed": held and {"reason": held.reason.value, "detail": held.detail, "at": held.at.isoformat()},
        "enrolments": ways(connection, {subscriber.reference: subscriber.id}).get(subscriber.id, {}),
        "history": [entry_of(entry) for entry in history(connection, subscriber.id)],
    }  # fmt: skip


def _people(connection: Connection) -> Iterator[tuple[Row[Any], list[Consent], Way]]:
    """Yield each subscriber's row with the suppression of the mailbox, the history and the enrolments."""
    held = suppressions.c
    joined = subscribers.outerjoin(suppressions, subscribers.c.mailbox_key == held.mailbox_key)
    statement = select(subscribers, held.reason, held.detail, held.at.label("suppressed_at")).select_from(joined)
    for rows in connection.execute(statement.order_by(subscribers.c.id)).partitions(1000):
        entries = connection.execute(
            select(consents)
            .where(consents.c.subscriber_id.between(rows[0].id, rows[-1].id))
            .order_by(consents.c.subscriber_id, consents.c.id)
        )
        past = {
            key: [Consent(entry.at, entry.change, entry.how, entry.evidence) for entry in group]
            for key, group in groupby(entries, key=lambda entry: entry.subscriber_id)
        }
        taken = ways(connection, {row.reference: row.id for row in rows})
        for row in rows:
            yield row, past.get(row.id, []), taken.get(row.id, {})
