"""The fourth tripwire: a receiver that defers far more than it used to waits alone, and the account adds up."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.audience.tables import subscribers
from publisher.delivery.ledger import Claim, Ledger
from publisher.delivery.mailings import Mailing
from publisher.delivery.send import Options, send
from publisher.delivery.status import statuses
from publisher.delivery.tables import receiver_tallies
from publisher.delivery.tripwires import LEAST, Tripped, free_held, tally
from publisher.edition.model import Slot, Slotted
from publisher.feedback.apply import tripped_by
from publisher.mail.message import Envelope, MailContent
from publisher.providers.outcomes import Outcome, Verdict, submitted
from publisher.testing import FakeTransport
from tests.delivery.world import person
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room, open_room

DOMAINS = ("yahoo.com", "yahoo.fr", "gmail.com", "firm.example")


@pytest.fixture
def either(dialect: str, tmp_path: Path) -> Iterator[Room]:
    room = open_room(tmp_path)
    yield room
    room.database.close()


def frozen(room: Room, people: int) -> Mailing:
    addresses = [f"reader{i}@{DOMAINS[i % 4]}" for i in range(people)]
    rows = [person(i, address=one, address_key=one, mailbox_key=one) for i, one in enumerate(addresses)]
    with room.database.begin() as connection:
        connection.execute(subscribers.insert(), rows)
    return room.freeze()


def claimed(ledger: Ledger, wanted: int) -> list[Claim]:
    claims = [*ledger.record_and_claim([], wanted, 1).claims]
    ledger.record_and_claim([(claim, submitted(f"m-{claim.number}")) for claim in claims])
    return claims


def heard(room: Room, mailing: Mailing, claims: list[Claim], *deferring: str) -> list[Tripped]:
    """Events: those of the domains ``deferring`` are delayed, the others delivered."""
    lines = []
    for claim in claims:
        who, domain = claim.address, claim.address.partition("@")[2]
        mail = shapes.mail(f"m-{claim.number}", who, recipient=mailing.recipient(claim.number))
        delay = {"delayedRecipients": [{"emailAddress": who}], "timestamp": "2026-05-04T09:00:00Z"}
        if domain in deferring:
            lines.append(shapes.event("DeliveryDelay", mail, delay, "deliveryDelay"))
        else:
            lines.append(shapes.event("Delivery", mail, shapes.delivery(who)))
    return tripped_by(room.database, room.apply(*lines))


def domains(claims: list[Claim]) -> Counter[str]:
    return Counter(claim.address.partition("@")[2] for claim in claims)


def test_a_storm_of_yahoo_deferrals_holds_yahoo_alone_and_a_later_send_goes_on_with_it(either: Room) -> None:
    """STORM=50000 is a mailing of 50,000."""
    room, people = either, int(os.environ.get("STORM", "2000"))
    mailing = frozen(room, people)
    ledger = Ledger(room.database, mailing)
    ledger.open()
    first = claimed(ledger, people // 5)
    (trip,) = heard(room, mailing, first, "yahoo.com", "yahoo.fr")
    assert (trip.name, trip.stops) == ("receiver-defers", False)
    assert f"Yahoo deferred {people // 10:,} of {people // 10:,}" in trip.message
    assert f"{people * 2 // 5:,} held back there" in trip.message
    rest = claimed(ledger, people)
    assert domains(rest) == {"gmail.com": people // 5, "firm.example": people // 5}
    assert ledger.pending() == (0, 0)  # the run ends: it is not kept waiting
    ledger.close()
    account = room.account()
    assert (account.submitted, account.pending, account.audience) == (people * 3 // 5, people * 2 // 5, people)
    tripped = statuses(room.config, room.database, SLUG).tripped
    assert [one.name for one in tripped] == ["receiver-defers", "withdrawn"]  # the room has no files
    with room.database.begin() as connection:
        free_held(connection, mailing.id)
    again = Ledger(room.database, mailing)
    again.open()
    assert domains(claimed(again, people)) == {"yahoo.com": people // 5, "yahoo.fr": people // 5}
    assert (room.account().submitted, room.account().pending) == (people, 0)


@pytest.mark.parametrize(("earlier", "held"), [(0, True), (1, True), (9, False)])
def test_far_above_its_own_history_is_what_counts(room: Room, earlier: int, held: bool) -> None:
    """A third is deferred. Of a receiver that deferred ``earlier`` of 20 before, that is a storm or its habit."""
    mailing, before = frozen(room, 400), room.freeze("2026-04-27-weekly")
    row = {"receiver": "Gmail", "accepted": 2000 - earlier * 100, "deferred": earlier * 100}
    taken, deferred = Counter({"Gmail": 2 * LEAST}), Counter({"Gmail": LEAST})
    with room.database.begin() as connection:
        connection.execute(receiver_tallies.insert().values(mailing_id=before.id, **row))
        assert tally(connection, mailing.id, taken, deferred) is held


def test_an_event_that_comes_twice_counts_once(room: Room) -> None:
    mailing = frozen(room, 4 * LEAST)
    ledger = Ledger(room.database, mailing)
    ledger.open()
    first = claimed(ledger, 2 * LEAST - 4)
    for _ in range(3):
        assert heard(room, mailing, first, "yahoo.com", "yahoo.fr") == []
    assert ledger.pending() == (2 * LEAST + 4, 0)


def test_few_deferrals_hold_nobody(room: Room) -> None:
    mailing = frozen(room, 400)
    with room.database.begin() as connection:
        assert not tally(connection, mailing.id, Counter(), Counter({"Yahoo": LEAST - 1}))


def test_a_relay_that_answers_4xx_for_one_receiver_keeps_the_others_going(room: Room) -> None:
    mailing = frozen(room, 800)
    ledger = Ledger(room.database, mailing, relays=True)
    ledger.open()
    first = ledger.record_and_claim([], 400, 1).claims
    answer = Outcome(Verdict.RETRY, "smtp-421: 4.7.0 [TSS04] Messages temporarily deferred")
    results = [(claim, answer if "@yahoo." in claim.address else submitted(None)) for claim in first]
    ledger.record_and_claim(results)
    assert domains([*ledger.record_and_claim([], 5000, 2).claims]) == {"gmail.com": 100, "firm.example": 100}
    assert room.account().pending == 400  # the 200 that were deferred wait with the 200 nobody tried


@pytest.mark.parametrize("answer", [
    Outcome(Verdict.RETRY, "smtp-dropped-before-end"), Outcome(Verdict.THROTTLED, "smtp-421: 4.7.0 too fast"),
])  # fmt: skip
def test_a_connection_lost_and_a_relay_that_slows_us_down_are_no_deferrals_of_a_receiver(
    room: Room, answer: Outcome
) -> None:
    mailing = frozen(room, 800)
    ledger = Ledger(room.database, mailing, relays=True)
    ledger.open()
    first = ledger.record_and_claim([], 400, 1).claims
    results = [(claim, answer if "@yahoo." in claim.address else submitted(None)) for claim in first]
    ledger.record_and_claim(results)
    assert ledger.pending()[0] == 600  # nobody of Yahoo is held
    ledger.close()


def test_a_send_by_a_relay_holds_the_receiver_that_defers_and_mails_the_others(room: Room) -> None:
    class Relay(FakeTransport):
        relays = True

    def answer(envelope: Envelope) -> Outcome:
        deferred = Outcome(Verdict.RETRY, "smtp-421: 4.7.0 [TSS04] Messages temporarily deferred")
        return deferred if "@yahoo." in envelope.address else submitted(None)

    room.subscribe(*(f"reader{i}@{DOMAINS[i % 4]}" for i in range(400)))
    relay = Relay(answer)
    body = Slotted(("Hello ", Slot.UNSUBSCRIBE_URL, ""))
    letter = MailContent(SLUG, "Weekly", Slotted(("Weekly",)), "en", "sha256:0", None, body, body)
    sent = send(room.config, room.database, letter, Options(transport=relay))
    assert (sent.account.submitted, sent.account.pending) == (200, 200)
    assert [trip.name for trip in sent.tripped] == ["receiver-defers"]
    asked = Counter("@yahoo." in envelope.address for envelope in relay.seen)
    assert asked[False] == 200
    assert asked[True] < 200  # the rest of them were not tried


def test_a_relay_that_defers_everybody_is_no_receiver_that_does(room: Room) -> None:
    mailing = frozen(room, 800)
    ledger = Ledger(room.database, mailing, relays=True)
    ledger.open()
    results = [(claim, Outcome(Verdict.RETRY, "smtp-451")) for claim in ledger.record_and_claim([], 400, 1).claims]
    ledger.record_and_claim(results)
    assert ledger.pending() == (800, 0)


def test_a_claim_reads_only_an_index_however_many_are_held(room: Room) -> None:
    frozen(room, 4)
    with room.database.connect() as connection:
        wanted = (
            "SELECT number FROM recipients WHERE mailing_id = 1 AND state = 'pending' AND held = 0 AND attempts < 1"
        )
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {wanted} ORDER BY attempts, number").all()
    assert "ix_recipients_pending (mailing_id=? AND held=? AND attempts<?)" in str(plan)
    assert "TEMP B-TREE" not in str(plan)
