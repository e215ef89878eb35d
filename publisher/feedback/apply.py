"""Apply events to the ledger and the audience: each event once, in any order, each batch in one commit.

The ledger decides the recipient's new state (:mod:`publisher.delivery.settle`); the consequences for the subscriber
are decided here: permanent bounces and complaints suppress at once, transient bounces after
``feedback.transient_bounces`` consecutive issues, content faults never. Consequences follow only when an event is
first stored, so that applying an old file again does not undo later changes by an operator or the subscriber.
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
from publisher.audience.suppressions import Reason, erased_among, suppress
from publisher.config import Config
from publisher.config.values import ascii_url
from publisher.database import Database
from publisher.database.failures import despite_conflicts
from publisher.delivery.mailings import account_of, newest
from publisher.delivery.settle import Settled, forget_unmatched, id_of, note_unmatched, settle
from publisher.delivery.tripwires import Tripped, after_the_fact, deferring, harmful, tally
from publisher.diagnostics import counted, say
from publisher.feedback import store
from publisher.providers.events import Event, EventKind
from publisher.providers.receivers import receiver_of

_BARE = re.compile(r"mozilla/5\.0\s*", re.IGNORECASE)
_MACHINE = re.compile(
    r"bot\b|crawl|spider|scan|barracuda|mimecast|proofpoint|symantec|forefront|trendmicro|safelinks"
    r"|headlesschrome|phantomjs|python-|curl/|wget/|go-http-client|java/|okhttp|libwww|preview|prefetch"
    # Gmail prefetches pictures with the user agent of this obsolete browser
    r"|chrome/42\.0\.2311\.135 safari/537\.36 edge/12\.246",
    re.IGNORECASE,
)
_LEDGER_KEEPS = frozenset({EventKind.SEND, EventKind.DELIVERY})
_NEVER_MAILED = frozenset({EventKind.REJECT, EventKind.RENDERING_FAILURE, EventKind.UNKNOWN})
WORTH_COUNTING = 5  # bounces and complaints of an issue in one run from which its recipients are counted


@dataclass
class Applied:
    """Counts of the effects of a run of events, by issue or kind, without addresses."""

    events: Counter[str] = field(default_factory=Counter)  # by kind
    changed: int = 0  # ledger rows that events changed
    waiting: int = 0  # events without a ledger row so far: stored, and tried again later
    suppressed: Counter[str] = field(default_factory=Counter)  # mailboxes newly suppressed, by reason
    unknown: Counter[str] = field(default_factory=Counter)  # event kinds unknown to this version, stored unchanged
    # Alarms by issue: messages refused for their content; messages accepted and then not mailed (a virus, a
    # template); and (issue, recipient id) pairs of second messages shown by events.
    content_faults: Counter[str] = field(default_factory=Counter)
    never_mailed: Counter[str] = field(default_factory=Counter)
    second_copies: set[tuple[str, str]] = field(default_factory=set)
    deferring: set[str] = field(default_factory=set)  # issues with a receiver that is held back from now on
    harm: Counter[str] = field(default_factory=Counter)  # permanent bounces and complaints, by issue
    replies: int = 0  # automatic replies in a mailbox, which do not concern our mail
    faults: int = 0  # lines and messages that are not events
    malformed: list[tuple[str, str]] = field(default_factory=list)  # place and reason of the first faults


def tripped_by(database: Database, applied: Applied) -> list[Tripped]:
    """Return the tripwires that events set off: second copies, deferrals, harm, content faults, unmailed messages."""
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
        saw = counted(
            "{n} receiving server refused {what} for what is in it",
            "{n} receiving servers refused {what} for what is in it", count, what=slug or say("a message"),
        )  # fmt: skip
        advice = say("look at its size, links and attachments; the addresses are not to blame and stay")
        found.append(Tripped("content-refused", slug, saw, advice, stops=False))
    for slug, count in sorted(applied.never_mailed.items()):
        saw = counted(
            "the provider accepted {n} message of {what} and then did not mail it",
            "the provider accepted {n} messages of {what} and then did not mail them", count,
            what=slug or say("no issue here"),
        )  # fmt: skip
        advice = say("they count as rejected; publisher report says why")
        found.append(Tripped("never-mailed", slug, saw, advice, stops=False))
    return found


class Applier:
    """Apply events to one database and count the effects in ``applied``."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.applied = Applied()
        self._tolerance = config.feedback.transient_bounces
        self._tracks = config.feedback.opens_and_clicks
        self._service = ascii_url(config.service.url or "")  # as in the mail
        # Counts of deliveries and deferrals per receiver, by (mailing id, issue).
        self._heard = defaultdict[tuple[int, str], list[Counter[str]]](lambda: [Counter(), Counter()])

    def apply(self, events: Sequence[Event], *, message: str | None = None) -> bool:
        """Apply ``events`` and their consequences in one commit. Raises DatabaseError; then nothing was applied.

        ``message`` is the id of the webhook request that carried them. Returns False if that id was applied before.
        """
        # The same order everywhere, so that processes with events of the same recipients seldom block each other.
        ordered = sorted(events, key=lambda event: (event.recipient or "", event.message_id))

        def attempt() -> bool:
            with self._batch() as connection:
                if message and not store.remember_message(connection, message):
                    return False
                self._heard.clear()
                for event in ordered:
                    self._apply(connection, event)
                for (mailing_id, slug), both in sorted(self._heard.items()):
                    if tally(connection, mailing_id, *both):  # a receiver that defers too much is held back
                        self.applied.deferring.add(slug)
            return True

        return despite_conflicts(attempt, tries=3)

    def settle_waiting(self) -> None:
        """Try the waiting events again and drop those that waited too long."""
        while despite_conflicts(self._settle_some, tries=3):
            pass

    def _settle_some(self) -> int:
        with self._batch() as connection:
            store.forget_waiting(connection)
            forget_unmatched(connection)
            rows = store.waiting(connection, 500)
            for row, event in rows:
                settled = self._settle(connection, event)
                store.settled(connection, row, settled.recipient)
                if event.is_transient and settled.reference:
                    self._weigh(connection, settled.reference, settled.mailing_id)
        return len(rows)

    @contextmanager
    def _batch(self) -> Iterator[Connection]:
        """Open a transaction; the counts in ``applied`` are restored if it fails."""
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
        ours = None if settled.known or event.kind in _NEVER_MAILED else id_of(event.recipient)
        if ours and (reader := self._reader(connection, event, settled)):  # its mailing is missing after a restore
            note_unmatched(connection, *ours, reader.reference, event.at or datetime.now(UTC))
        tracking = event.kind in {EventKind.OPEN, EventKind.CLICK}
        if tracking and not self._tracks:
            return
        # No tags and no row yet: the row may follow, because the sender may record the message id after the event.
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

    def _hear(self, event: Event, settled: Settled, *, deferred: bool) -> None:
        if settled.mailing_id and (receiver := receiver_of(event.domain)):
            self._heard[settled.mailing_id, settled.slug or ""][deferred][receiver] += 1

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
        """Apply the consequences of an event that is stored for the first time."""
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
            self._weigh(connection, settled.reference, settled.mailing_id)
        elif event.is_complaint:
            self.applied.harm[settled.slug or ""] += settled.changed
            self._leave(connection, event, settled)
            self._suppress(connection, event.address, settled.reference, Reason.COMPLAINT, event.type)
        elif event.unsubscribed:
            self._leave(connection, event, settled)

    def _weigh(self, connection: Connection, reference: str, mailing_id: int | None) -> None:
        """Suppress the mailbox if transient bounces of too many consecutive issues show that it is dead."""
        streak = store.transient_streak(connection, reference, mailing_id)
        if streak >= self._tolerance:
            self._suppress(connection, None, reference, Reason.BOUNCE, f"{streak} consecutive issues bounced")

    def _suppress(
        self, connection: Connection, address: str | None, reference: str | None, reason: Reason, detail: str
    ) -> None:
        """Suppress the recipient's mailbox or, if the recipient is unknown, the address in the event. In SES
        bounces that address comes from the receiving server: it may be a forwarding target, or a victim's address.
        """
        keys = {_mailbox_key(address)} if address and not reference else set()
        if reference and (subscriber := audience.find(connection, reference)):
            keys.add(subscriber.mailbox_key)
        # Nothing about an erased person may be stored again, not even a suppression; imports skip them as well.
        for key in sorted(keys - erased_among(connection, keys)):
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
    """Return ``link`` without a subscriber's token: links of the service are cut after the first path segment."""
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
    """Whether a machine rather than a reader opened or clicked; an empty user agent counts as a machine.

    A guess by user agent, and labelled as one wherever it is shown: mail programs prefetch, and scanners follow
    every link. Apple's Mail Privacy Protection fetches every picture as plain ``Mozilla/5.0``; Gmail and Yahoo
    fetch through named proxies when the mail is opened, so those count as readers unless they announce a prefetch.
    """
    agent = user_agent.strip()
    return not agent or _BARE.fullmatch(agent) is not None or _MACHINE.search(agent) is not None
