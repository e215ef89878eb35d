"""A newsletter, its readers, operators, machines and faults, all by one seed; and the invariants after each step.

A process is a call with a database of its own that may die at any statement. While one waits for the provider, others
go on: readers leave, events come, a second sender starts, an operator restores a backup.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.backup import back_up, restore
from publisher.audience.model import ConsentSource, ConsentState, Subscriber
from publisher.audience.tables import subscribers, suppressions
from publisher.audience.tokens import TokenPayload
from publisher.database import Database, open_database
from publisher.delivery import mailings, send
from publisher.delivery.ledger import Exchanged, Ledger
from publisher.delivery.local_time import LocalTime
from publisher.delivery.lock import settle_mark, unknown_mail
from publisher.delivery.send import Options, Started
from publisher.delivery.series import begin_anew
from publisher.delivery.settle import count_as_reached
from publisher.delivery.states import Operator, RecipientState
from publisher.delivery.tables import mailings as mailings_table
from publisher.delivery.tables import recipients
from publisher.errors import PublisherError
from publisher.feedback.apply import Applier
from publisher.feedback.reconcile import doubtful, release
from publisher.mail.message import MailContent
from publisher.web.confirmation import post
from publisher.web.readers import Readers, SubscribeRequest, Unsubscribe
from tests.delivery.world import make_config, make_letter, varied_letter
from tests.simulation import series
from tests.simulation.machinery import Clock, CountedPace, Fate, KilledError, governed
from tests.simulation.provider import Provider, SimulatedTransport

PEOPLE, ISSUES, DEEPEST = 14, 2, 2
ZONES = ["Pacific/Kiritimati", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Pago_Pago", None]
KINDS: list[dict[str, Any]] = [{}, {"topics": ("ai",)}, {"attributes": {"city": "Berlin"}}]  # a variant each
LOCAL = "2026-03-29-local"
# Half past two is an hour that Europe's clocks leave out in this night.
MORNING = LocalTime(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Berlin"), timedelta(days=30))
_FINAL = {RecipientState.SUBMITTED, RecipientState.REJECTED, RecipientState.EXCLUDED}

_MAILINGS = select(mailings_table.c.id, mailings_table.c.reference, mailings_table.c.slug, mailings_table.c.audience)
_ROWS = select(recipients.c.number, recipients.c.state, recipients.c.not_before, recipients.c.variant)
_ROWS = _ROWS.where(recipients.c.mailing_id == bindparam("mailing"))


class BrokenPromiseError(AssertionError):
    """What must never happen, happened; the message says what, and the trace how."""


@dataclass
class Reader:
    """Somebody, as they see themselves. ``wants``: they confirmed, and have not left since."""

    address: str
    reference: str
    wants: bool = True
    departures: list[datetime] = field(default_factory=list)

    def leave(self, at: datetime) -> None:
        """They want no more."""
        self.wants = False
        self.departures.append(at)


class World:
    """Everything that one seed determines. ``trace`` records what happened, the same in every run of the seed."""

    def __init__(self, seed: int, root: Path) -> None:
        self.chance, self.clock, self.fate = Random(seed), Clock(), Fate()
        self.trace: list[str] = []
        self.config = make_config(root)
        self.provider = Provider(self.clock, self.chance)
        self.readers: dict[str, Reader] = {}
        slugs = [*(f"2026-03-{day:02}-x" for day in range(1, ISSUES + 1)), LOCAL]
        self.letters = {slug: (varied_letter if slug == slugs[1] else make_letter)(slug=slug) for slug in slugs}
        self.stepped: dict[str, tuple[str, datetime]] = {}  # the last step of a series that somebody got
        self.variants: dict[str, tuple[str, str]] = {}  # of each recipient: issue, and the name of the variant got
        self.frozen: dict[str, int] = {}  # the variant of each recipient as it was frozen
        self.slugs: dict[str, str] = {}  # of each mailing, by its reference
        self.again: Counter[tuple[str, str]] = (
            Counter()
        )  # copies beyond the first that an operator allowed: issue, whom
        self.released: Counter[str] = Counter()  # the same by recipient id
        self.asked: Counter[str] = Counter()  # confirmation mails that a reader asked for
        self.known: dict[str, str] = {}  # the last state of each recipient in the ledger
        self.audited: dict[str, object] = {}  # what the last audit of a mailing went by
        self.copies: Counter[tuple[str, str]] = Counter()
        self.copies_of_id: Counter[str] = Counter()
        self.backups: list[Path] = []
        self.depth = self.seen = 0
        self.spoken = _Spoken()

    @property
    def everything(self) -> list[str]:
        """The slugs of the issues and of the steps."""
        return [*self.letters, *series.LETTERS]

    # -- processes

    def process(self, what: str, body: Callable[[Database], object], *, lives: bool = False) -> bool:
        """A process with its own database. It may die at any point; a PublisherError is its last word.

        False where it did not come to its end.
        """
        points = None if lives or self.chance.random() < 0.55 else int(self.chance.expovariate(1 / 25))
        ending = "done"
        with self.fate.process(points):
            database = None
            try:
                database = open_database(self.config)
                body(database)
            except KilledError:
                ending = "killed"
            except PublisherError as error:
                ending = error.message[:70]
            finally:
                self.fate.left = None
                if database is not None:
                    if ending == "killed" and self.depth == 0 and self.chance.random() < 0.1:
                        ending += self._lose_wal(database)
                    else:
                        database.close()
        self.trace.append(f"{self.depth}{'  ' * self.depth} {what}: {ending}")
        if "its WAL" in ending:
            # A copy without its WAL is no backup: the questions that it has as waiting may have been asked.
            self.asked.update(address for address in self.asked)
            self._after_restore()
        return ending == "done"

    def _lose_wal(self, database: Database) -> str:
        """The file as it is without its WAL, as a disk that was pulled, or cp, leaves it."""
        file = self._file()
        shutil.copy(file, kept := file.with_name("kept"))
        database.close()
        self._put_back(kept)
        return ", its WAL is lost"

    def _file(self) -> Path:
        return self.config.root / ".publisher" / "publisher.db"

    def _put_back(self, kept: Path) -> None:
        file = self._file()
        for end in ("-wal", "-shm"):
            file.with_name(file.name + end).unlink(missing_ok=True)
        kept.replace(file)

    # -- what happens

    def begin(self) -> None:
        """Readers who were imported."""
        database = open_database(self.config)
        with database.begin() as connection:
            for number in range(PEOPLE):
                address = read_address(f"reader{number}@example.com")
                self._enter(store.add(connection, address, how=ConsentSource.IMPORT, **KINDS[number % len(KINDS)]))
            series.enrol(connection, list(range(1, PEOPLE, 2)), [series.SERIES], store.now())
        database.close()
        _back_up(self)

    def _enter(self, subscriber: Subscriber) -> None:
        self.readers[subscriber.address_key] = Reader(subscriber.address_key, subscriber.reference)

    def act(self) -> None:
        """One thing happens, and everything that must hold is looked at."""
        self.chance.choices([action for action, _ in ACTIONS], [weight for _, weight in ACTIONS])[0](self)
        if self.depth == 0:
            self.audit()

    def meanwhile(self) -> None:
        """What happens while a process waits for the provider."""
        while self.depth < DEEPEST and self.chance.random() < 0.12:
            self.depth += 1
            action = self.chance.choice([one for one in MEANWHILE if self.depth < DEEPEST or one not in _SENDERS])
            action(self)
            self.depth -= 1

    def transport(self) -> SimulatedTransport:
        return SimulatedTransport(self.provider, self.fate, self.meanwhile)

    def send(self, slug: str, *, correction: bool = False, lives: bool = False) -> None:
        """A sender's run over an issue."""
        local = MORNING if slug == LOCAL else None

        def body(database: Database) -> None:
            self.mail(database, self.letters[slug], correction=correction, local=local)

        self.process(f"send {slug}{' --correction' if correction else ''}", body, lives=lives)

    def mail(self, database: Database, letter: MailContent, **options: Any) -> None:
        """A sender in a process; what it takes of the pace is looked at."""
        transport, made = self.transport(), list[CountedPace]()

        def pace_of(_database: Database, _transport: object, ceiling: float) -> CountedPace:
            made.append(CountedPace(ceiling, self.clock))
            return made[-1]

        def started(begun: Started) -> None:
            self.slugs[begun.mailing.reference] = begun.mailing.slug

        always = Options(transport=transport, started=started, despite_tripwires=True, now=self.clock.now)
        with patch.object(send, "pace_of", pace_of):
            sent = send.send(self.config, database, letter, replace(always, **options))
        self.expect(not made or made[0].out == transport.heard, "the pace counted other recipients than were sent to")
        self.trace.append(f"{self.depth}{'  ' * self.depth} {letter.slug} {sent.ending.value} {sent.account.submitted}")

    def claimed(self, answer: Exchanged) -> None:
        """Nobody is claimed who had left before."""
        for claim in answer.claims:
            reader = self.readers.get(claim.address)
            self.expect(reader is None or reader.wants, f"{claim.address} had left, and was claimed")

    def wrong(self, what: str) -> BrokenPromiseError:
        return BrokenPromiseError("\n".join([what, *self.trace[-25:]]))

    def expect(self, holds: bool, what: str) -> None:
        """Raise BrokenPromiseError unless it ``holds``."""
        if not holds:
            raise self.wrong(what)

    # -- what must hold

    def audit(self) -> None:
        """Copies at the provider, and the accounts and states in the ledger."""
        self._count_copies()
        database = open_database(self.config)
        with self.fate.aside(), database.connect() as connection:
            self._audit_ledger(database, connection)
            series.audit_steps(self, connection)
        database.close()

    def _count_copies(self) -> None:
        for message in self.provider.accepted[self.seen :]:
            if message.recipient.startswith("confirm-"):
                self.copies[("confirm", message.address)] += 1
                copies, most = self.copies[("confirm", message.address)], self.asked[message.address]
                self.expect(copies <= most, f"{message.address} got {copies} confirmations and asked for {most}")
                continue
            slug = self.slugs.get(message.recipient.rpartition("-")[0], "?")
            key = slug, message.address
            self.copies[key] += 1
            self.copies_of_id[message.recipient] += 1
            self.expect(
                self.copies[key] <= 1 + self.again[key], f"{message.address} got {slug} {self.copies[key]} times"
            )
            was = self.variants.setdefault(message.recipient, (slug, message.variant))
            self.expect(was[1] == message.variant, f"{message.recipient} got {was[1]}, and then {message.variant}")
            if slug in series.LETTERS:
                series.audit_message(self, slug, message.address, message.at)
            most = 1 + self.released[message.recipient]
            self.expect(self.copies_of_id[message.recipient] <= most, f"{message.recipient} was mailed twice")
        self.seen = len(self.provider.accepted)

    def _audit_ledger(self, database: Database, connection: Connection) -> None:
        for mailing_id, reference, slug, audience in connection.execute(_MAILINGS).all():
            self.slugs[reference] = slug
            rows = connection.execute(_ROWS, {"mailing": mailing_id}).all()
            by = (rows, audience, len(self.provider.accepted), self.released.total())
            if self.audited.get(reference) == by:
                continue
            self.audited[reference] = by
            account = mailings.account(connection, mailing_id)
            self.expect(account.audience == audience, f"{slug} counts {account.audience} of {audience}")
            forgetful = unknown_mail(database.engine.url, connection, slug)
            letters = mailings.letter_of(connection, mailing_id).letters
            for number, state, not_before, variant in rows:
                key = f"{reference}-{number}"
                self.expect(self.frozen.setdefault(key, variant) == variant, f"{key} has another variant")
                got = self.variants.get(key, (slug, letters[variant].name))[1]
                self.expect(got == letters[variant].name, f"{key} got {got}, and not {letters[variant].name}")
                early = not_before and not_before > self.clock.now and self.copies_of_id[key]
                self.expect(not early, f"{key} was mailed before its time")
                was, self.known[key] = self.known.get(key), state
                back = was in _FINAL and state not in _FINAL
                self.expect(not back, f"{key} was {was} and is {state}")
                twice = (
                    state == RecipientState.PENDING and self.copies_of_id[key] > self.released[key] and not forgetful
                )
                self.expect(not twice, f"{key} is pending, and the provider has its message")

    def finish(self) -> None:
        """The weather clears: every mailing that may go on does, every event comes, and nobody is left out."""
        self.provider.up, self.provider.rate, self.provider.left_today = True, 40.0, 10_000
        self.depth = DEEPEST  # nothing happens meanwhile
        self.clock.pass_by(timedelta(days=2))  # the day of the last time zone is over
        for slug in self.letters:
            self.process("resume", partial(_resume, slug), lives=True)
            for _ in range(8):
                self.clock.pass_by(timedelta(minutes=5))
                before = self.trace[-1:]
                self.send(slug, lives=True)
                if self.trace[-1:] == before:
                    break
            self.hear(everything=True, again=slug == LOCAL)
            self.audit()
        series.finish(self)
        database = open_database(self.config)
        with database.connect() as connection:
            for slug in self.everything:
                self._nobody_is_lost(database, connection, slug)
            series.nobody_is_left_out(self, database, connection)
        database.close()
        self.expect("@" not in self.spoken.text, f"an address was logged: {self.spoken.text[:200]}")
        for mark in self.config.root.glob(".publisher/*.mark"):
            self.expect("@" not in mark.read_text(), "an address stands in a mark")

    def _nobody_is_lost(self, database: Database, connection: Connection, slug: str) -> None:
        mailing = mailings.newest(connection, slug)
        if mailing is None or mailing.operator == Operator.CANCELLED:
            return
        if unknown_mail(database.engine.url, connection, slug):
            return
        r = recipients.c
        left = connection.execute(
            select(func.count()).where(r.mailing_id == mailing.id, r.state.in_(["pending", "claimed"]))
        ).scalar_one()
        self.expect(left == 0, f"{left} of {slug} are left")
        rows = connection.execute(
            select(r.number, r.state, subscribers.c.address_key)
            .join(subscribers, subscribers.c.reference == r.reference)
            .where(r.mailing_id == mailing.id)
        )
        proved = {event.recipient for event in self.provider.told}
        for number, state, address in rows:
            key = mailing.recipient(number)
            had = self.copies_of_id[key] > 0
            if state == RecipientState.SUBMITTED:
                self.expect(had, f"{address} counts as mailed, and the provider has no message")
            elif had and key in proved and not self.released[key]:
                self.expect(state == RecipientState.REJECTED, f"{address} has {slug}, and the ledger says {state}")

    # -- events and restores

    def hear(self, *, everything: bool = False, again: bool = True) -> None:
        """Events arrive: some, in any order; or ``everything``, with those delivered before ``again``."""
        provider = self.provider
        if everything:
            batch = [*(provider.told if again else ()), *provider.waiting]
        else:
            count = min(len(provider.waiting), self.chance.randint(1, 12))
            batch = self.chance.sample(provider.waiting, count)
            batch += self.chance.sample(provider.told, min(len(provider.told), self.chance.randint(0, 3)))

        def body(database: Database) -> None:
            applier = Applier(database, self.config)
            applier.apply(batch)
            applier.settle_waiting()

        if self.process(f"events ({len(batch)})", body, lives=everything):
            told = {id(event) for event in batch}
            provider.told += [event for event in provider.waiting if id(event) in told]
            provider.waiting = [event for event in provider.waiting if id(event) not in told]
            self._see_who_left()

    def _see_who_left(self) -> None:
        """A complaint ends a subscription, and a reader learns of nobody's but their own."""
        database = open_database(self.config)
        with database.connect() as connection:
            states = {
                row[0]: row[1] for row in connection.execute(select(subscribers.c.address_key, subscribers.c.state))
            }
        database.close()
        for address, reader in self.readers.items():
            if reader.wants and states.get(address) == ConsentState.UNSUBSCRIBED:
                reader.leave(self.clock.now)

    def _after_restore(self) -> None:
        """The ledger is restored. Readers who had left leave again; new ones are unknown; states start again."""
        for forgotten_of in (self.known, self.audited, self.frozen):
            forgotten_of.clear()
        database = open_database(self.config)
        with database.begin() as connection:
            for address, reader in list(self.readers.items()):
                found = store.find(connection, reader.reference)
                reader.departures.clear()
                if found is None:
                    del self.readers[address]
                elif not reader.wants:
                    reader.leave(self.clock.now)
                    store.unsubscribe(connection, found, ConsentSource.LINK)
            there = connection.execute(select(suppressions.c.mailbox_key)).all()
        database.close()
        self.trace.append(f"  after the restore {len(there)} are suppressed")


