"""``deliver_at``: each reader gets the issue once, at that time of their own day, whatever happens to senders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery import mailings, worker
from publisher.delivery.freeze import freeze, preview
from publisher.delivery.ledger import Ledger
from publisher.delivery.local_time import LocalTime
from publisher.delivery.send import Options, Sent, dry_run, send
from publisher.delivery.states import Account, Ending, MailingState, Operator, RecipientState, mailing_state
from publisher.delivery.status import explain
from publisher.delivery.tables import recipients
from publisher.delivery.tripwires import free_held
from publisher.errors import UsageError
from publisher.providers import open_provider
from tests.delivery.world import SLUG, add_people, add_person, make_letter

DAY = date(2026, 12, 1)
LOCAL = LocalTime(DAY, time(8), ZoneInfo("Asia/Shanghai"), timedelta(hours=24))
ZONES = {"Asia/Tokyo": 23, None: 24, "Europe/Berlin": 31, "America/New_York": 37}
"""Of readers, and at which hour UTC, counted from the evening before, it is eight o'clock there."""
CHANGED = make_letter(digest="sha256:" + "cd" * 32)


def at(hour: float) -> datetime:
    """An hour UTC of the day before the issue's: 24 is the midnight that begins it."""
    return datetime(2026, 11, 30, tzinfo=UTC) + timedelta(hours=hour)


def people(database: Database) -> None:
    for number, zone in enumerate(ZONES):
        add_person(database, number, timezone=zone)


def run(config: Config, database: Database, hour: float, letter: Any = None, **options: Any) -> Sent:
    options = {"local": LOCAL, "now": at(hour), **options}
    return send(config, database, letter or make_letter(), Options(**options))


def counts(sent: Sent) -> tuple[str, int, int, int]:
    account = sent.account
    assert account.audience == sent.mailing.audience
    return sent.ending.value, account.submitted, account.waiting, sent.exit_status


@given(st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})), st.data())
def test_a_local_time_is_the_first_moment_at_which_the_clocks_have_come_so_far(name: str, data: st.DataObject) -> None:
    zone = ZoneInfo(name)
    offset = lambda moment: moment.astimezone(zone).utcoffset()  # noqa: E731
    start = datetime(data.draw(st.integers(1975, 2037)), 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(366 * 24)]
    changes = [one for one, two in zip(hours[::6], hours[6::6], strict=False) if offset(one) != offset(two)]
    around = data.draw(st.sampled_from(changes)) if changes else start + timedelta(days=data.draw(st.integers(0, 360)))
    wanted = around.astimezone(zone).replace(tzinfo=None) + timedelta(minutes=data.draw(st.integers(-300, 900)))
    wanted = wanted.replace(second=0)
    found = LocalTime(wanted.date(), wanted.time(), zone, timedelta(days=1)).instant()
    wall = lambda moment: moment.astimezone(zone).replace(tzinfo=None)  # noqa: E731
    assert wall(found) >= wanted
    earlier = (found - timedelta(seconds=second) for second in (1, 60, 1800, 3600, 7200, 26 * 3600))
    assert all(wall(moment) < wanted for moment in earlier)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "expected"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:00:00+00:00"),  # a gap: 03:00 is the first
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00"),  # an overlap: the first
        ("Pacific/Apia", date(2011, 12, 30), time(8), "2011-12-30T10:00:00+00:00"),  # a day that was not
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:30:00+00:00"),  # half an hour
        ("Nowhere/Atall", date(2026, 7, 1), time(8), "2026-07-01T00:00:00+00:00"),  # the newsletter's
    ],
)
def test_gaps_overlaps_and_unknown_zones(zone: str, day: date, clock: time, expected: str) -> None:
    assert replace(LOCAL, day=day, at=clock).instant(zone).isoformat() == expected


def test_each_reader_gets_it_when_it_is_eight_o_clock_with_them(config: Config, database: Database) -> None:
    people(database)
    sent = run(config, database, 18)
    assert counts(sent) == ("waiting", 0, 4, 0)
    assert sent.account.next_at == at(23)
    assert explain(sent, open_provider(config)) == ("4 wait until 2026-11-30 23:00 UTC or later", None)
    assert mailing_state(sent.account, sent.mailing.operator) is MailingState.WAITING
    done = {hour: counts(run(config, database, hour))[1:3] for hour in (22.9, 23, 23.5, 24, 30.9, 31, 36.9)}
    assert done == {22.9: (0, 4), 23: (1, 3), 23.5: (1, 3), 24: (2, 2), 30.9: (2, 2), 31: (3, 1), 36.9: (3, 1)}
    sent = run(config, database, 37)
    assert counts(sent) == ("done", 4, 0, 0)
    assert sent.mailing.finished_at is not None
    assert len(list((config.root / "outbox" / SLUG).glob("*.eml"))) == 4


