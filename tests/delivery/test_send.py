"""A whole run: freeze, drain, stop, resume, account. Through real HTTP to a stub of SES, or into a folder."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from publisher.audience.segments import segment_clause
from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery import mailings, pace, sender, tables
from publisher.delivery.freeze import freeze
from publisher.delivery.lock import is_held, lock_path, mailing_lock
from publisher.delivery.mailings import set_operator
from publisher.delivery.send import Options, Sent, dry_run, send, send_test
from publisher.delivery.sender import Interrupt, SendProgress
from publisher.delivery.states import Account, Ending
from publisher.delivery.status import explain
from publisher.delivery.tables import recipients
from publisher.errors import DatabaseError, TransportError, UsageError
from publisher.providers.ses import Ses
from tests.delivery.world import SLUG, add_people, add_person, make_config, make_letter
from tests.stubs.ses import BEFORE, SesServer

SES = Ses(make_config(Path(), "ses"))

Stub = Callable[..., SesServer]


@pytest.fixture
def through_ses(tmp_path: Path) -> Config:
    return make_config(tmp_path, "ses")


def run(config: Config, database: Database, **options: Any) -> Sent:
    return send(config, database, make_letter(), Options(**options))


def once(happens: Callable[[], bool], act: Callable[[], object]) -> Callable[[object], None]:
    """An observer that acts as soon as something has happened, for a minute at most."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while not happens() and time.monotonic() < deadline:
            time.sleep(0.02)
        act()

    return lambda _started: threading.Thread(target=wait).start()


def _of_topic(topic: str) -> Options:
    return Options(segment=segment_clause(f"topic:{topic}", "zh-CN"))


def test_an_audience_that_leaves_out_everybody_is_reported_and_does_not_use_the_issue_up(
    config: Config, database: Database
) -> None:
    for number in range(3):
        add_person(database, number, topics=["ai"] if number else [])
    add_person(database, 3, state="unsubscribed")
    nobody = send(config, database, make_letter(), _of_topic("typo"))
    (tripped,) = nobody.tripped
    assert (tripped.name, nobody.exit_status, nobody.account.recipients) == ("nobody", 0, 0)
    assert "leaves out all 3 subscribers" in tripped.message
    assert "@" not in tripped.message + tripped.help
    corrected = send(config, database, make_letter(), _of_topic("ai"))
    assert (corrected.account.submitted, corrected.account.excluded, corrected.tripped) == (2, 2, ())
    # Whoever the audience left out of a mailing that reached somebody stays left out.
    for options in (_of_topic("ai"), Options()):
        again = send(config, database, make_letter(), options)
        assert (again.mailing.id, again.account) == (corrected.mailing.id, corrected.account)


def test_an_issue_sent_before_anybody_confirmed_is_reported_and_mailed_later(
    config: Config, database: Database
) -> None:
    add_person(database, 0, state="pending")
    add_person(database, 1, state="unsubscribed")
    (tripped,) = run(config, database).tripped
    assert (tripped.name, tripped.message) == ("nobody", f"{SLUG} went to nobody: 1 subscriber has not confirmed yet")
    with database.begin() as connection:
        connection.execute(update(subscribers).where(subscribers.c.state == "pending").values(state="confirmed"))
    later = run(config, database)
    assert (later.account.submitted, later.tripped) == (1, ())
    assert run(config, database).mailing.id == later.mailing.id


def test_where_an_earlier_mailing_reached_the_audience_nobody_else_is_mailed(
    config: Config, database: Database
) -> None:
    for number in range(3):
        add_person(database, number, topics=["ai"])
    add_person(database, 9)
    assert send(config, database, make_letter(), _of_topic("ai")).account.submitted == 3
    with database.begin() as connection:
        connection.execute(update(tables.mailings).values(operator="cancelled"))
    rest = send(config, database, make_letter(), _of_topic("ai"))
    assert (rest.account.excluded_by_reason, rest.tripped) == ({"reached": 3, "segment": 1}, ())
    assert run(config, database).mailing.id == rest.mailing.id