class _Spoken(logging.Handler):
    """Everything that was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = (self.text + self.format(record))[-20_000:]


Action = Callable[[World], None]


def _some(world: World) -> str:
    return world.chance.choice(world.everything)


def _send(world: World) -> None:
    world.send(world.chance.choice(list(world.letters)))


def _correct(world: World) -> None:
    slug = world.chance.choice(list(world.letters))
    was = world.letters[slug]
    world.letters[slug] = replace(was, digest="sha256:" + f"{world.chance.getrandbits(256):064x}")
    before = world.provider.accepted.copy()
    for address in world.readers:
        world.again[slug, address] += 1
    world.send(slug, correction=True)
    database = open_database(world.config)
    with database.connect() as connection:
        newest = mailings.newest(connection, slug)
    database.close()
    if newest is None or newest.digest != world.letters[slug].digest:  # it was refused, or died before it was frozen
        world.letters[slug] = was
        if len(before) == len(world.provider.accepted):
            for address in world.readers:
                world.again[slug, address] -= 1


def _leave(world: World) -> None:
    if world.readers:
        reader = world.chance.choice(list(world.readers.values()))

        def body(database: Database) -> None:
            Readers(database).leave([Unsubscribe(reader.reference, ConsentSource.ONE_CLICK, {})])
            reader.leave(world.clock.now)

        world.process("leave", body)


def _stay(world: World) -> None:
    gone = [reader for reader in world.readers.values() if not reader.wants]
    if gone:
        reader = world.chance.choice(gone)

        def body(database: Database) -> None:
            reader.wants = True
            Readers(database).stay(reader.reference, {})

        world.process("stay", body)


def _ask(world: World) -> None:
    """At the form: somebody new, or somebody who asks again."""
    wishes = [f"new{world.chance.randint(1, 30)}@example.org" for _ in range(world.chance.randint(1, 4))]

    def body(database: Database) -> None:
        for wish in wishes:
            world.asked[wish] += 1  # whoever dies may have entered it
            wanted = SubscribeRequest(read_address(wish), "", None, ())
            world.asked[wish] -= not Readers(database).ask(wanted, {})

    world.process("subscribe", body)


def _prefer(world: World) -> None:
    """A reader becomes one of another kind: what was frozen for them stays."""
    if world.readers:
        reader, kind = world.chance.choice(list(world.readers.values())), world.chance.choice(KINDS)

        def body(database: Database) -> None:
            with database.begin() as connection:
                if found := store.find(connection, reader.reference):
                    store.prefer(connection, found, ConsentSource.LINK, **{"topics": (), "attributes": {}, **kind})

        world.process("prefer", body)


def _post(world: World) -> None:
    def body(database: Database) -> None:
        post(world.config, database, 30.0, world.transport())

    world.process("confirmation mail", body)


def _confirm(world: World) -> None:
    got = [address for (what, address), copies in world.copies.items() if what == "confirm" and copies]
    if not got:
        return
    address = world.chance.choice(got)

    def body(database: Database) -> None:
        with database.connect() as connection:
            found = store.find(connection, read_address(address))
        if found and found.state is ConsentState.PENDING:
            reader = world.readers.setdefault(address, Reader(address, found.reference))
            reader.wants = True
            Readers(database, lambda: {series.SERIES}).confirm(TokenPayload(found.reference, None, world.clock.now), {})

    world.process("confirm", body)


def _hear(world: World) -> None:
    world.hear()


def _operate(world: World) -> None:
    slug = _some(world)
    word = world.chance.choices([Operator.PAUSED, Operator.GOING, Operator.CANCELLED], [4, 6, 1])[0]

    def body(database: Database) -> None:
        mailings.set_operator(database, slug, word)

    world.process(f"{word} {slug}", body)


def _release(world: World) -> None:
    """An operator accepts that uncertain recipients may get a second copy."""
    slug = _some(world)

    def body(database: Database) -> None:
        for doubt in doubtful(database, slug):
            addresses = {reader.reference: reader.address for reader in world.readers.values()}
            for one in doubt.recipients:
                world.released[one.recipient] += 1
                world.again[slug, addresses.get(one.reference, "?")] += 1
            release(database, doubt)

    world.process(f"release {slug}", body)


def _back_up(world: World) -> None:
    file = world.config.root / f"backup-{world.chance.getrandbits(32):08x}"

    def body(_database: Database) -> None:
        back_up(world.config, file)
        world.backups = [*world.backups[:1], *world.backups[1:][-2:], file]

    world.process("backup", body)


def _restore(world: World) -> None:
    """An old backup is put back while nobody sends; the operator restores the newest state, or says what is right."""
    if not world.backups:
        return
    file, last = world.chance.choice(world.backups), world.config.root / f"last-{world.chance.getrandbits(32)}"

    def body(database: Database) -> None:
        database.close()
        back_up(world.config, last)
        restore(world.config, file, force=True)

    world.process("restore", body, lives=True)
    world._after_restore()
    for _ in range(world.chance.randint(0, 3)):
        world.chance.choice([_send, _send, _hear, _leave])(world)
    if world.chance.random() < 0.5:

        def body(database: Database) -> None:
            database.close()
            restore(world.config, last, force=True)

        world.process("restore what was", body, lives=True)
        world._after_restore()
        return
    world.hear(everything=True)
    for slug in world.everything:
        world.process(f"publish --unmailed {slug}", partial(_allow, world, slug), lives=True)


def _resume(slug: str, database: Database) -> None:
    mailings.set_operator(database, slug, Operator.GOING)


def _allow(world: World, slug: str, database: Database) -> None:
    """An operator says that the ledger is right. Whom events have named had it, and gets no second copy."""
    with database.connect() as connection:
        told = unknown_mail(database.engine.url, connection, slug)
    named = {event.recipient for event in world.provider.told}
    if told and slug in series.LETTERS:
        begin_anew(database, slug)
    elif told:
        with database.begin() as connection:
            count_as_reached(connection, slug)
            settle_mark(connection, slug)
    else:
        return
    for message in world.provider.accepted:
        of = world.slugs.get(message.recipient.rpartition("-")[0])
        if of == slug and (message.recipient not in named or message.address not in world.readers):
            world.again[slug, message.address] += 1
            world.released[message.recipient] += 1


def _weather(world: World) -> None:
    provider, chance = world.provider, world.chance
    provider.up = chance.random() < 0.85
    provider.rate = chance.choice([5.0, 20.0, 40.0, 80.0])
    provider.left_today = chance.choice([5, 1_000, 10_000])
    provider.poisoned = {address for address in world.readers if chance.random() < 0.05}
    world.trace.append(f"{world.depth} weather: {'up' if provider.up else 'down'}, {provider.rate:g}/s")


def _wait(world: World) -> None:
    world.clock.pass_by(timedelta(seconds=world.chance.choice([1, 60, 400, 3_600, 90_000])))


ACTIONS: list[tuple[Action, int]] = [
    (_send, 16), (_correct, 1), (_leave, 5), (_stay, 2), (_ask, 5), (_post, 5), (_confirm, 4), (_hear, 10), (_wait, 5),
    (series.walk, 6), (_prefer, 2), (_operate, 3), (_release, 2), (_back_up, 2), (_restore, 1), (_weather, 3),
]  # fmt: skip
MEANWHILE: list[Action] = [
    _send, _leave, _stay, _ask, _hear, _operate, _weather, _post, _back_up, _prefer, series.walk,
]  # fmt: skip
_SENDERS = (_send, series.walk)


def run(seed: int, root: Path, actions: int = 60) -> World:
    """The world of a seed after so many actions, and after the weather cleared. Raises BrokenPromiseError."""
    with governed_world(seed, root) as world:
        for _ in range(actions):
            world.act()
        world.finish()
    return world


@contextmanager
def governed_world(seed: int, root: Path) -> Iterator[World]:
    """A world that begins; chance and clock are its own within the block."""
    world = World(seed, root)
    real = Ledger.record_and_claim

    def record_and_claim(self: Ledger, *given: object, **named: object) -> Exchanged:
        answer = real(self, *given, **named)  # type: ignore[arg-type]
        world.claimed(answer)
        return answer

    logger = logging.getLogger("publisher")
    logger.addHandler(world.spoken)
    try:
        with (
            governed(world.clock, world.chance, world.fate),
            patch.object(Ledger, "record_and_claim", record_and_claim),
        ):
            world.begin()
            yield world
    finally:
        logger.removeHandler(world.spoken)
        with suppress(OSError):
            shutil.rmtree(root)


__all__ = ["BrokenPromiseError", "MailContent", "World", "governed_world", "run"]
