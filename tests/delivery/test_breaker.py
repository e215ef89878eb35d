"""A bad recipient affects nobody else, and an outage nobody: the circuit breaker, the search for it."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import botocore.exceptions as aws
import pytest
from sqlalchemy import event, func, select, update

from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery.freeze import freeze
from publisher.delivery.ledger import Claim, Ledger
from publisher.delivery.pace import LocalPace
from publisher.delivery.send import Options, Sent, send
from publisher.delivery.sender import FUTILE, Interrupt, Sender
from publisher.delivery.settle import release_uncertain, uncertain
from publisher.delivery.states import Ending
from publisher.delivery.status import explain
from publisher.delivery.submit_pool import DOUBTS_TO_END, Breaker, Finished
from publisher.delivery.tables import recipients
from publisher.errors import DatabaseError
from publisher.mail.message import Envelope, compose
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.ses import Ses
from publisher.providers.ses.transport import MOST, SesBulkTransport
from publisher.testing import FakeTransport
from tests.delivery.test_transports import envelope, relay
from tests.delivery.world import add_people, make_config, make_letter
from tests.stubs.ses import SesServer

Stub = Callable[..., SesServer]


class PoisonedClient:
    """Answers 400 to any call that holds a poisonous address."""

    def __init__(self, poison: set[str]) -> None:
        self.poison, self.calls = poison, 0
        self.accepted: list[str] = []

    def send_bulk_email(self, BulkEmailEntries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        addresses = [entry["Destination"]["ToAddresses"][0] for entry in BulkEmailEntries]
        if self.poison & set(addresses):
            said = {"Error": {"Code": "BadRequestException", "Message": f"Illegal address {min(self.poison)}"}}
            raise aws.ClientError(said | {"ResponseMetadata": {"HTTPStatusCode": 400}}, "SendBulkEmail")  # type: ignore[arg-type]
        self.accepted += addresses
        return {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": f"m-{a}"} for a in addresses]}


def bulk(tmp_path: Path, poison: set[str]) -> tuple[SesBulkTransport, PoisonedClient]:
    config = make_config(tmp_path, "ses")
    transport = SesBulkTransport(config.delivery.ses)
    client = PoisonedClient(poison)
    transport._client, transport._composed, transport._templates = client, compose(config, make_letter()), {}
    return transport, client


def test_poison_at_every_position_of_a_batch_costs_one_recipient_and_few_calls(tmp_path: Path) -> None:
    for position in range(1, MOST + 1):
        transport, client = bulk(tmp_path, {f"reader{position}@example.com"})
        outcomes = transport.submit([envelope(n) for n in range(1, MOST + 1)])
        assert [n for n, o in enumerate(outcomes, 1) if o.verdict is Verdict.REFUSED] == [position]
        assert sum(o.verdict is Verdict.SUBMITTED for o in outcomes) == MOST - 1
        assert len(client.accepted) == len(set(client.accepted)) == MOST - 1
        assert client.calls <= 2 * math.log2(MOST)
        assert "reader" not in outcomes[position - 1].code
        assert "Illegal address" in outcomes[position - 1].code


def test_several_poisoned_recipients_are_each_found(tmp_path: Path) -> None:
    poison = {f"reader{n}@example.com" for n in (7, 8, 40)}
    transport, client = bulk(tmp_path, poison)
    left, outcomes = list(range(1, MOST + 1)), {}
    for _ in range(5):  # rounds: those put back are tried again
        for n, outcome in zip(left, transport.submit([envelope(n) for n in left]), strict=True):
            outcomes[n] = outcome.verdict
        left = [n for n in left if outcomes[n] is Verdict.RETRY]
        if not left:
            break
    assert {n for n, verdict in outcomes.items() if verdict is Verdict.REFUSED} == {7, 8, 40}
    assert len(client.accepted) == len(set(client.accepted)) == MOST - 3


@pytest.mark.parametrize("single", [False, True], ids=["bulk", "raw"])
def test_one_poisoned_recipient_is_rejected_in_the_first_run_and_all_others_are_mailed(
    ses: Stub, tmp_path: Path, sqlite: Database, single: bool
) -> None:
    server = ses(poison=["reader17@example.com"])
    add_people(sqlite, 120)
    sent = send(make_config(tmp_path, "ses", bulk=not single), sqlite, make_letter())
    assert (sent.ending, sent.account.submitted, sent.account.rejected) == (Ending.DONE, 119, 1)
    with sqlite.connect() as connection:
        reason = connection.execute(select(recipients.c.reason).where(recipients.c.state == "rejected")).scalar_one()
    assert "Illegal address" in reason
    assert "@" not in reason
    assert server.account.summary()["most"] == 1


@pytest.mark.parametrize("most", [50, 500])
def test_who_shared_a_call_with_one_that_always_fails_is_mailed_once_an_operator_releases_them(
    config: Config, sqlite: Database, most: int
) -> None:
    def answer(one: Envelope) -> Verdict:
        if one.address == "reader7@example.com":
            raise RuntimeError("a defect")
        return Verdict.SUBMITTED

    add_people(sqlite, 600)
    fake = FakeTransport(answer, most=most)
    for _ in range(6):
        sent = send(config, sqlite, make_letter(), Options(transport=fake))
        if not sent.account.pending:
            with sqlite.begin() as connection:
                release_uncertain(connection, sent.mailing.id, uncertain(connection, sent.mailing.id))
    assert (sent.account.submitted, sent.account.uncertain) == (599, 1)
    assert len({message["To"] for message in fake.messages}) == 599


def test_one_poisoned_recipient_of_a_relay_is_rejected_with_its_words(tmp_path: Path, sqlite: Database) -> None:
    add_people(sqlite, 12)
    with relay() as (inbox, port):
        inbox.answers["reader3@example.com"] = "550 5.7.1 we do not like reader3@example.com"
        smtp = {"host": "127.0.0.1", "port": port}
        sent = send(make_config(tmp_path, "smtp", smtp=smtp), sqlite, make_letter())
    assert (sent.account.submitted, sent.account.rejected) == (11, 1)


def test_a_relay_that_refuses_everybody_stops_the_run_and_rejects_nobody(tmp_path: Path, sqlite: Database) -> None:
    add_people(sqlite, 40)
    with relay() as (inbox, port):
        inbox.answers |= {f"reader{n}@example.com": "554 5.7.1 relay access denied" for n in range(40)}
        sent = send(make_config(tmp_path, "smtp", smtp={"host": "127.0.0.1", "port": port}), sqlite, make_letter())
    assert (sent.ending, sent.account.pending, sent.account.rejected) == (Ending.PROVIDER, 40, 0)
    assert "relay access denied" in explain(sent, Ses(make_config(tmp_path)))[0]


@pytest.mark.parametrize("single", [False, True], ids=["bulk", "raw"])
def test_a_provider_that_refuses_every_call_ends_the_run_early_with_everybody_pending(
    ses: Stub, tmp_path: Path, sqlite: Database, single: bool
) -> None:
    server = ses(refuse={"status": 400, "code": "BadRequestException", "message": "The template is broken"})
    add_people(sqlite, 400)
    sent = send(make_config(tmp_path, "ses", bulk=not single), sqlite, make_letter())
    assert (sent.ending, sent.account.pending) == (Ending.PROVIDER, 400)
    assert "The template is broken" in explain(sent, Ses(make_config(tmp_path)))[0]
    assert server.account.accepted == []


def test_a_call_that_is_accepted_takes_every_doubt_back() -> None:
    def call(verdict: Verdict) -> None:
        breaker.weigh(Finished([(Claim(1, 1, "r", "a@example.com", ""), Outcome(verdict))]), counted=True)

    breaker = Breaker(most=5)
    for _ in range(3):
        call(Verdict.UNCERTAIN)
        assert not breaker.probing
        call(Verdict.SUBMITTED)
    call(Verdict.UNCERTAIN)
    call(Verdict.UNCERTAIN)
    assert breaker.probing


class Clock:
    """Time that passes only when it is asked for, by ``step`` seconds a look."""

    def __init__(self, step: float = 0.01) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def outage(clock: Clock, begin: float, end: float) -> FakeTransport:
    """A provider that answers nothing useful between ``begin`` and ``end`` of the clock."""

    def answer(_envelope: Envelope) -> Verdict:
        return Verdict.UNCERTAIN if begin <= clock.now < end else Verdict.SUBMITTED

    return FakeTransport(answer, parallel=4)


def sender_of(ledger: Ledger, provider: FakeTransport, clock: Clock, interrupt: Interrupt) -> Sender:
    provider.open(compose(make_config(Path()), make_letter()))

    def address(recipient: str, claim: Claim) -> Envelope:
        return envelope(claim.number, recipient=recipient)

    return Sender(ledger, provider, address, LocalPace(200, clock=clock), interrupt=interrupt, clock=clock)


def drain(ledger: Ledger, provider: FakeTransport, clock: Clock) -> Ending:
    ledger.open()
    try:
        return sender_of(ledger, provider, clock, Interrupt()).drain()
    finally:
        ledger.close()


def test_an_outage_of_a_minute_leaves_few_uncertain_and_everyone_is_reached_once(sqlite: Database) -> None:
    people = 3_000
    add_people(sqlite, people)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())
    clock = Clock(0.05)
    provider = outage(clock, 3.0, 63.0)
    assert drain(Ledger(sqlite, mailing), provider, clock) is Ending.UNREACHABLE
    assert DOUBTS_TO_END == 5

    def count(state: str) -> int:
        with sqlite.connect() as connection:
            found = connection.execute(select(recipients.c.number).where(recipients.c.state == state))
            return len(found.all())

    assert 0 < count("uncertain") <= 300
    assert count("pending") > 0
    clock.now = 70.0
    assert drain(Ledger(sqlite, mailing), provider, clock) is Ending.DONE
    assert len(provider.accepted) == len(set(provider.accepted)) == people - count("uncertain")


def test_a_short_hiccup_is_probed_and_the_run_goes_on(sqlite: Database) -> None:
    add_people(sqlite, 600)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())
    clock = Clock(0.05)
    provider = outage(clock, 0.5, 2.0)
    assert drain(Ledger(sqlite, mailing), provider, clock) is Ending.DONE
    assert len(set(provider.accepted)) == len(provider.accepted)
    assert 300 < len(provider.accepted) < 600


def test_a_throttle_slows_the_sender_and_keeps_nobody_from_their_mail(sqlite: Database) -> None:
    add_people(sqlite, 40)
    with sqlite.begin() as connection:
        ledger = Ledger(sqlite, freeze(connection, make_letter()))
    clock, paces = Clock(), list[float]()
    provider = FakeTransport(lambda _: Verdict.THROTTLED if clock.now < 1 else Verdict.SUBMITTED)
    ledger.open()
    sender = sender_of(ledger, provider, clock, Interrupt())
    sender.observe = lambda progress: paces.append(progress.pace)
    assert sender.drain() is Ending.DONE
    ledger.close()
    assert len({*provider.accepted}) == len(provider.accepted) == 40
    assert 100 < min(paces) < 170


def test_a_throttle_that_lasts_although_others_are_accepted_ends_the_run(sqlite: Database) -> None:
    add_people(sqlite, 40)
    with sqlite.begin() as connection:
        ledger = Ledger(sqlite, freeze(connection, make_letter()))
    busy = [ledger.mailing.recipient(number) for number in (7, 9)]
    clock = Clock(0.05)

    def answer(one: Envelope) -> Verdict:
        return Verdict.THROTTLED if one.recipient in busy else Verdict.SUBMITTED

    assert drain(ledger, FakeTransport(answer), clock) is Ending.LEFT
    assert (ledger.pending()[0], FUTILE < clock.now < 2 * FUTILE) == (2, True)


@pytest.mark.parametrize("parallel", [1, 3])
def test_two_calls_without_an_answer_and_then_one_reader_at_a_time_is_all_that_an_outage_costs(
    sqlite: Database, parallel: int
) -> None:
    add_people(sqlite, 100)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())
    calls, alone, one = list[int](), list[bool](), threading.Lock()

    class Watched(FakeTransport):
        def submit(self, batch: Sequence[Envelope]) -> list[Outcome]:
            calls.append(len(batch))
            if len(batch) > 1:
                return super().submit(batch)
            alone.append(first := one.acquire(blocking=False))
            time.sleep(0.03)
            if first:
                one.release()
            return super().submit(batch)

    provider = Watched(lambda _: Verdict.UNCERTAIN, parallel=parallel, most=10)
    assert drain(Ledger(sqlite, mailing), provider, Clock(0.5)) is Ending.UNREACHABLE
    assert calls == [10, 10, 1, 1, 1] if parallel == 1 else calls[-3:] == [1, 1, 1]
    assert alone == [True] * 3


def test_who_is_in_flight_when_the_database_fails_is_awaited_and_written_down(sqlite: Database) -> None:
    add_people(sqlite, 150)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())
    failed = threading.Event()

    class Failing(Ledger):
        def record_and_claim(self, results: Any, *rest: Any) -> Any:
            if results and not failed.is_set():
                failed.set()
                raise DatabaseError("the disk is full")
            return super().record_and_claim(results, *rest)

    def answer(one: Envelope) -> Verdict:
        assert one.address.startswith("reader1@") or failed.wait(30)
        return Verdict.SUBMITTED

    provider = FakeTransport(answer, parallel=4, most=1)
    with pytest.raises(DatabaseError, match="full"):
        drain(Failing(sqlite, mailing), provider, Clock())
    with sqlite.connect() as connection:
        states = Counter(connection.scalars(select(recipients.c.state)))
    assert set(states) == {"submitted", "pending"}, "nobody is left claimed, for that is uncertain at the next start"
    assert states["submitted"] == len(provider.accepted) > 1


@pytest.mark.parametrize("of", ["pace", "tally"])
def test_who_is_claimed_is_handed_over_whatever_fails_of_the_database_then(sqlite: Database, of: str) -> None:
    add_people(sqlite, 30)
    failed = list[str]()

    class Pace(LocalPace):
        def give_back(self, count: int) -> None:
            fail_once("pace")
            super().give_back(count)

    class Relay(FakeTransport):
        relays = True

    def fail_once(what: str, *_: object) -> None:
        if what == of and not failed:
            failed.append(what)
            raise DatabaseError("the disk is full")

    def tell(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE receiver_tallies"):
            fail_once("tally")

    event.listen(sqlite.engine, "before_cursor_execute", tell)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())
        known = func.replace(subscribers.c.address_key, "example.com", "gmail.com")
        connection.execute(update(subscribers).values(address_key=known))
    ledger = Ledger(sqlite, mailing, relays=True)
    ledger.open()
    sender = sender_of(ledger, Relay(most=4), Clock(), Interrupt())
    sender.pace = Pace(200, clock=sender.clock)
    with pytest.raises(DatabaseError, match="full"):
        sender.drain()
    with sqlite.connect() as connection:
        states = Counter(connection.scalars(select(recipients.c.state)))
    assert failed == [of]
    assert set(states) <= {"submitted", "pending"}, "nobody is left claimed, for that is uncertain at the next start"


def test_who_was_refused_when_the_database_fails_is_pending(sqlite: Database) -> None:
    add_people(sqlite, 3)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())

    class Failing(Ledger):
        def record_and_claim(self, results: Any, *rest: Any) -> Any:
            if sender.breaker.refused and not failed:
                failed.append(True)
                raise DatabaseError("the disk is full")
            return super().record_and_claim(results, *rest)

    failed, ledger = list[bool](), Failing(sqlite, mailing)
    ledger.open()
    sender = sender_of(ledger, FakeTransport(lambda _: Verdict.REFUSED, most=1), Clock(), Interrupt())
    with pytest.raises(DatabaseError, match="full"):
        sender.drain()
    with sqlite.connect() as connection:
        assert Counter(connection.scalars(select(recipients.c.state))) == {"pending": 3}


def test_a_provider_that_hangs_is_given_no_more_than_a_second_and_a_bit(sqlite: Database) -> None:
    add_people(sqlite, 1_000)
    with sqlite.begin() as connection:
        mailing = freeze(connection, make_letter())
    answering, interrupt = threading.Event(), Interrupt()

    class Waiting(Clock):
        def __call__(self) -> float:
            self.now += 0.04
            if self.now > 4:
                interrupt.request() if not interrupt.count else None
                answering.set()
            return super().__call__()

    def hang(_envelope: Envelope) -> Verdict:
        answering.wait(30)
        return Verdict.UNCERTAIN

    ledger = Ledger(sqlite, mailing)
    ledger.open()
    sender = sender_of(ledger, FakeTransport(hang, parallel=16), Waiting(), interrupt)
    assert sender.drain() is Ending.INTERRUPTED
    assert 0 < sender.progress.uncertain <= 300


def test_a_relay_may_take_its_time_after_the_final_dot(tmp_path: Path, sqlite: Database) -> None:
    import asyncio

    add_people(sqlite, 1)
    with relay() as (inbox, port):
        taken = inbox.handle_DATA

        async def slowly(*arguments: Any) -> str:
            await asyncio.sleep(1.2)
            return await taken(*arguments)

        inbox.handle_DATA = slowly  # type: ignore[method-assign]
        smtp = {"host": "127.0.0.1", "port": port, "timeout": 0.5, "reply_timeout": 0.5, "data_timeout": 0.5}
        sent: Sent = send(make_config(tmp_path, "smtp", smtp=smtp), sqlite, make_letter())
    assert (sent.account.submitted, sent.account.uncertain) == (1, 0)


def test_the_time_outs_are_those_of_the_standard_unless_told_otherwise(config: Config) -> None:
    smtp = config.delivery.smtp
    assert (smtp.reply_timeout, smtp.data_timeout, smtp.final_timeout) == (300, 180, 600)  # RFC 5321, 4.5.3.2
