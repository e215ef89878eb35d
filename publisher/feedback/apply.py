"""Events into the ledger and the audience: each fact once, in any order, every batch one commit.

What settles is the ledger's to decide (:mod:`publisher.delivery.settle`); what follows for the reader is decided here:
a permanent bounce and a complaint suppress at once, a transient bounce after ``feedback.transient_bounces`` consecutive
issues, a fault of the content never. A consequence is drawn when an event is first kept and never again, so that an old
file applied twice does not undo what an operator or the reader has done since.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from publisher.audience import store as audience
from publisher.audience.address import AddressError, read_address
from publisher.audience.model import ConsentSource, Subscriber
from publisher.audience.suppressions import Reason, forgotten_among, suppress
from publisher.config import Config
from publisher.database import Database
from publisher.database.failures import despite_conflicts
from publisher.delivery.mailings import account_of, newest
from publisher.delivery.settle import Settled, forget_unmatched, id_of, note_unmatched, settle
from publisher.delivery.tripwires import Tripped, after_the_fact, deferring, harmful, tally
from publisher.diagnostics import say
from publisher.feedback import store
from publisher.providers.events import Event, EventKind
from publisher.providers.receivers import receiver_of

_BARE = re.compile(r"mozilla/5\.0\s*", re.IGNORECASE)
_MACHINE = re.compile(
    r"bot\b|crawl|spider|scan|barracuda|mimecast|proofpoint|symantec|forefront|trendmicro|safelinks"
    r"|headlesschrome|phantomjs|python-|curl/|wget/|go-http-client|java/|okhttp|libwww|preview|prefetch"
    # Gmail fetches pictures ahead as this one browser that nobody runs any more
    r"|chrome/42\.0\.2311\.135 safari/537\.36 edge/12\.246",
    re.IGNORECASE,
)
_LEDGER_KEEPS = frozenset({EventKind.SEND, EventKind.DELIVERY})
_NEVER_MAILED = frozenset({EventKind.REJECT, EventKind.RENDERING_FAILURE, EventKind.UNKNOWN})
WORTH_COUNTING = 5  # bounces and complaints of an issue in a run, for which its recipients are counted
_TRACKING = frozenset({EventKind.OPEN, EventKind.CLICK})


@dataclass
class Applied:
    """What a run of events did, in counts; names of issues and kinds, never of readers."""

    events: Counter[str] = field(default_factory=Counter)  # by kind
    changed: int = 0  # rows of the ledger that an event changed
    waiting: int = 0  # events that fit no row yet: they are kept and tried again
    suppressed: Counter[str] = field(default_factory=Counter)  # mailboxes newly suppressed, by reason
    unknown: Counter[str] = field(default_factory=Counter)  # kinds this version has no word for, kept as they came
    # Alarms, by issue: messages refused for what is in them; accepted and then not mailed (a virus, a template); and
    # issue and recipient id of whom events show a second message for.
    content_faults: Counter[str] = field(default_factory=Counter)
    never_mailed: Counter[str] = field(default_factory=Counter)
    second_copies: set[tuple[str, str]] = field(default_factory=set)
    deferring: set[str] = field(default_factory=set)  # issues of which a receiver's share is held back from now on
    harm: Counter[str] = field(default_factory=Counter)  # bounces for good and complaints, by issue
    replies: int = 0  # automatic replies in a mailbox, which say nothing of our mail
    faults: int = 0  # lines and messages that are no events
    malformed: list[tuple[str, str]] = field(default_factory=list)  # where and why, of the first of them

    @property
    def alarms(self) -> bool:
        """Whether an operator has to look."""
        return bool(self.content_faults or self.never_mailed or self.second_copies)


def tripped_by(database: Database, applied: Applied) -> list[Tripped]:
    """What a run of events set off: second copies, and messages refused for what is in them."""
    found: list[Tripped] = []
    with database.connect() as connection:
        for slug in sorted({slug for slug, _recipient in applied.second_copies}):
            if mailing := newest(connection, slug):
                found += after_the_fact(connection, mailing)
        for slug in sorted(applied.deferring):
            if mailing := newest(connection, slug):
                found += deferring(connection, mailing)
        for slug in sorted(slug for slug, count in applied.harm.items() if count >= WORTH_COUNTING):
            if mailing := newest(connection, slug):
                found += harmful(connection, mailing, account_of(connection, mailing))
    for slug, count in sorted(applied.content_faults.items()):
        saw = say("{n} receiving servers refused {what} for what is in it", n=count, what=slug or say("a message"))
        advice = say("look at its size, links and attachments; the addresses are not to blame and stay")
        found.append(Tripped("content-refused", slug, saw, advice, stops=False))
    for slug, count in sorted(applied.never_mailed.items()):
        about = {"n": count, "what": slug or say("no issue here")}
        saw = say("the provider accepted {n} messages of {what} and then did not mail them", **about)
        advice = say("they count as rejected; publisher report says why")
        found.append(Tripped("never-mailed", slug, saw, advice, stops=False))
    return found


class Applier:
    """Applies events to one database and counts what it did in ``applied``."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.applied = Applied()
        self._tolerance = config.feedback.transient_bounces
        self._tracks = config.feedback.opens_and_clicks
        self._service = config.service.url or ""
        # What receivers took and what they deferred, by mailing and its issue.
        self._heard = defaultdict[tuple[int, str], list[Counter[str]]](lambda: [Counter(), Counter()])

    def apply(self, events: Sequence[Event], *, message: str | None = None) -> bool:
        """One commit: all of ``events``, and what follows from them. Raises DatabaseError; then nothing was done.

        ``message`` is the id of the webhook's request they came in. False where it was taken in before: a repeat.
        """
        # In one order everywhere, so that two processes with events of the same readers seldom wait for each other.
        ordered = sorted(events, key=lambda event: (event.recipient or "", event.message_id))

        def attempt() -> bool:
            with self._batch() as connection:
                if message and not store.remember_message(connection, message):
                    return False
                self._heard.clear()
                for event in ordered:
                    self._apply(connection, event)
                self._weigh_receivers(connection)
            return True

        return despite_conflicts(attempt, tries=3)

    def settle_waiting(self) -> int:
        """Try the events that wait for a row once more; how many found theirs. Forgets those that waited too long."""
        found = 0
        while more := despite_conflicts(self._settle_some, tries=3):
            found += more
        return found

    def _settle_some(self) -> int:
        with self._batch() as connection:
            store.forget_waiting(connection)
            forget_unmatched(connection)
            rows = store.waiting(connection, 500)
            for row, event in rows:
                settled = self._settle(connection, event)
                store.settled(connection, row, settled.recipient)
                if event.is_transient and settled.reference:
                    self._weigh(connection, settled.reference)
        return len(rows)

    @contextmanager
    def _batch(self) -> Iterator[Connection]:
        """One commit; what was counted in it stands only once that is made."""
        before = deepcopy(self.applied)
        try:
            with self.database.begin() as connection:
                yield connection
        except BaseException:
            self.applied = before
            raise

    def _apply(self, connection: Connection, event: Event) -> None:
        self.applied.events[event.kind.value] += 1
        settled = self._settle(connection, event)
        if settled.second_copy and settled.slug and settled.recipient:
            self.applied.second_copies.add((settled.slug, settled.recipient))
        if settled.changed and event.kind is EventKind.DELIVERY:
            self._hear(event, settled, deferred=False)
        if settled.known and event.kind in _LEDGER_KEEPS:
            return
        if not settled.known:
            self._note_unmatched(connection, event, settled)
        tracking = event.kind in _TRACKING
        if tracking and not self._tracks:
            return
        # Without tags and without a row: one may come, for the sender's own record can be later than the event.
        waits = not settled.known and event.recipient is None and bool(event.message_id)
        waits = waits and event.kind is not EventKind.UNKNOWN
        if event.kind in _LEDGER_KEEPS and not waits:
            return
        machine = tracking and (is_machine(event.user_agent) if event.machine is None else event.machine)
        if tracking:
            event = replace(event, detail=without_token(event.detail, self._service))
        if store.keep(connection, event, waits=waits, recipient=settled.recipient, machine=machine):
            self.applied.waiting += waits
            if event.kind is EventKind.DELIVERY_DELAY or event.is_transient:
                self._hear(event, settled, deferred=True)
            self._draw(connection, event, settled)

    def _note_unmatched(self, connection: Connection, event: Event, settled: Settled) -> None:
        """Keep which subscriber has a message that was mailed by a ledger younger than this one."""
        ours = None if event.kind in _NEVER_MAILED else id_of(event.recipient)
        if ours and (reader := self._reader(connection, event, settled)):
            note_unmatched(connection, *ours, reader.reference, event.at or datetime.now(UTC))

    def _hear(self, event: Event, settled: Settled, *, deferred: bool) -> None:
        if settled.mailing_id and (receiver := receiver_of(event.domain)):
            self._heard[settled.mailing_id, settled.slug or ""][deferred][receiver] += 1

    def _weigh_receivers(self, connection: Connection) -> None:
        """Count what was heard: a receiver that defers too much is held back."""
        for (mailing_id, slug), both in sorted(self._heard.items()):
            if tally(connection, mailing_id, *both):
                self.applied.deferring.add(slug)

    def _settle(self, connection: Connection, event: Event) -> Settled:
        if event.kind is EventKind.UNKNOWN:
            return Settled(known=False)
        kind, detail = event.kind, event.kind.value
        if kind is EventKind.BOUNCE:
            detail = store.bounce_detail(event)
        elif kind is EventKind.COMPLAINT:
            kind, detail = kind if event.is_complaint else EventKind.SEND, event.type or detail
        at, message_id = event.at or datetime.now(UTC), event.message_id or None
        settled = settle(connection, kind, at, recipient=event.recipient, message_id=message_id, detail=detail)
        self.applied.changed += settled.changed
        return settled

    def _draw(self, connection: Connection, event: Event, settled: Settled) -> None:
        """What follows from an event that is new."""
        if event.kind is EventKind.UNKNOWN:
            self.applied.unknown[event.type] += 1
        elif event.kind in _NEVER_MAILED:
            self.applied.never_mailed[settled.slug or ""] += 1
        elif event.is_content_fault:
            self.applied.content_faults[settled.slug or ""] += 1
        elif event.is_permanent:
            self.applied.harm[settled.slug or ""] += settled.changed
            detail = store.bounce_detail(event)
            self._suppress(connection, event.address, settled.reference, Reason.BOUNCE, detail)
        elif event.is_transient and settled.reference:
            self._weigh(connection, settled.reference)
        elif event.is_complaint:
            self.applied.harm[settled.slug or ""] += settled.changed
            self._leave(connection, event, settled)
            self._suppress(connection, event.address, settled.reference, Reason.COMPLAINT, event.type)
        elif event.unsubscribed:
            self._leave(connection, event, settled)

    def _weigh(self, connection: Connection, reference: str) -> None:
        """A transient bounce more: too many consecutive issues of them, and the mailbox is taken for dead."""
        streak = store.transient_streak(connection, reference)
        if streak >= self._tolerance:
            self._suppress(connection, None, reference, Reason.BOUNCE, f"{streak} consecutive issues bounced")

    def _suppress(
        self, connection: Connection, address: str | None, reference: str | None, reason: Reason, detail: str
    ) -> None:
        """Suppress the mailbox that we mailed; where that is not known, the one that the event names. In SES's events
        of bounces that name comes from the receiving server, which may name anybody: whom it forwards to, or a foe.
        """
        keys = {_mailbox_key(address)} if address and not reference else set()
        if reference and (subscriber := audience.find(connection, reference)):
            keys.add(subscriber.mailbox_key)
        # Of a person who was erased nothing may come back, not even this; imports leave them out as well.
        for key in sorted(keys - forgotten_among(connection, keys)):
            self.applied.suppressed[reason.value] += suppress(connection, key, reason, detail)

    def _leave(self, connection: Connection, event: Event, settled: Settled) -> None:
        subscriber = self._reader(connection, event, settled)
        if subscriber:
            how = ConsentSource.COMPLAINT if event.kind is EventKind.COMPLAINT else ConsentSource.LINK
            mailing = (settled.recipient or "").partition("-")[0]
            audience.unsubscribe(connection, subscriber, how, {"mailing": mailing} if mailing else None)

    def _reader(self, connection: Connection, event: Event, settled: Settled) -> Subscriber | None:
        if settled.reference and (found := audience.find(connection, settled.reference)):
            return found
        try:
            return audience.find(connection, read_address(event.address or ""))
        except AddressError:
            return None


def without_token(link: str, service: str) -> str:
    """A tracked link without what lets its holder act for the reader: of the service's own links, the first step."""
    base = service.rstrip("/") + "/"
    if not service or not link.startswith(base):
        return link
    return base + link[len(base) :].partition("/")[0].partition("?")[0]


def _mailbox_key(address: str) -> str:
    try:
        return read_address(address).mailbox_key
    except AddressError:
        return address.strip().lower()[:320]


def is_machine(user_agent: str) -> bool:
    """Whether a machine rather than a reader opened or clicked; an unnamed agent is one.

    A guess by user agent, and said to be one wherever it is shown: mail programs fetch ahead, and scanners follow every
    link. Apple's Mail Privacy Protection fetches every picture as plain ``Mozilla/5.0``; Gmail and Yahoo fetch through
    proxies that name themselves, when the reader opens, so those count as readers unless they say they prefetch.
    """
    agent = user_agent.strip()
    return not agent or _BARE.fullmatch(agent) is not None or _MACHINE.search(agent) is not None