def test_a_run_that_finds_everybody_waiting_asks_no_provider_and_leaves_no_trace(
    config: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(database)
    run(config, database, 18)
    monkeypatch.setattr("publisher.delivery.send.open_transport", lambda _config: pytest.fail("a provider was asked"))
    with database.connect() as connection:
        runs = mailings.runs(connection)
    assert counts(run(config, database, 19)) == ("waiting", 0, 4, 0)
    with database.connect() as connection:
        assert mailings.runs(connection) == runs


def test_a_reader_who_moves_after_the_freeze_keeps_the_frozen_moment(config: Config, database: Database) -> None:
    people(database)
    run(config, database, 18)
    with database.begin() as connection:
        connection.execute(update(subscribers).values(timezone="Pacific/Kiritimati"))
    assert counts(run(config, database, 23)) == ("waiting", 1, 3, 0)


def test_whose_time_passed_gets_it_at_once_or_is_expired(config: Config, database: Database) -> None:
    people(database)
    with database.connect() as connection:
        assert preview(connection, SLUG, None, LOCAL, now=at(47.5)) == ([3], {"expired": 1})
    sent = run(config, database, 47.5)
    assert counts(sent) == ("done", 3, 0, 0)
    assert sent.account.excluded_by_reason == {"expired": 1}


def test_who_waited_while_nothing_ran_is_expired_where_the_time_passed_too_long_ago(
    config: Config, database: Database
) -> None:
    people(database)
    assert counts(run(config, database, 23)) == ("waiting", 1, 3, 0)
    sent = run(config, database, 55.5)  # Shanghai passed 31.5 hours ago, Berlin 24.5, New York 18.5
    assert counts(sent) == ("done", 2, 0, 0)
    assert sent.account.excluded_by_reason == {"expired": 2}


def test_a_mailing_held_up_by_a_quota_expires_for_nobody_whose_time_it_met(config: Config, database: Database) -> None:
    people(database)
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), None, LOCAL, now=at(24))
    ledger = Ledger(database, mailing, expires_after=timedelta(hours=24), now=at(24))
    assert ledger.pending() == (2, 0)
    assert run(config, database, 60).account.excluded_by_reason == {"expired": 1}  # Berlin, which nobody met


def test_a_correction_reaches_the_pending_and_nobody_who_had_it(config: Config, database: Database) -> None:
    people(database)
    run(config, database, 24)
    add_person(database, 9)
    with pytest.raises(UsageError, match="being sent as"):
        run(config, database, 25, CHANGED)
    options = Options(local=replace(LOCAL, at=time(9)), correction=True, now=at(25))
    assert dry_run(database, CHANGED, options).recipients == 2
    sent = run(config, database, 25, CHANGED, correction=True)
    assert counts(sent) == ("waiting", 0, 2, 0)
    assert sent.account.excluded_by_reason == {"reached": 2, "segment": 1}
    assert sent.account.next_at == at(31)  # the moments stay as they were frozen
    with database.connect() as connection:
        first = mailings.account(connection, sent.mailing.id - 1)
        query = select(recipients.c.reference).where(recipients.c.state == RecipientState.SUBMITTED)
        had = list(connection.execute(query).scalars())
    assert (first.audience, first.submitted, first.pending) == (4, 2, 0)
    assert first.excluded_by_reason == {"corrected": 2}
    sent = run(config, database, 37, CHANGED, correction=True)
    assert counts(sent) == ("done", 2, 0, 0)
    with database.connect() as connection:
        all_ = list(connection.execute(query).scalars())
    assert len(all_) == len(set(all_)) == 4
    assert set(had) < set(all_)
    again = make_letter(digest="sha256:" + "ef" * 32)
    assert run(config, database, 38, again, correction=True).account.submitted == 5  # finished: now it is for everybody


def test_a_correction_waits_for_what_is_in_flight(config: Config, database: Database) -> None:
    people(database)
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), None, LOCAL, now=at(24))
    ledger = Ledger(database, mailing, now=at(24))
    ledger.open()
    ledger.pending()
    assert len(ledger.record_and_claim([], 1, 1).claims) == 1
    with pytest.raises(UsageError, match="still being sent"), database.begin() as connection:
        freeze(connection, CHANGED, None, LOCAL, correction=True, now=at(24))