def test_a_second_send_sends_nothing_twice(config: Config, sqlite: Database, tmp_path: Path) -> None:
    add_people(sqlite, 7)
    first = run(config, sqlite)
    files = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "outbox" / SLUG).iterdir()}
    second = run(config, sqlite)
    assert (first.ending, first.exit_status, second.ending) == (Ending.DONE, 0, Ending.DONE)
    assert first.account.submitted == len(files) == 7
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "outbox" / SLUG).iterdir()} == files
    assert sorted(files) == sorted(f"{first.mailing.reference}-{n}.eml" for n in range(1, 8))


def test_a_mailing_whose_last_run_died_before_it_said_so_is_finished_by_the_next(
    config: Config, database: Database
) -> None:
    add_people(database, 2)

    def die(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE mailings SET note"):
            raise SystemExit

    event.listen(database.engine, "before_cursor_execute", die)
    with pytest.raises(SystemExit):
        run(config, database)
    event.remove(database.engine, "before_cursor_execute", die)
    changed = make_letter(digest="sha256:" + "cd" * 32)
    with pytest.raises(UsageError, match="still being sent") as told:
        send(config, database, changed, Options(correction=True))
    assert f"publisher send {SLUG}" in str(told.value.help)
    assert run(config, database).mailing.finished_at
    assert send(config, database, changed, Options(correction=True)).account.submitted == 2


def test_an_audience_of_nobody_is_done(config: Config, sqlite: Database) -> None:
    sent = run(config, sqlite)
    assert (sent.exit_status, sent.account.audience) == (0, 0)


def test_an_issue_sent_to_nobody_is_not_used_up(config: Config, sqlite: Database) -> None:
    run(config, sqlite)
    add_people(sqlite, 2)
    assert [run(config, sqlite).account.submitted for _ in range(2)] == [2, 2]
    with sqlite.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.mailings)).scalar_one() == 2


def test_a_dry_run_counts_and_writes_nothing(config: Config, sqlite: Database, tmp_path: Path) -> None:
    add_people(sqlite, 3)
    assert dry_run(sqlite, make_letter()).recipients == 3
    assert not (tmp_path / "outbox").exists()
    with sqlite.connect() as connection:
        assert mailings.newest(connection, SLUG) is None


def test_a_test_is_marked_and_touches_no_ledger(config: Config, sqlite: Database, tmp_path: Path) -> None:
    assert send_test(config, make_letter(), ["editor@example.com", "editor@example.com", "no address"]) == [
        (3, "unusable-address")
    ]
    files = list((tmp_path / "outbox" / SLUG).glob("*.eml"))
    assert len(files) == 2
    import email
    import email.policy

    message = email.message_from_bytes(files[0].read_bytes(), policy=email.policy.default)
    assert message["subject"] == "[test] AI 周报|第一条;第二条"
    with sqlite.connect() as connection:
        assert mailings.newest(connection, SLUG) is None


def test_everybody_gets_one_message_from_ses(ses: Stub, through_ses: Config, sqlite: Database) -> None:
    server = ses()
    add_people(sqlite, 230)
    sent = run(through_ses, sqlite)
    assert (sent.account.submitted, sent.exit_status) == (230, 0)
    summary = server.account.summary()
    assert (summary["accepted"], summary["most"], summary["rendering_failures"]) == (230, 1, 0)
    assert summary["calls"] <= 6


def test_one_by_one_where_bulk_is_switched_off(ses: Stub, tmp_path: Path, sqlite: Database) -> None:
    server = ses()
    add_people(sqlite, 9)
    assert run(make_config(tmp_path, "ses", bulk=False), sqlite).account.submitted == 9
    assert server.account.calls == 9


def test_faults_before_acceptance_lose_and_double_nobody(
    ses: Stub, through_ses: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.01)
    server = ses(faults={"429-before": 0.2}, entry_faults={"TRANSIENT_FAILURE": 0.1, "ACCOUNT_THROTTLED": 0.05})
    add_people(sqlite, 400)
    sent = run(through_ses, sqlite)
    assert sent.account.submitted == server.account.summary()["distinct"] == len(server.account.accepted) == 400


