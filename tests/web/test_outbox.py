"""Confirmation mail waits in the database: through slow providers, greylisting and kills, each reader gets one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import func, select, update

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.backup import back_up, restore
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.suppressions import Reason, erase, suppress
from publisher.audience.tables import confirmations, subscribers
from publisher.audience.tokens import Purpose, Tokens
from publisher.config import load_config
from publisher.config.model import Config, DeliveryConfig, SesTransport, SmtpConfig
from publisher.database import Database, open_database
from publisher.errors import TransportError
from publisher.mail.message import Envelope
from publisher.providers.outcomes import Verdict
from publisher.providers.provider import Quota
from publisher.testing import FakeTransport
from publisher.web import outbox
from publisher.web.confirmation import ConfirmationMailer, post
from publisher.web.readers import Readers, SubscribeRequest
from tests.audience.conftest import config, database
from tests.delivery.test_transports import Inbox, relay
from tests.stubs.postmark import TOKEN, PostmarkServer
from tests.stubs.ses import SesServer, Settings

__all__ = ["config", "database"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of a stub."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def ask(database: Database, people: int, language: str | None = None) -> None:
    readers = Readers(database)
    for number in range(people):
        assert readers.ask(SubscribeRequest(read_address(f"reader{number}@example.com"), "", language, ()), {})


def states(database: Database) -> dict[str, int]:
    with database.connect() as connection:
        rows = connection.execute(select(confirmations.c.state, func.count()).group_by(confirmations.c.state))
        return {str(state): int(number) for state, number in rows}


def postman(config: Config, database: Database) -> ConfirmationMailer:
    return ConfirmationMailer(config, Tokens.open(config), database)


def by_ses(config: Config) -> Config:
    return config.model_copy(update={"delivery": DeliveryConfig(transport="ses", ses=SesTransport(region="eu-west-1"))})


def later(database: Database, **by: float) -> None:
    """Let time pass: what was asked or is due moves into the past."""
    with database.begin() as connection:
        for table, names in ((confirmations, ("asked_at", "due_at")), (subscribers, ("asked_at",))):
            key = table.c.id
            for row in connection.execute(select(table)).mappings().all():
                moved = {name: row[name] - timedelta(**by) for name in names if row[name]}
                if moved:
                    connection.execute(update(table).where(key == row["id"]).values(moved))


def test_25_readers_under_a_slow_quota_get_one_each_and_the_quota_is_asked_for_once(
    database: Database, config: Config, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SesServer(Settings(rate=10, account_rate=1)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", server.url)
        ask(database, 20)
        ask_again = Readers(database)
        for number in range(20, 25):  # in another language: another letter, and no other question of SES
            wish = SubscribeRequest(read_address(f"reader{number}@example.com"), "", "en", ())
            assert ask_again.ask(wish, {})
        post(by_ses(config), database, 60)
        assert Counter(m.to for m in server.account.accepted) == {f"reader{i}@example.com": 1 for i in range(25)}
        assert server.account.questions == 1
    assert states(database) == {"submitted": 25}


def test_a_provider_that_takes_no_whole_messages_gets_each_reader_s_own_letter(
    database: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_POSTMARK_TOKEN", TOKEN)
    with PostmarkServer() as server:
        monkeypatch.setenv("PUBLISHER_POSTMARK_URL", server.url)
        ask(database, 1)
        assert Readers(database).ask(SubscribeRequest(read_address("wang@example.com"), "", "en", ()), {})
        post(config.model_copy(update={"delivery": DeliveryConfig(transport="postmark")}), database, 60)
        sent = {message["To"]: message for message in server.account.accepted}
    assert set(sent) == {"reader0@example.com", "wang@example.com"}
    assert len({message["Subject"] for message in sent.values()}) == 2
    assert all("/confirm/" in message["TextBody"] for message in sent.values())
    assert states(database) == {"submitted": 2}


class Greylist(Inbox):
    """Refuses everybody once."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 Greylisted, try again in five minutes"
        return await super().handle_RCPT(server, session, envelope, address, options)


