"""The ledger's contract, on SQLite and on a real PostgreSQL: freeze, claim, record, recover, settle, release."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import delete, event, insert, update

from publisher.audience import store
from publisher.audience.tables import subscribers, suppressions
from publisher.database import Database
from publisher.delivery import ledger as ledger_module
from publisher.delivery import mailings
from publisher.delivery.freeze import freeze, ongoing, preview
from publisher.delivery.ledger import Claim, Ledger
from publisher.delivery.mailings import Mailing, set_operator
from publisher.delivery.send import pace_of
from publisher.delivery.settle import (
    release_uncertain,
    settle,
    uncertain,
)
from publisher.delivery.states import Account, MailingState, mailing_state
from publisher.delivery.tables import mailings as mailings_table
from publisher.delivery.tables import recipients
from publisher.delivery.tripwires import after_the_fact, before_sending
from publisher.errors import UsageError
from publisher.feedback.reconcile import Doubtful
from publisher.mail.message import MailContent
from publisher.providers.events import EventKind
from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted
from publisher.testing import FakeTransport
from tests.delivery.world import DIGEST, SLUG, add_people, add_person, make_letter

NOW = datetime(2024, 12, 29, 8, tzinfo=UTC)


def frozen(database: Database, letter: MailContent | None = None, **options: bool) -> Mailing:
    with database.begin() as connection:
        return freeze(connection, letter or make_letter(), **options)


def account(database: Database, mailing: Mailing) -> Account:
    with database.connect() as connection:
        return mailings.account(connection, mailing.id)


def opened(database: Database, mailing: Mailing) -> Ledger:
    ledger = Ledger(database, mailing)
    ledger.open()
    return ledger


def outcomes(claims: tuple[Claim, ...], outcome: Outcome) -> list[tuple[Claim, Outcome]]:
    return [(claim, outcome) for claim in claims]


def test_every_candidate_is_a_recipient_or_excluded_with_the_first_reason_that_applies(database: Database) -> None:
    old, new = NOW - timedelta(days=9), NOW
    add_people(database, 3)
    add_person(database, 10, state="unsubscribed")
    add_person(database, 11, state="pending")
    add_person(database, 12)
    with database.begin() as connection:
        connection.execute(
            insert(suppressions), [{"mailbox_key": "reader12@example.com", "reason": "bounce", "detail": "", "at": NOW}]
        )
    add_person(database, 13, mailbox_key="reader0@example.com")
    longest = "x" * (254 - len("@example.com")) + "@example.com"
    unusable = ["no-at", "@example.com", "a@", "a b@example.com", "a\n@example.com", "a\r@example.com", f"x{longest}"]
    for number, key in enumerate([longest, *unusable], start=20):
        add_person(database, number, address_key=key, mailbox_key=key)
    # two spellings of one inbox: the last word counts
    add_person(database, 30, mailbox_key="twice@example.com", state="unsubscribed", changed_at=new)
    add_person(database, 31, mailbox_key="twice@example.com", changed_at=old)
    add_person(database, 40, mailbox_key="back@example.com", state="unsubscribed", changed_at=old)
    add_person(database, 41, mailbox_key="back@example.com", changed_at=new)
    expected = {"unsubscribed": 4, "unconfirmed": 1, "suppressed": 1, "duplicate": 1, "invalid": 7}
    with database.connect() as connection:
        assert preview(connection, SLUG) == ([5], expected)
    mailing = frozen(database)
    found = account(database, mailing)
    assert found.excluded_by_reason == dict(sorted(expected.items()))
    assert found.audience == mailing.audience == 19
    assert (found.pending, found.excluded) == (5, 14)


def test_a_segment_excludes_the_others_with_its_reason(database: Database) -> None:
    add_people(database, 3)
    add_person(database, 9, language="en")
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), subscribers.c.language == "en")
    assert account(database, mailing).excluded_by_reason == {"segment": 3}


def test_a_freeze_that_does_not_come_out_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from publisher.delivery import freeze as module
    from publisher.errors import DatabaseError

    add_people(database, 3)
    rows = module._rows
    monkeypatch.setattr(module, "_rows", lambda *a: rows(*a).limit(2))
    with pytest.raises(DatabaseError, match="2 of 3 candidates"):
        frozen(database)
    with database.connect() as connection:
        assert mailings.newest(connection, SLUG) is None


def test_a_claim_is_committed_before_it_is_known_and_nobody_else_gets_it(database: Database) -> None:
    add_people(database, 5)
    mailing = frozen(database)
    one, two = opened(database, mailing), opened(database, mailing)
    first = one.record_and_claim([], 3, 1).claims
    second = two.record_and_claim([], 9, 1).claims
    assert [c.number for c in first] + [c.number for c in second] == [1, 2, 3, 4, 5]
    assert first[0].address == "reader0@example.com"
    assert account(database, mailing).claimed == 5


def test_results_and_the_next_claims_are_one_commit(database: Database) -> None:
    add_people(database, 4)
    mailing = frozen(database)
    ledger = opened(database, mailing)
    claims = ledger.record_and_claim([], 2, 1).claims
    results = [(claims[0], submitted("m-1")), (claims[1], Outcome(Verdict.REJECTED, "INVALID_PARAMETER"))]
    assert len(ledger.record_and_claim(results, 2, 1).claims) == 2
    found = account(database, mailing)
    assert (found.submitted, found.rejected, found.claimed, found.pending) == (1, 1, 2, 0)


def test_results_are_found_by_their_numbers_however_large_the_mailing_is(sqlite: Database) -> None:
    add_people(sqlite, 3)
    ledger = opened(sqlite, frozen(sqlite))
    claims, said = ledger.record_and_claim([], 3, 1).claims, []
    event.listen(sqlite.engine, "before_cursor_execute", lambda *call: said.append(call[2:4]))

    ledger.record_and_claim(outcomes(claims, submitted("m")))

    statement, values = next(one for one in said if "UPDATE recipients" in one[0])
    with sqlite.connect() as connection:
        plan = "\n".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
    assert "SEARCH recipients USING PRIMARY KEY (mailing_id=? AND number=?)" in plan


def test_who_failed_comes_after_everybody_else_and_throttled_attempts_do_not_count(database: Database) -> None:
    add_people(database, 3)
    ledger = opened(database, frozen(database))
    (failed, throttled) = ledger.record_and_claim([], 2, 1).claims
    ledger.record_and_claim(
        [(failed, Outcome(Verdict.RETRY, "TRANSIENT_FAILURE")), (throttled, Outcome(Verdict.THROTTLED, "x"))]
    )
    assert [c.number for c in ledger.record_and_claim([], 9, 1).claims] == [2, 3]
    assert ledger.pending() == (1, 1)
    (again,) = ledger.record_and_claim([], 9, 2).claims
    assert (again.number, again.attempt) == (1, 2)


def test_a_claim_begins_where_the_last_one_ended_and_comes_back_for_whom_it_passed(database: Database) -> None:
    add_people(database, 6)
    mailing = frozen(database)
    ledger, other = opened(database, mailing), opened(database, mailing)
    (first,) = ledger.record_and_claim([], 1, 1).claims
    assert [c.number for c in other.record_and_claim([], 2, 1).claims] == [2, 3]
    throttled = [(first, Outcome(Verdict.THROTTLED, "x"))]
    assert [c.number for c in ledger.record_and_claim(throttled, 1, 1).claims] == [4]
    assert [c.number for c in ledger.record_and_claim([], 1, 1).claims] == [5]
    assert [c.number for c in ledger.record_and_claim([], 2, 1).claims] == [1, 6]
    assert ledger.record_and_claim([], 9, 1).claims == ()


def test_who_left_since_the_freeze_is_excluded_at_the_claim(database: Database) -> None:
    rows = [add_person(database, number) for number in range(4)]
    mailing = frozen(database)
    with database.begin() as connection:
        where = subscribers.c.reference
        connection.execute(update(subscribers).where(where == rows[0]["reference"]).values(state="unsubscribed"))
        connection.execute(delete(subscribers).where(where == rows[1]["reference"]))
        connection.execute(
            insert(suppressions), [{"mailbox_key": rows[2]["mailbox_key"], "reason": "bounce", "detail": "", "at": NOW}]
        )
    answer = opened(database, mailing).record_and_claim([], 9, 1)
    assert [c.reference for c in answer.claims] == [rows[3]["reference"]]
    found = account(database, mailing)
    assert found.excluded_by_reason == {"erased": 1, "suppressed": 1, "unsubscribed": 1}
    assert found.audience == mailing.audience


def test_a_paused_reader_is_left_out_at_the_freeze_and_at_the_claim_and_is_back_by_themselves(
    database: Database,
) -> None:
    soon, past = datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) - timedelta(seconds=1)
    add_person(database, 0, paused_until=soon)
    add_person(database, 1, paused_until=past)
    later = add_person(database, 2)
    add_person(database, 3, mailbox_key="twice@example.com", paused_until=soon)
    add_person(database, 4, mailbox_key="twice@example.com")  # came in by an import, since
    add_person(database, 5, state="unsubscribed", paused_until=soon)
    add_person(database, 6, digest="monthly")
    expected = {"digest": 1, "paused": 3, "unsubscribed": 1}
    with database.connect() as connection:
        assert preview(connection, SLUG) == ([2], expected)
        assert preview(connection, "")[0] == [3]  # who can be mailed at all
        counted = store.counts(connection)
    assert (counted["confirmed"], counted["paused"]) == (6, 2)
    mailing = frozen(database)
    assert account(database, mailing).excluded_by_reason == expected
    with database.begin() as connection:
        connection.execute(
            update(subscribers).where(subscribers.c.reference == later["reference"]).values(paused_until=soon)
        )
    ledger = opened(database, mailing)
    (claim,) = ledger.record_and_claim([], 9, 1).claims
    assert claim.address == "reader1@example.com"
    found = account(database, mailing)
    assert found.excluded_by_reason == {"digest": 1, "paused": 4, "unsubscribed": 1}
    assert found.audience == mailing.audience


def test_what_the_dead_had_claimed_becomes_uncertain_and_their_late_answer_still_counts(database: Database) -> None:
    add_people(database, 3)
    mailing = frozen(database)
    dead, living = opened(database, mailing), opened(database, mailing)
    elsewhere = opened(database, frozen(database, make_letter(slug="2025-01-05-weekly")))
    claims = dead.record_and_claim([], 2, 1).claims
    assert living.recover(alone=False) == 0  # its lease has not run out
    assert living.recover(alone=True) == 2
    assert elsewhere.beat(), "the lock is of one mailing"
    assert account(database, mailing).uncertain == 2
    assert not dead.record_and_claim([], 2, 1).alive
    assert account(database, mailing).claimed == 0
    dead.record_and_claim([(claims[0], submitted("late"))])
    assert account(database, mailing).submitted == 1


def test_a_lease_that_ran_out_is_proof_enough_among_machines(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(database, 2)
    mailing = frozen(database)
    dead, living = opened(database, mailing), opened(database, mailing)
    dead.record_and_claim([], 2, 1)
    monkeypatch.setattr(ledger_module, "LEASE", -1.0)
    assert living.recover(alone=False) == 2
    assert living.beat()
    assert not dead.beat()


def test_a_beat_from_the_future_counts_from_when_it_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(database, 2)
    mailing = frozen(database)
    dead, living = opened(database, mailing), opened(database, mailing)
    dead.record_and_claim([], 2, 1)
    with database.begin() as connection:  # it died, and the database's clock was set back by a day
        ahead = ledger_module.clock(connection) + 86_400
        connection.execute(update(ledger_module.senders).values(beat=ahead))
        assert not ledger_module.at_work(database, connection, mailing)
    assert living.recover(alone=False) == 0
    now = ledger_module.clock
    monkeypatch.setattr(ledger_module, "clock", lambda connection: now(connection) + ledger_module.LEASE + 1)
    assert living.recover(alone=False) == 2


def test_what_a_sender_claimed_that_others_took_for_dead_is_recovered_before_its_lease_ends(database: Database) -> None:
    add_people(database, 3)
    mailing = frozen(database)
    dead, busy, living = (opened(database, mailing) for _ in range(3))
    dead.record_and_claim([], 1, 1)
    busy.record_and_claim([], 2, 1)
    with database.begin() as connection:  # a burial that its claim came too late for
        senders = ledger_module.senders
        connection.execute(update(senders).where(senders.c.id == dead.sender_id).values(ended=1))
    assert living.recover(alone=False) == 1
    assert (account(database, mailing).uncertain, account(database, mailing).claimed) == (1, 2)


def _released(database: Database) -> tuple[Ledger, Ledger, Claim]:
    """A sender considered dead, one that lives, and the claim of the first, which an operator has released."""
    add_people(database, 1)
    mailing = frozen(database)
    dead, living = opened(database, mailing), opened(database, mailing)
    (claim,) = dead.record_and_claim([], 1, 1).claims
    living.recover(alone=True)
    with database.begin() as connection:
        assert release_uncertain(connection, mailing.id, uncertain(connection, mailing.id)) == 1
    return dead, living, claim


def test_an_answer_of_a_sender_long_gone_never_touches_a_newer_claim(database: Database) -> None:
    dead, living, claim = _released(database)
    assert len(living.record_and_claim([], 1, 9).claims) == 1
    dead.record_and_claim([(claim, Outcome(Verdict.RETRY, "x"))])
    assert account(database, dead.mailing).claimed == 1


@pytest.mark.parametrize(("answer", "then"), [
    (submitted("late"), "submitted"), (Outcome(Verdict.UNCERTAIN, "x"), "pending"),
    (Outcome(Verdict.RETRY, "x"), "pending"), (Outcome(Verdict.REJECTED, "x"), "pending"),
])  # fmt: skip
def test_a_late_acceptance_stops_the_second_copy_of_whom_an_operator_released(
    database: Database, answer: Outcome, then: str
) -> None:
    dead, living, claim = _released(database)
    dead.record_and_claim([(claim, answer)])
    assert getattr(account(database, dead.mailing), then) == 1
    assert len(living.record_and_claim([], 1, 9).claims) == (then == "pending")


@pytest.mark.parametrize("words", ["550 5.7.1 \x00\x07 go away", "go \ud800 away"])
def test_what_a_provider_says_can_be_recorded_whatever_it_is(database: Database, words: str) -> None:
    add_people(database, 1)
    mailing = frozen(database)
    ledger = opened(database, mailing)
    claims = ledger.record_and_claim([], 1, 1).claims
    ledger.record_and_claim(outcomes(claims, Outcome(Verdict.REJECTED, in_words("smtp-550", words))))
    assert account(database, mailing).rejected == 1


def test_pause_is_heeded_at_the_next_claim_and_cancel_is_for_good(database: Database) -> None:
    add_people(database, 2)
    mailing = frozen(database)
    ledger = opened(database, mailing)
    set_operator(database, SLUG, "paused")
    assert ledger.record_and_claim([], 2, 1).operator == "paused"
    assert account(database, mailing).claimed == 0
    set_operator(database, SLUG, "going")
    assert len(ledger.record_and_claim([], 1, 1).claims) == 1
    set_operator(database, SLUG, "cancelled")
    with pytest.raises(UsageError, match="cancelled for good"):
        set_operator(database, SLUG, "going")


def test_a_changed_edition_is_refused_until_cancelled_and_then_reaches_only_the_rest(database: Database) -> None:
    add_people(database, 4)
    mailing = frozen(database)
    ledger = opened(database, mailing)
    claims = ledger.record_and_claim([], 2, 1).claims
    ledger.record_and_claim([(claims[0], submitted("a")), (claims[1], Outcome(Verdict.UNCERTAIN, "x"))])
    changed = make_letter(digest="sha256:" + "cd" * 32)
    with database.connect() as connection:
        assert ongoing(connection, make_letter()) is not None
        with pytest.raises(UsageError) as refusal:
            ongoing(connection, changed)
    assert "publisher cancel" in str(refusal.value.help)
    set_operator(database, SLUG, "cancelled")
    second = frozen(database, changed)
    assert second.sequence == 2
    assert account(database, second).excluded_by_reason == {"reached": 2}
    with database.begin() as connection:
        mailings.finish(connection, second.id)
    assert account(database, frozen(database, make_letter(), correction=True)).pending == 4


EVENTS = [EventKind.SEND, EventKind.DELIVERY, EventKind.BOUNCE, EventKind.COMPLAINT]


def claimed_and_lost(database: Database) -> tuple[Mailing, str]:
    add_people(database, 1)
    mailing = frozen(database)
    ledger = opened(database, mailing)
    ledger.record_and_claim([], 1, 1)
    ledger.close()
    return mailing, mailing.recipient(1)


def test_events_settle_in_any_order_and_any_number_to_the_same_account(database: Database) -> None:
    mailing, recipient = claimed_and_lost(database)
    results = set()
    for order in permutations(EVENTS):
        with database.begin() as connection:
            connection.execute(
                update(recipients).values(
                    state="uncertain", message_id=None, delivered_at=None, bounced_at=None, complained_at=None
                )
            )
            for kind in (*order, *order):
                at = NOW + timedelta(seconds=EVENTS.index(kind))
                settle(connection, kind, at, recipient=recipient, message_id="m-1", detail="x")
            row = connection.execute(recipients.select()).mappings().one()
        results.add(tuple(str(row[n]) for n in ("state", "message_id", "delivered_at", "bounced_at", "complained_at")))
    assert len(results) == 1
    found = account(database, mailing)
    assert (found.submitted, found.uncertain, found.bounced, found.complained, found.delivered) == (1, 0, 1, 1, 0)


def test_an_event_without_tags_settles_by_message_id(database: Database) -> None:
    mailing, recipient = claimed_and_lost(database)
    with database.begin() as connection:
        assert settle(connection, EventKind.SEND, NOW, recipient=recipient, message_id="m-1").changed
        answer = settle(connection, EventKind.DELIVERY, NOW, message_id="m-1")
        assert (answer.known, answer.changed, answer.recipient) == (True, True, recipient)
        assert not settle(connection, EventKind.DELIVERY, NOW, message_id="m-1").changed
        assert not settle(connection, EventKind.DELIVERY, NOW, message_id="m-2").known
        for hours, changed in ((1, False), (-1, True), (0, False)):  # the earliest time of a fact counts
            answer = settle(connection, EventKind.DELIVERY, NOW + timedelta(hours=hours), message_id="m-1")
            assert answer.changed is changed
    assert account(database, mailing).delivered == 1


@pytest.mark.parametrize(
    "recipient", ["", "x", "00000000-1", "00000000-0", "1-1", "a@example.com", "00000000-2147483648"]
)
def test_an_event_about_nobody_is_distinguished(database: Database, recipient: str) -> None:
    with database.begin() as connection:
        assert not settle(connection, EventKind.SEND, NOW, recipient=recipient).known


def test_a_refusal_after_acceptance_stays_a_refusal(database: Database) -> None:
    mailing, recipient = claimed_and_lost(database)
    with database.begin() as connection:
        settle(connection, EventKind.REJECT, NOW, recipient=recipient, detail="rendering")
        settle(connection, EventKind.SEND, NOW, recipient=recipient, message_id="m")
    assert account(database, mailing).rejected == 1


def test_a_released_recipient_is_sent_to_again_unless_an_event_comes_first(database: Database) -> None:
    mailing, recipient = claimed_and_lost(database)
    with database.begin() as connection:
        (row,) = uncertain(connection, mailing.id)
        assert (row.recipient, row.reason) == (recipient, "sender-died")
        assert Doubtful(mailing, (row, replace(row, since=NOW))).young == 1
        assert release_uncertain(connection, mailing.id, uncertain(connection, mailing.id)) == 1
        assert release_uncertain(connection, mailing.id, uncertain(connection, mailing.id)) == 0
    assert account(database, mailing).pending == 1
    with database.begin() as connection:
        assert settle(connection, EventKind.SEND, NOW, recipient=recipient, message_id="m").changed
    assert opened(database, mailing).record_and_claim([], 1, 9).claims == ()


def test_two_message_ids_for_one_recipient_trip_the_wire_unless_released(database: Database) -> None:
    mailing, recipient = claimed_and_lost(database)
    with database.begin() as connection:
        for message_id in ("m-1", "m-2", "m-2", "m-1"):
            settle(connection, EventKind.SEND, NOW, recipient=recipient, message_id=message_id)
        assert [t.name for t in after_the_fact(connection, mailing)] == ["reached-twice", "more-sends-than-recipients"]
        assert before_sending(connection, mailing, Account())
        connection.execute(update(recipients).values(released=1))
        assert after_the_fact(connection, mailing) == []


def test_a_ledger_from_before_the_sending_trips_the_wire(database: Database) -> None:
    add_people(database, 2)
    first = frozen(database)
    ledger = opened(database, first)
    ledger.record_and_claim(outcomes(ledger.record_and_claim([], 2, 1).claims, submitted("m")))
    with database.begin() as connection:
        mailings.write_operator(connection, first.id, "cancelled")
    with pytest.raises(UsageError, match="has not changed since it was cancelled"):
        frozen(database, make_letter(), correction=True)
    again = frozen(database, make_letter(digest="sha256:" + "cd" * 32), correction=True)
    with database.begin() as connection:  # the same edition after all
        connection.execute(update(mailings_table).where(mailings_table.c.id == again.id).values(digest=DIGEST))
    with database.connect() as connection:
        again = mailings.by_id(connection, again.id)
        (tripped,) = before_sending(connection, again, mailings.account(connection, again.id))
    assert (tripped.name, tripped.issue) == ("reached-twice", SLUG)


def test_the_newest_mailing_and_its_letter_come_back(database: Database) -> None:
    letter = make_letter(title="{{ }} 标题")
    mailing = frozen(database, letter)
    with database.connect() as connection:
        assert mailings.letter_of(connection, mailing.id) == letter
        assert mailings.every_newest(connection) == [mailing]
    assert mailing.digest == DIGEST


def test_the_moment_at_which_a_mailing_was_done_stays_however_often_it_is_finished(database: Database) -> None:
    add_people(database, 1)
    mailing = frozen(database)
    moments = set()
    for _ in range(2):
        with database.begin() as connection:
            mailings.finish(connection, mailing.id)
            moments.add(mailings.by_id(connection, mailing.id).finished_at)
    assert len(moments) == 1
    assert None not in moments


STATES = [
    (None, "going", False, MailingState.NEW),
    (Account(pending=2, excluded=1), "going", False, MailingState.PENDING),
    (Account(pending=2), "going", True, MailingState.SENDING),
    (Account(pending=1, submitted=1), "going", False, MailingState.STOPPED),
    (Account(pending=1, submitted=1), "paused", False, MailingState.PAUSED),
    (Account(pending=1, submitted=1), "cancelled", False, MailingState.CANCELLED),
    (Account(claimed=1, submitted=1), "going", False, MailingState.STOPPED),
    (Account(uncertain=1, submitted=1), "going", False, MailingState.UNCERTAIN),
    (Account(submitted=1, rejected=1, excluded=1), "going", False, MailingState.DONE),
    (Account(excluded=1), "going", False, MailingState.DONE),
    (Account(), "going", False, MailingState.DONE),
]


@pytest.mark.parametrize(("counts", "operator", "at_work", "state"), STATES)
def test_the_state_follows_from_the_account(
    counts: Account | None, operator: str, at_work: bool, state: MailingState
) -> None:
    assert mailing_state(counts, operator, at_work=at_work) is state


@pytest.mark.postgres
def test_machines_share_one_pace(postgres_url: str, config: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from publisher.database import open_database

    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)  # type: ignore[arg-type]
    one, two = (pace_of(database, FakeTransport(), 100) for _ in range(2))
    waits = Counter({"one": one.take(50), "two": two.take(50)})
    assert 0 < waits["one"] <= 0.5  # 50 of 100 a second, less the time that has passed
    assert waits["one"] < waits["two"] <= 1.0
    one.throttled()
    two.throttled()  # within a second: says nothing new
    two.give_back(1)
    assert 80 <= two.rate < 100
    two.limit(40)
    one.take(0)
    assert one.rate == 40
    database.close()