@pytest.mark.parametrize("fault", ["reset", "close", "500", "503", "truncated", "empty", "short", "timeout"])
def test_an_answer_lost_after_acceptance_is_never_sent_again_by_itself(
    ses: Stub, through_ses: Config, sqlite: Database, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.providers.ses.transport.READ_SECONDS", 0.3)
    server = ses(faults={f"{fault}-after": 1.0}, hang=0.6)
    add_people(sqlite, 60)
    for _ in range(2):
        sent = run(through_ses, sqlite)
        assert (sent.account.uncertain, sent.account.submitted, sent.exit_status) == (60, 0, 1)
    assert server.account.summary()["most"] == 1
    assert "publisher reconcile" in str(explain(sent, SES)[1])


@pytest.mark.parametrize(
    ("account", "says", "does"),
    [
        (Account(submitted=3, claimed=2), "2 are claimed by another sender", f"publisher send {SLUG} in two minutes"),
        (
            Account(submitted=3, rejected=1),
            "1 was rejected",
            f"publisher subscribers list --of {SLUG} --state rejected",
        ),
    ],
    ids=["claimed", "rejected"],
)
def test_who_is_not_submitted_is_reported_with_the_command_to_run(
    config: Config, sqlite: Database, account: Account, says: str, does: str
) -> None:
    add_people(sqlite, 1)
    sent = replace(run(config, sqlite), account=account)
    message, action = explain(sent, SES)
    assert (sent.exit_status, says in message, does in str(action)) == (1, True, True), (message, action)


@pytest.mark.parametrize("fault", [f for f in BEFORE if f != "429-before"])
def test_a_lost_connection_is_uncertain_though_nothing_was_accepted(
    ses: Stub, through_ses: Config, sqlite: Database, fault: str
) -> None:
    server = ses(faults={fault: 1.0})
    add_people(sqlite, 5)
    assert run(through_ses, sqlite).account.uncertain == 5
    assert server.account.accepted == []


REFUSALS = [
    ({"status": 400, "code": "MessageRejected", "message": "Email address is not verified."}, "not verified", 2),
    ({"status": 404, "code": "NotFoundException", "message": "Configuration set"}, "configuration set", 2),
    ({"status": 400, "code": "AccountSuspendedException"}, "suspended", 2),
    ({"status": 400, "code": "MailFromDomainNotVerifiedException"}, "MAIL FROM", 2),
    ({"status": 403, "code": "ExpiredTokenException"}, "expired", 2),
    ({"status": 400, "code": "BadRequestException"}, "refuses", 2),
    ({"status": 400, "code": "SendingPausedException"}, "paused", 1),
    ({"status": 429, "code": "TooManyRequestsException", "message": "Daily message quota exceeded."}, "daily quota", 1),
]


@pytest.mark.parametrize(("refusal", "words", "status"), REFUSALS, ids=lambda v: str(v)[:45])
def test_a_refusal_of_everything_stops_the_run_and_the_next_carries_on(
    ses: Stub, through_ses: Config, sqlite: Database, refusal: dict[str, Any], words: str, status: int
) -> None:
    server = ses(refuse=refusal)
    add_people(sqlite, 70)
    stopped = run(through_ses, sqlite)
    message, action = explain(stopped, SES)
    assert words in message
    assert f"publisher send {SLUG}" in str(action)
    assert (stopped.exit_status, stopped.account.pending) == (status, 70)
    server.account.change({"refuse": {}})
    assert run(through_ses, sqlite).account.submitted == 70
    assert server.account.summary()["most"] == 1


@pytest.mark.parametrize(
    ("settings", "ending", "words", "status"),
    [
        ({"sending_enabled": False}, Ending.ACCOUNT_PAUSED, "paused", 1),
        ({"sending_enabled": False, "enforcement": "SHUTDOWN"}, Ending.PROVIDER, "shut down", 2),
        ({"daily": 100, "sent": 100}, Ending.DAILY_QUOTA, "daily quota", 1),
        ({"daily": 100, "sent": 80}, Ending.DAILY_QUOTA, "daily quota", 1),
        ({"production": False, "only_to": ["x@example.com"]}, Ending.PROVIDER, "sandbox", 2),
    ],
)
def test_each_state_of_the_account_has_its_own_message_and_a_resumable_stop(
    ses: Stub, through_ses: Config, sqlite: Database, settings: dict[str, Any], ending: Ending, words: str, status: int
) -> None:
    server = ses(**settings)
    add_people(sqlite, 60)
    stopped = run(through_ses, sqlite)
    assert (stopped.ending, stopped.exit_status) == (ending, status)
    assert words in explain(stopped, SES)[0]
    server.account.change(
        {"sending_enabled": True, "enforcement": "HEALTHY", "daily": -1, "only_to": [], "production": True}
    )
    assert run(through_ses, sqlite).account.submitted == 60
    assert server.account.summary()["most"] == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredTokenException", "expired"),
        ("UnrecognizedClientException", "refuses the credentials"),
        ("AccessDeniedException", "may not read"),
        ("RequestExpired", "clock"),
        ("TooManyRequestsException", "throttles GetAccount"),
    ],
)
def test_an_account_that_cannot_be_asked_freezes_nothing(
    ses: Stub, through_ses: Config, sqlite: Database, code: str, words: str
) -> None:
    ses(refuse_account={"status": 403, "code": code})
    add_people(sqlite, 3)
    with pytest.raises(TransportError, match=words) as failure:
        run(through_ses, sqlite)
    assert failure.value.help
    with sqlite.connect() as connection:
        assert mailings.newest(connection, SLUG) is None