def test_pause_and_cancel_hold_for_who_waits(config: Config, database: Database) -> None:
    people(database)
    run(config, database, 18)
    mailings.set_operator(database, SLUG, Operator.PAUSED)
    assert counts(run(config, database, 23)) == ("operator", 0, 3, 1)
    mailings.set_operator(database, SLUG, Operator.GOING)
    assert counts(run(config, database, 23)) == ("waiting", 1, 3, 0)
    mailings.set_operator(database, SLUG, Operator.CANCELLED)
    sent = run(config, database, 31)
    assert counts(sent) == ("waiting", 2, 1, 0)  # to those not reached: Shanghai and Berlin
    assert sent.account.excluded_by_reason == {"reached": 1}


def test_who_waits_is_held_with_the_receiver_and_waits_on_when_that_is_over(database: Database) -> None:
    people(database)
    r = recipients.c
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), None, LOCAL, now=at(24))
        connection.execute(update(recipients).values(held=1))
        connection.execute(
            text("INSERT INTO receiver_tallies VALUES (:mailing, 'Yahoo', 0, 99, 4)"), {"mailing": mailing.id}
        )
        far = datetime.now(UTC) + timedelta(days=900)
        connection.execute(update(recipients).where(r.number > 2).values(not_before=far))
        connection.execute(update(recipients).where(r.number <= 2).values(not_before=datetime(2020, 1, 1, tzinfo=UTC)))
        free_held(connection, mailing.id)
        held = list(connection.execute(select(r.held).order_by(r.number)).scalars())
    assert held == [0, 0, 2, 2]


def test_a_worker_wakes_for_mailings_in_which_somebody_is_due(database: Database) -> None:
    people(database)
    soon = LocalTime(datetime.now(UTC).date() + timedelta(days=3), time(8), ZoneInfo("UTC"), timedelta(hours=24))
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), None, soon)
    assert worker._waiting(database) == []
    with database.begin() as connection:
        due = update(recipients).where(recipients.c.number == 1)
        connection.execute(due.values(not_before=datetime.now(UTC) - timedelta(minutes=1)))
    assert worker._waiting(database) == [mailing.id]


def test_a_claim_looks_at_nobody_who_waits(database: Database) -> None:
    add_people(database, 3000)
    with database.begin() as connection:
        connection.execute(update(subscribers).where(subscribers.c.id > 10).values(timezone="America/New_York"))
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), None, LOCAL, now=at(24))
    ledger = Ledger(database, mailing, now=at(24))
    ledger.open()
    assert ledger.pending()[0] == 10
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
        where = "FROM recipients WHERE mailing_id = 1 AND state = 'pending' AND held = 0 AND attempts < 1"
        query = f"SELECT number {where} ORDER BY attempts, number LIMIT 50"
        if database.dialect == "sqlite":
            plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
            assert "ix_recipients_pending (mailing_id=? AND held=? AND attempts<?)" in plan[0]
        else:
            shown = "\n".join(connection.execute(text(f"EXPLAIN (ANALYZE, BUFFERS) {query}")).scalars())
            assert "Rows Removed by Filter" not in shown
    assert len(ledger.record_and_claim([], 50, 1).claims) == 10


@pytest.mark.postgres
def test_two_senders_share_who_is_woken(config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    from publisher.database import open_database

    database = open_database(config)
    add_people(database, 400)
    with database.begin() as connection:
        mailing = freeze(connection, make_letter(), None, LOCAL, now=at(18))
    senders = [Ledger(database, mailing, now=at(24)) for _ in range(2)]
    claimed: list[int] = []
    for one in senders:
        one.open()
        one.wake()
    for turn in range(10):
        claimed += [claim.number for claim in senders[turn % 2].record_and_claim([], 50, 1).claims]
    assert sorted(claimed) == list(range(1, 401))
    database.close()


def test_the_account_of_who_waits_adds_up() -> None:
    account = Account(excluded=1, pending=5, submitted=2, waiting=3, next_at=at(24))
    assert (account.audience, account.due, account.left) == (8, 2, 5)
    assert mailing_state(account) is MailingState.STOPPED
    assert mailing_state(replace(account, waiting=5)) is MailingState.WAITING
    assert mailing_state(replace(account, waiting=5), Operator.PAUSED) is MailingState.PAUSED
    assert Ending.WAITING.value == "waiting"
