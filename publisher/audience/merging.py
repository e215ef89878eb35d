"""Merge a batch of imported rows into the audience.

Rules: a person who unsubscribed, is suppressed or was erased stays so, however the file spells the address; choices
that subscribers made themselves are not overwritten; a row equal to what is stored changes nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from publisher.audience.columns import ImportRow
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState
from publisher.audience.own import Past
from publisher.audience.series import Way, enrol, restore
from publisher.audience.standing import ImportStatus
from publisher.audience.store import FIRST, new_references, now
from publisher.audience.suppressions import Reason, erased_among, suppressed_among
from publisher.audience.tables import consents, subscribers, suppressions
from publisher.database.bulk import among, insertion, new_ids, update_rows


class RowOutcome(StrEnum):
    """The outcome of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    FORGOTTEN = "forgotten"
    NOT_SUBSCRIBED = "not subscribed"


@dataclass(slots=True)
class _Known:
    """Subscriber with the changes that the batch has made so far."""

    id: int
    values: dict[str, Any]
    changed_at: datetime
    preferred: bool = False
    new: bool = False
    changed: bool = False


class _Batch:
    """State of one batch: the subscribers that exist, and the rows to write."""

    def __init__(self, connection: Connection, entries: Sequence[ImportRow], source: Mapping[str, str], pending: bool):
        self.connection, self.source, self.pending, self.at = connection, source, pending, now()
        mailboxes = {entry.address.mailbox_key for entry in entries}
        self.known: dict[str, _Known] = {}
        self.left: set[str] = set()
        s = subscribers.c
        query = select(s.id, s.address_key, s.mailbox_key, s.preferred_at, s.changed_at, *(s[key] for key in _KEPT))
        query = query.where(among(connection, s.mailbox_key, mailboxes)).order_by(s.id)
        for row in connection.execute(query.with_for_update()):  # concurrent unsubscriptions wait, then apply
            key, address, mailbox, preferred_at, changed_at, *kept = row
            self.known[address] = _Known(key, dict(zip(_KEPT, kept, strict=True)), changed_at, preferred_at is not None)
            if kept[0] == ConsentState.UNSUBSCRIBED:
                self.left.add(mailbox)
        self.suppressed = suppressed_among(connection, mailboxes)
        self.forgotten = erased_among(connection, mailboxes)
        self.new: list[dict[str, Any]] = []
        self.held: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.ways: list[tuple[int, str, Way]] = []
        wanted = {entry.past.reference for entry in entries if entry.past and entry.past.reference}
        self.references = set(connection.scalars(select(s.reference).where(among(connection, s.reference, wanted))))
        self.fresh = new_references(len(entries))
        # Lazy, until the first new subscriber: PostgreSQL's sequence advances by len(entries).
        self.ids = chain.from_iterable(new_ids(connection, subscribers.c.id, n) for n in [len(entries)])
        self._by_hand: set[str] | None = None
        self._choices: dict[int, set[str]] | None = None

    def take(self, entry: ImportRow) -> RowOutcome:
        """Decide the outcome of one row."""
        address = entry.address
        if address.mailbox_key in self.forgotten:
            return RowOutcome.FORGOTTEN
        if entry.past is not None:
            return self._restore(entry, entry.past)
        if reason := _SUPPRESSING.get(entry.standing):
            self._hold(address.mailbox_key, reason, f"imported from {self.source['file']}", None)
            return RowOutcome.SUPPRESSED
        if entry.standing is ImportStatus.SKIP:
            return RowOutcome.NOT_SUBSCRIBED
        known = self.known.get(address.address_key)
        if entry.standing is ImportStatus.UNSUBSCRIBED:
            return self._unsubscribe(entry, known)
        if address.mailbox_key in self.suppressed:
            return RowOutcome.SUPPRESSED
        if address.mailbox_key in self.left:
            return RowOutcome.UNSUBSCRIBED
        pending = self.pending or entry.standing is ImportStatus.PENDING
        if known is None:
            self._add(entry, ConsentState.PENDING if pending else ConsentState.CONFIRMED)
            return RowOutcome.ADDED
        return self._merge(entry, known, confirm=not pending)

    def _restore(self, entry: ImportRow, past: Past) -> RowOutcome:
        """Take a row of our own export: restored as it was if the subscriber is new, merged otherwise."""
        address = entry.address
        if past.suppressed:
            self._hold(address.mailbox_key, past.suppressed, past.suppressed_detail, past.suppressed_at)
        if past.state is None:
            return RowOutcome.SUPPRESSED
        known = self.known.get(address.address_key)
        pending = self.pending and past.state is ConsentState.CONFIRMED
        if known is None and (past.changed_at or address.mailbox_key not in self.left):
            self._add(entry, ConsentState.PENDING if pending else past.state)
            return RowOutcome.ADDED
        if known is None:  # unsubscribed under another spelling, and no date says that they returned
            return RowOutcome.UNSUBSCRIBED
        if past.state is ConsentState.UNSUBSCRIBED:
            newer = past.changed_at is not None and past.changed_at > known.changed_at
            return self._unsubscribe(entry, known, newer=newer)
        if address.mailbox_key in self.left:
            return RowOutcome.UNSUBSCRIBED
        return self._merge(entry, known, confirm=past.state is ConsentState.CONFIRMED and not pending)

    def _add(self, entry: ImportRow, state: ConsentState) -> None:
        past, (address, address_key, mailbox_key), key = entry.past, entry.address, next(self.ids)
        values: dict[str, Any] = {
            "id": key, "reference": self._reference(past), "address": address, "address_key": address_key,
            "mailbox_key": mailbox_key, "state": state.value, "name": entry.name, "language": entry.language,
            "timezone": entry.timezone, "topics": list(entry.topics), "attributes": entry.attributes,
            "created_at": self.at, "changed_at": self.at,
        }  # fmt: skip
        if past:
            values |= {name: getattr(past, name) for name in ("paused_until", "digest", "asked_at", "preferred_at")}
            values |= {name: at for name in ("created_at", "changed_at") if (at := getattr(past, name))}
            self.ways.append((key, values["reference"], past.enrolments))
            self.history += (
                {"subscriber_id": key, "at": e.at, "change": e.change, "how": e.how, "evidence": e.evidence}
                for e in past.history
            )
        self.new.append(values)
        self.known[address_key] = _Known(key, values, values["changed_at"], new=True)
        if not (past and past.history and past.state is state):
            self._record(key, FIRST[state], entry)

    def _reference(self, past: Past | None) -> str:
        """Return the exported reference, so that links in mail already sent keep working; a new one if it is taken."""
        if past is None or past.reference is None or past.reference in self.references:
            return next(self.fresh)
        self.references.add(past.reference)
        return past.reference

    def _merge(self, entry: ImportRow, known: _Known, *, confirm: bool) -> RowOutcome:
        wanted = dict(known.values)
        chosen = self._chosen(known) if known.preferred and (entry.attributes or entry.timezone) else ()
        brought = {name: value for name, value in entry.attributes.items() if name not in chosen}
        wanted["attributes"] = {**known.values["attributes"], **brought}
        if not (known.preferred and (known.values["timezone"] or "timezone" in chosen)):
            wanted["timezone"] = entry.timezone or known.values["timezone"]
        if not known.preferred:
            wanted["name"] = entry.name or known.values["name"]
            wanted["language"] = entry.language or known.values["language"]
            wanted["topics"] = list(entry.topics) or known.values["topics"]
        change = ConsentEvent.CHANGED
        if confirm and known.values["state"] == ConsentState.PENDING:
            wanted["state"], change = ConsentState.CONFIRMED.value, ConsentEvent.CONFIRMED
        if wanted == known.values:
            return RowOutcome.UNCHANGED
        self._change(known, wanted, change, entry)
        return RowOutcome.UPDATED

    def _unsubscribe(self, entry: ImportRow, known: _Known | None, *, newer: bool = False) -> RowOutcome:
        mailbox = entry.address.mailbox_key
        if known is None and mailbox in self.left:
            return RowOutcome.UNSUBSCRIBED
        if known and known.values["state"] == ConsentState.UNSUBSCRIBED:
            return RowOutcome.UNCHANGED
        # A confirmation given here outranks an unsubscription elsewhere that is not known to be newer.
        if not newer and self._confirmed_here(mailbox):
            return RowOutcome.UNCHANGED
        self.left.add(mailbox)
        if known is None:
            self._add(entry, ConsentState.UNSUBSCRIBED)
            return RowOutcome.ADDED
        wanted = {**known.values, "state": ConsentState.UNSUBSCRIBED.value}
        self._change(known, wanted, ConsentEvent.UNSUBSCRIBED, entry)
        return RowOutcome.UPDATED

    def _confirmed_here(self, mailbox: str) -> bool:
        """Whether the person confirmed themselves, by form or link, under any spelling of the mailbox."""
        if self._by_hand is None:
            by_hand = consents.c.how.in_([ConsentSource.FORM.value, ConsentSource.LINK.value])
            confirmed = consents.c.change.in_([ConsentEvent.CONFIRMED.value, ConsentEvent.RESUBSCRIBED.value])
            inboxes = {one.id: address.lower() for address, one in self.known.items() if not one.new}
            statement = select(consents.c.subscriber_id).where(
                consents.c.subscriber_id.in_(inboxes), by_hand, confirmed
            )
            self._by_hand = {inboxes[key] for key in self.connection.scalars(statement)}
        return mailbox in self._by_hand

    def _chosen(self, known: _Known) -> set[str]:
        """Names of the fields that the person set themselves."""
        if self._choices is None:
            self._choices = {one.id: set() for one in self.known.values() if not one.new}
            statement = select(consents.c.subscriber_id, consents.c.evidence).where(
                consents.c.subscriber_id.in_(self._choices),
                consents.c.how == ConsentSource.LINK.value,
                consents.c.change == ConsentEvent.CHANGED.value,
            )
            for key, evidence in self.connection.execute(statement):
                self._choices[key].update(evidence.get("changed", ()))
        return self._choices.get(known.id, set())

    def _hold(self, mailbox: str, reason: Reason, detail: str, at: datetime | None) -> None:
        if mailbox not in self.suppressed:  # the first reason is kept
            self.suppressed.add(mailbox)
            self.held.append({"mailbox_key": mailbox, "reason": reason.value, "detail": detail, "at": at or self.at})

    def _change(self, known: _Known, wanted: dict[str, Any], change: ConsentEvent, entry: ImportRow) -> None:
        known.values.update(wanted)  # in place: the row of a new subscriber is this very dict
        known.changed = not known.new
        self._record(known.id, change, entry)

    def _record(self, key: int, change: ConsentEvent, entry: ImportRow) -> None:
        why, what = {**self.source, "line": entry.line}, str(change)
        self.history.append({"subscriber_id": key, "at": self.at, "change": what, "how": _IMPORT, "evidence": why})

    def write(self, busy: Callable[[], object]) -> None:
        """Write the decisions; ``busy`` is called when only SQL remains to run."""
        decided = ((subscribers, self.new), (consents, self.history), (suppressions, self.held))
        inserts = [one for table, rows in decided for one in insertion(self.connection, table, rows)]
        busy()
        for statement, values in inserts:
            self.connection.exec_driver_sql(statement, values)
        changed = (known for known in self.known.values() if known.changed)
        rows = [{"key": k.id} | {f"new_{key}": k.values[key] for key in _KEPT} for k in changed]
        update_rows(self.connection, _UPDATE, rows, {"new_changed_at": self.at})
        restore(self.connection, self.ways, self.at)


