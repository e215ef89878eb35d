"""What a real provider began is not finished by the folder, which mails nobody; nor the other way round."""

from __future__ import annotations

import threading

import pytest

from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.delivery import mailings
from publisher.delivery.freeze import freeze
from publisher.delivery.ledger import Ledger
from publisher.delivery.mailings import set_operator
from publisher.delivery.send import Options, Sent, send
from publisher.delivery.sender import Interrupt
from publisher.delivery.states import Account
from publisher.errors import UsageError
from publisher.mail.message import Envelope
from publisher.providers.folder import FolderTransport
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.provider import Transport
from publisher.testing import FakeTransport
from tests.delivery.world import SLUG, add_people, make_letter

PEOPLE = 60


def into_folder(config: Config) -> Transport:
    return FolderTransport(config.root / "outbox")


def by_provider(_config: Config) -> Transport:
    """A provider of which nothing but its name is known, such as a plain SMTP server: it gives no message ids."""
    return FakeTransport(lambda _envelope: Outcome(Verdict.SUBMITTED), most=1)


def begin(config: Config, database: Database, transport: Transport) -> Sent:
    """A run that was stopped after a few messages."""
    stop, submit = Interrupt(), transport.submit

    def submit_and_stop(envelopes: list[Envelope]) -> list[Outcome]:
        stop.request()
        return submit(envelopes)

    transport.most = 5
    transport.submit = submit_and_stop  # type: ignore[method-assign, assignment]
    sent = send(config, database, make_letter(), Options(transport=transport, interrupt=stop))
    assert 0 < sent.account.submitted < PEOPLE
    return sent


def account(database: Database) -> Account:
    with database.connect() as connection:
        mailing = mailings.newest(connection, SLUG)
        assert mailing
        return mailings.account(connection, mailing.id)


@pytest.mark.parametrize(("first", "second"), [(by_provider, into_folder), (into_folder, by_provider)])
def test_a_mailing_is_finished_by_what_began_it(config: Config, database: Database, first: type, second: type) -> None:
    add_people(database, PEOPLE)
    sent = begin(config, database, first(config))
    before = account(database)
    with pytest.raises(UsageError, match="folder") as refused:
        send(config, database, make_letter(), Options(transport=second(config)))
    assert f"{sent.account.submitted} recipient" in refused.value.message
    assert "publisher cancel" in (refused.value.help or "") or "delivery.transport" in (refused.value.help or "")
    assert account(database) == before  # nobody counts as mailed by it
    assert send(config, database, make_letter(), Options(transport=first(config))).account.submitted == PEOPLE


def test_a_run_that_submitted_nothing_decides_nothing(config: Config, database: Database) -> None:
    add_people(database, PEOPLE)
    stop = Interrupt()
    stop.request()
    send(config, database, make_letter(), Options(transport=into_folder(config), interrupt=stop))
    assert send(config, database, make_letter(), Options(transport=FakeTransport())).account.submitted == PEOPLE


@pytest.mark.parametrize("whole", [True, False])
def test_after_a_trial_everybody_is_mailed_on_purpose_and_once(config: Config, database: Database, whole: bool) -> None:
    add_people(database, PEOPLE)
    if whole:
        send(config, database, make_letter(), Options(transport=into_folder(config)))
    else:
        begin(config, database, into_folder(config))
        set_operator(database, SLUG, "cancelled")
    provider = FakeTransport()
    for _ in range(2):
        sent = send(config, database, make_letter(), Options(transport=provider, correction=True, after_trial=True))
        assert sent.account.submitted == PEOPLE == len(provider.accepted)
    assert send(config, database, make_letter(), Options(transport=provider)).account.submitted == PEOPLE
    assert len(provider.accepted) == PEOPLE


def test_another_mailing_may_go_another_way(config: Config, database: Database) -> None:
    add_people(database, PEOPLE)
    begin(config, database, into_folder(config))
    set_operator(database, SLUG, "cancelled")
    rest = send(config, database, make_letter(), Options(transport=FakeTransport()))
    assert rest.account.submitted + rest.account.excluded == PEOPLE
    assert rest.account.submitted > 0


@pytest.mark.postgres
def test_folder_and_provider_started_together_do_not_both_begin(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither has submitted anything when the other decides, which only one of them may."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    add_people(database, PEOPLE)
    with database.begin() as connection:
        freeze(connection, make_letter())
    ready, decided = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
    open_ = Ledger.open
    found: list[Sent | UsageError] = []

    def opened(self: Ledger) -> None:
        ready.wait()
        try:
            open_(self)
        finally:
            decided.wait()  # neither sends before both have decided

    def one(transport: Transport) -> None:
        mine = open_database(config)
        try:
            found.append(send(config, mine, make_letter(), Options(transport=transport)))
        except UsageError as refused:
            found.append(refused)
        finally:
            mine.close()

    monkeypatch.setattr(Ledger, "open", opened)
    threads = [threading.Thread(target=one, args=(kind(config),)) for kind in (into_folder, by_provider)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent, refused = sorted(found, key=lambda one: isinstance(one, UsageError))
    assert isinstance(sent, Sent)
    assert sent.account.submitted == PEOPLE
    assert isinstance(refused, UsageError)
    assert "at work" in refused.message
    database.close()