def test_a_relay_that_greylists_gets_all_of_them_when_they_are_tried_again(
    database: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.delivery.test_transports.Inbox", Greylist)
    with relay() as (inbox, port):
        smtp = SmtpConfig(host="127.0.0.1", port=port)
        config = config.model_copy(update={"delivery": DeliveryConfig(transport="smtp", smtp=smtp)})
        ask(database, 12)
        post(config, database, 20)
        assert (len(inbox.messages), states(database)) == (0, {"pending": 12})
        post(config, database, 20)  # not due yet
        assert inbox.messages == []
        later(database, minutes=1)
        post(config, database, 20)
        assert Counter(to for to, _ in inbox.messages) == {f"reader{i}@example.com": 1 for i in range(12)}
    assert states(database) == {"submitted": 12}


def scripted(*answers: Verdict | type[BaseException]) -> FakeTransport:
    """A transport that answers these, or dies of them, and then accepts."""
    left = iter(answers)

    def answer(_envelope: Envelope) -> Verdict:
        said = next(left, Verdict.SUBMITTED)
        if not isinstance(said, Verdict):
            raise said
        return said

    return FakeTransport(answer, most=1)


def test_what_may_have_left_before_a_crash_is_sent_again_only_when_the_reader_asks(
    database: Database, config: Config
) -> None:
    transport = scripted(KeyboardInterrupt)  # as good as killed: nothing after the submission is recorded
    ask(database, 1)
    with pytest.raises(KeyboardInterrupt):
        post(config, database, 20, transport)
    assert states(database) == {"claimed": 1}
    later(database, minutes=20)
    post(config, database, 20, transport)
    assert (len(transport.seen), states(database)) == (1, {"uncertain": 1})
    ask(database, 1)
    post(config, database, 20, transport)
    assert (len(transport.seen), states(database)) == (2, {"uncertain": 1, "submitted": 1})


@pytest.mark.parametrize(
    ("verdict", "state", "sent"),
    [
        (Verdict.REJECTED, "rejected", 1),
        (Verdict.UNCERTAIN, "uncertain", 1),
        (Verdict.RETRY, "pending", 1),
        (Verdict.REFUSED, "pending", 1),
        (Verdict.LATER, "pending", 1),
        (Verdict.STOP, "pending", 1),
        (Verdict.THROTTLED, "submitted", 2),  # waited for in place
    ],
)
def test_what_becomes_of_a_question_by_what_the_provider_says(
    database: Database, config: Config, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, state: str, sent: int
) -> None:
    monkeypatch.setattr("publisher.web.confirmation.pause", lambda _: 0.01)
    transport = scripted(verdict)
    ask(database, 1)
    post(config, database, 20, transport)
    assert (states(database), len(transport.seen)) == ({state: 1}, sent)


def test_a_transport_is_closed_where_the_account_may_not_send_and_where_the_mailer_ends(
    database: Database, config: Config
) -> None:
    class Counted(FakeTransport):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    paused, sending = Counted(quota=Quota(paused=True)), Counted()
    ask(database, 1)
    with pytest.raises(TransportError, match="may not send"):
        ConfirmationMailer(config, Tokens.open(config), database, transport=paused).deliver()
    assert (paused.closed, paused.seen) == (1, [])
    mailer = ConfirmationMailer(config, Tokens.open(config), database, transport=sending)
    mailer.deliver()
    mailer.stop()
    assert (sending.closed, len(sending.seen)) == (1, 1)


def test_a_reader_whom_the_provider_refuses_keeps_nobody_else_waiting(
    database: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.web.confirmation.pause", lambda _: 0.01)
    transport = scripted(Verdict.REFUSED)  # to the first that is tried
    ask(database, 4)
    post(config, database, 20, transport)
    assert states(database) == {"pending": 1, "submitted": 3}
    later(database, minutes=1)
    post(config, database, 20, transport)
    assert states(database) == {"submitted": 4}


def test_a_question_that_is_answered_suppressed_erased_or_old_is_not_mailed(database: Database, config: Config) -> None:
    transport = scripted()
    ask(database, 5)
    with database.begin() as connection:
        people = [store.find(connection, read_address(f"reader{i}@example.com")) for i in range(5)]
        assert all(people)
        store.confirm(connection, people[0], ConsentSource.LINK)  # type: ignore[arg-type]
        suppress(connection, "reader1@example.com", Reason.COMPLAINT)
        erase(connection, read_address("reader2@example.com"))
        old = (confirmations.c.subscriber_id == people[3].id) & (confirmations.c.state == "pending")  # type: ignore[union-attr]
        connection.execute(update(confirmations).where(old).values(asked_at=store.now() - timedelta(hours=49)))
    post(config, database, 20, transport)
    assert [envelope.address for envelope in transport.seen] == ["reader4@example.com"]
    assert states(database) == {"excluded": 3, "submitted": 1}
    with database.connect() as connection:
        expired = store.find(connection, read_address("reader3@example.com"))
        assert expired is not None
        assert (expired.state, expired.asked_at) == (ConsentState.PENDING, None)  # may ask at once


def test_a_reader_at_the_form_does_not_wait_behind_an_import(database: Database, config: Config) -> None:
    transport = scripted()
    with database.begin() as connection:
        for number in range(5):
            store.add(
                connection,
                read_address(f"old{number}@example.com"),
                how=ConsentSource.IMPORT,
                state=ConsentState.PENDING,
            )
        assert (outbox.enter_unasked(connection), outbox.enter_unasked(connection)) == (5, 0)
    ask(database, 1)
    post(config, database, 20, transport)
    assert (transport.seen[0].address, transport.seen[0].attempt) == ("reader0@example.com", 1)
    assert len(transport.seen) == 6


def test_killed_in_the_middle_serve_doubles_none_and_loses_none(tmp_path: Path, aws: None) -> None:
    (tmp_path / "config.yaml").write_text(
        "newsletter: {name: n, url: 'https://n.example/', from: a@n.example}\n"
        "delivery: {transport: ses, ses: {region: eu-west-1}}\nservice: {url: 'https://letters.n.example/'}\n"
    )
    config = load_config(tmp_path)
    with SesServer(Settings(rate=40, latency=0.03)) as server, contextlib.ExitStack() as stack:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PUBLISHER_")}
        environment["AWS_ENDPOINT_URL_SESV2"] = server.url
        command = [sys.executable, "-m", "publisher", "--root", str(tmp_path), "serve", "--port", "0"]

        def start() -> tuple[subprocess.Popen[str], str]:
            process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
            stack.callback(process.kill)
            assert process.stderr is not None
            while "serving readers at" not in (line := process.stderr.readline()):
                assert line
            return process, line.rpartition(" at ")[2].strip()

        def taken() -> Counter[str]:
            return Counter(message.to for message in server.account.accepted)

        def wait_for(number: int) -> None:
            deadline = time.monotonic() + 20
            while len(server.account.accepted) < number and time.monotonic() < deadline:
                time.sleep(0.01)

        process, url = start()
        for number in range(20):
            assert httpx.post(f"{url}subscribe", data={"email": f"reader{number}@example.com"}).status_code == 200
        wait_for(6)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        database = open_database(config)
        later(database, minutes=20)  # whoever had claimed is dead by then
        process, url = start()
        deadline = time.monotonic() + 20
        while states(database).keys() & {"pending", "claimed"} and time.monotonic() < deadline:
            time.sleep(0.05)
        assert max(taken().values()) == 1
        unsure = 20 - len(taken())
        assert sum(states(database).values()) == 20
        assert unsure <= states(database).get("uncertain", 0) <= 1
        for number in range(20):  # who got none asks again
            if f"reader{number}@example.com" not in taken():
                httpx.post(f"{url}subscribe", data={"email": f"reader{number}@example.com"})
        wait_for(20)
        process.send_signal(signal.SIGTERM)
        assert "Traceback" not in process.communicate(timeout=20)[1]
        assert taken() == {f"reader{number}@example.com": 1 for number in range(20)}
        database.close()


def test_a_restore_that_is_killed_anywhere_repeats_no_mail_that_waited_in_it(config: Config, tmp_path: Path) -> None:
    """Nor loses the keys by which links already mailed work."""
    database, token = open_database(config), Tokens.open(config).sign(Purpose.UNSUBSCRIBE, "ann")
    ask(database, 3)
    back_up(config, tmp_path / "kept")
    post(config, database, 60, FakeTransport())
    database.close()
    found, status = list[dict[str, int]](), -1
    while status:
        (config.root / ".publisher/secret.key").unlink(missing_ok=True)
        if not (child := os.fork()):
            left = iter(range(len(found) + 1))

            def die(event: str, _args: object, left: Iterator[int] = left) -> None:
                if event == "sqlite3.connect" and next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(die)
            try:
                restore(config, tmp_path / "kept", force=True)
            finally:
                os._exit(sys.exc_info()[0] is not None)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in {0, -signal.SIGKILL}
        found.append(states(database))
        database.close()
        assert "submitted" in found[-1] or Tokens.open(config).read(Purpose.UNSUBSCRIBE, token)
    assert {str(one) for one in found} == {"{'submitted': 3}", "{'uncertain': 3}"}
    assert len(found) > 4


def test_a_restored_backup_repeats_no_mail_that_waited_in_it(config: Config, tmp_path: Path) -> None:
    database = open_database(config)
    ask(database, 3)
    back_up(config, tmp_path / "kept")
    post(config, database, 60, FakeTransport())
    assert states(database) == {"submitted": 3}
    database.close()
    assert restore(config, tmp_path / "kept", force=True).waited == 3
    again = FakeTransport()
    post(config, database, 60, again)
    assert not again.seen
    assert states(database) == {"uncertain": 3}
    database.close()