def write_batch(
    connection: Connection,
    entries: Sequence[ImportRow],
    *,
    source: Mapping[str, str],
    pending: bool,
    series: Collection[str] = (),
    busy: Callable[[], object] = lambda: None,
) -> list[RowOutcome]:
    """Merge rows into the audience; return their outcomes. ``source`` (file, sha256) is the evidence of consent.

    Those who are confirmed afterwards are enrolled in ``series``. ``busy`` is called when only SQL remains to run.
    """
    batch = _Batch(connection, entries, source, pending)
    outcomes = [batch.take(entry) for entry in entries]
    batch.write(busy)
    if series:
        there = (batch.known.get(entry.address.address_key) for entry in entries)
        enrol(connection, [one.id for one in there if one], series, batch.at)
    return outcomes


_SUPPRESSING = {one: Reason[one.name] for one in (ImportStatus.BOUNCE, ImportStatus.COMPLAINT, ImportStatus.MANUAL)}
_IMPORT = str(ConsentSource.IMPORT)
_KEPT = ("state", "name", "language", "timezone", "topics", "attributes")
_UPDATE = (
    update(subscribers)
    .where(subscribers.c.id == bindparam("key"))
    .values({key: bindparam(f"new_{key}") for key in (*_KEPT, "changed_at")})
)