def test_without_a_network_nothing_is_frozen(
    through_ses: Config, sqlite: Database, ses: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ses()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:9")
    add_people(sqlite, 3)
    with pytest.raises(TransportError, match="cannot be reached") as failure:
        run(through_ses, sqlite)
    assert "region" in str(failure.value.help)


def test_a_network_that_goes_away_ends_the_run_with_everybody_pending(
    through_ses: Config, sqlite: Database, ses: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.01)
    server = ses()
    add_people(sqlite, 120)

    def gone(_started: object) -> None:
        server.shutdown()
        server.server_close()

    sent = run(through_ses, sqlite, started=gone)
    assert (sent.ending, sent.exit_status, sent.account.pending) == (Ending.UNREACHABLE, 2, 120)
    assert "network" in str(explain(sent, SES)[1])


def test_who_fails_in_every_round_is_left_for_the_next_run(
    ses: Stub, through_ses: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.001)
    server = ses(entry_faults={"TRANSIENT_FAILURE": 1.0})
    add_people(sqlite, 4)
    sent = run(through_ses, sqlite)
    assert (sent.ending, sent.exit_status, sent.account.pending) == (Ending.LEFT, 1, 4)
    assert server.account.offered == 4 * pace.ROUNDS
    server.account.change({"entry_faults": {}})
    assert run(through_ses, sqlite).account.submitted == 4


@pytest.mark.parametrize("status", ["MESSAGE_REJECTED", "INVALID_PARAMETER"])
def test_who_is_refused_for_good_is_rejected(ses: Stub, through_ses: Config, sqlite: Database, status: str) -> None:
    ses(entry_faults={status: 1.0})
    add_people(sqlite, 4)
    sent = run(through_ses, sqlite)
    assert (sent.ending, sent.exit_status, sent.account.rejected) == (Ending.DONE, 1, 4)


def test_an_interrupt_finishes_what_is_in_flight_and_the_next_run_carries_on(
    ses: Stub, through_ses: Config, sqlite: Database
) -> None:
    server = ses(latency=0.1, rate=1000)
    add_people(sqlite, 800)
    interrupt = Interrupt()

    def once_something_left(progress: SendProgress) -> None:
        if progress.submitted and not interrupt.count:
            interrupt.request()

    sent = run(through_ses, sqlite, interrupt=interrupt, progress=once_something_left)
    assert (sent.ending, sent.exit_status) == (Ending.INTERRUPTED, 1)
    assert (sent.account.claimed, sent.account.uncertain) == (0, 0)
    assert 0 < sent.account.submitted == len(server.account.accepted) < 800
    server.account.change({"rate": 0, "latency": 0})
    assert run(through_ses, sqlite).account.submitted == 800
    assert server.account.summary()["most"] == 1


def test_a_second_interrupt_does_not_wait_and_leaves_what_is_in_flight_uncertain(
    ses: Stub, through_ses: Config, sqlite: Database
) -> None:
    server = ses(latency=1.5)
    add_people(sqlite, 100)
    interrupt = Interrupt()

    def twice() -> None:
        interrupt.request()
        time.sleep(0.1)
        interrupt.request()

    started = once(lambda: server.account.arrived == 2, twice)
    sent = run(through_ses, sqlite, interrupt=interrupt, started=started)
    assert server.account.accepted == []  # it did not wait for the answers
    assert (sent.account.uncertain, sent.account.claimed) == (100, 0)
    server.account.change({"latency": 0})


def test_pause_and_cancel_reach_a_sender_at_work(ses: Stub, through_ses: Config, sqlite: Database) -> None:
    server = ses(rate=400)
    add_people(sqlite, 600)
    pause = once(lambda: len(server.account.accepted) > 0, lambda: set_operator(sqlite, SLUG, "paused"))
    paused = run(through_ses, sqlite, started=pause)
    assert (paused.ending, paused.exit_status) == (Ending.OPERATOR, 1)
    assert 0 < paused.account.submitted < 600
    assert "resume" in str(explain(paused, SES)[1])
    assert run(through_ses, sqlite).account.submitted == paused.account.submitted
    set_operator(sqlite, SLUG, "cancelled")
    with pytest.raises(UsageError, match="cancelled for good"):
        set_operator(sqlite, SLUG, "going")


def test_a_tripwire_stops_a_run_and_says_so(config: Config, sqlite: Database) -> None:
    add_people(sqlite, 2)
    with sqlite.begin() as connection:
        freeze(connection, make_letter())
        connection.execute(update(recipients).where(recipients.c.number == 1).values(message_id="m"))
    stopped = run(config, sqlite)
    assert (stopped.ending, [one.name for one in stopped.tripped]) == (Ending.OPERATOR, ["reached-twice"])
    assert explain(stopped, SES) == (f"a tripwire stopped {SLUG}; 2 recipients are left", None)


def test_a_tripwire_that_goes_on_stopping_a_mailing_is_reported_to_the_webhook_once(
    config: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker tries again each minute."""
    add_people(sqlite, 2)
    with sqlite.begin() as connection:
        freeze(connection, make_letter())
        connection.execute(update(recipients).where(recipients.c.number == 1).values(message_id="m"))
    monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", "http://127.0.0.1:1/")
    assert [len(run(config, sqlite).notes) for _ in range(2)] == [1, 1], "it could not be told, and is tried again"
    with socket.create_server(("127.0.0.1", 0)) as hook:
        monkeypatch.setenv("PUBLISHER_ALERTS_WEBHOOK", f"http://127.0.0.1:{hook.getsockname()[1]}/")
        told = threading.Thread(target=lambda: hook.accept()[0].sendall(b"HTTP/1.1 204 No Content\r\n\r\n"))
        told.start()
        assert [(len(one.tripped), one.notes) for one in (run(config, sqlite) for _ in range(3))] == [(1, ())] * 3
        told.join()
    assert run(config, sqlite, despite_tripwires=True).account.submitted == 2


def test_two_senders_never_share_one_sqlite_mailing(config: Config, sqlite: Database) -> None:
    import os

    with mailing_lock(sqlite, SLUG):
        assert is_held(sqlite, SLUG)
        with pytest.raises(DatabaseError, match=f"process {os.getpid()}"):
            run(config, sqlite)
    assert not is_held(sqlite, SLUG)
    assert run(config, sqlite).exit_status == 0


def test_a_lock_file_that_cannot_be_opened_is_one_message(config: Config, sqlite: Database) -> None:
    path = lock_path(sqlite.engine.url, SLUG)
    assert path is not None
    path.mkdir()
    with pytest.raises(DatabaseError, match=f"the lock file {path} cannot be opened: Is a directory"):
        run(config, sqlite)


def test_a_run_leaves_no_thread_behind(config: Config, sqlite: Database) -> None:
    add_people(sqlite, 3)
    before = set(threading.enumerate())
    assert run(config, sqlite).account.submitted == 3
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


def test_a_changed_edition_under_a_running_mailing_is_refused(config: Config, sqlite: Database) -> None:
    add_people(sqlite, 2)
    run(config, sqlite)
    with pytest.raises(UsageError, match="nobody is mailed again") as refusal:
        send(config, sqlite, make_letter(digest="sha256:" + "cd" * 32))
    assert "--correction" in str(refusal.value.help)
    corrected = send(config, sqlite, make_letter(digest="sha256:" + "cd" * 32), Options(correction=True))
    assert corrected.account.submitted == 2


def test_a_resumed_mailing_sends_what_was_frozen(config: Config, sqlite: Database, tmp_path: Path) -> None:
    from publisher.delivery.freeze import freeze

    add_people(sqlite, 1)
    with sqlite.begin() as connection:
        freeze(connection, make_letter(subject="as frozen"))
    run(config, sqlite)
    (file,) = (tmp_path / "outbox" / SLUG).iterdir()
    assert b"Subject: as frozen\r\n" in file.read_bytes()


def test_the_pace_follows_a_quota_that_falls_in_mid_mailing(
    ses: Stub, through_ses: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "QUOTA_AGAIN", 0.0)
    server = ses(rate=600)
    add_people(sqlite, 1000)
    steps: list[SendProgress] = []

    def fall(step: SendProgress) -> None:
        steps.append(step)
        if step.submitted > 300:
            server.account.change({"rate": 150})

    assert run(through_ses, sqlite, progress=fall).account.submitted == 1000
    assert server.account.summary()["most"] == 1
    assert server.account.throttled  # so it was asked again
    assert server.account.questions > 1
    assert steps[-1].pace <= 150


def test_a_spread_sends_no_faster(ses: Stub, through_ses: Config, sqlite: Database) -> None:
    from datetime import timedelta

    ses()
    add_people(sqlite, 60)
    began = time.monotonic()
    run(through_ses, sqlite, spread=timedelta(seconds=1.5))
    assert time.monotonic() - began > 1.2


def test_a_transport_that_raises_leaves_its_batch_uncertain(
    config: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from publisher.providers.folder import FolderTransport

    def broken(self: object, envelopes: object) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(FolderTransport, "submit", broken)
    add_people(sqlite, 3)
    sent = run(config, sqlite)
    assert (sent.ending, sent.exit_status, sent.account.uncertain) == (Ending.DEFECT, 2, 3)


def test_a_full_disk_stops_the_run_with_nothing_lost(
    config: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from publisher.providers.folder import FolderTransport

    add_people(sqlite, 120)
    submit = FolderTransport.submit
    most_pages = [2**30]
    event.listen(
        sqlite.engine, "begin", lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={most_pages[0]}"), insert=True
    )

    def fill(self: Any, envelopes: Any) -> Any:
        most_pages[0] = 1  # SQLite takes that for the pages there are: it can grow by none
        return submit(self, envelopes)

    monkeypatch.setattr(FolderTransport, "submit", fill)
    with pytest.raises(DatabaseError, match="full") as failure:
        run(config, sqlite)
    assert "free some space" in str(failure.value.help)
    monkeypatch.undo()
    most_pages[0] = 2**30
    account = run(config, sqlite).account
    assert account.submitted + account.uncertain == account.audience == 120
