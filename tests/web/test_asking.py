"""Readers without activity are asked, reminded twice, and suppressed; one answer brings them back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.model import ConsentSource, ConsentState, shifted
from publisher.audience.suppressions import Reason, suppress, suppression
from publisher.audience.tables import confirmations, subscribers
from publisher.audience.tokens import Purpose, TokenPayload
from publisher.database import Database
from publisher.delivery.freeze import freeze
from publisher.delivery.mailings import newest
from publisher.feedback.store import keep
from publisher.feedback.tables import feedback_events
from publisher.providers.events import Event, EventKind
from publisher.providers.outcomes import Outcome, Verdict, submitted
from publisher.web import outbox
from publisher.web.outbox import Asking, ask
from publisher.web.readers import Readers, SubscribeRequest
from tests.audience.conftest import config, database
from tests.delivery.world import make_letter
from tests.web.conftest import Site, link_of
from tests.web.test_journey import _publisher

__all__ = ["config", "database"]

NOTHING, MAILED = Asking(), submitted("m-1")
LONG_AGO = datetime.now(UTC) - timedelta(days=500)
Clock = Callable[[datetime], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets what time it is."""
    return lambda at: monkeypatch.setattr(store, "now", lambda: at)


def add(database: Database, *addresses: str, **values: Any) -> list[str]:
    with database.begin() as connection:
        return [store.add(connection, read_address(a), how=ConsentSource.IMPORT, **values).reference for a in addresses]


def step(database: Database, *, act: bool = True) -> Asking:
    with database.begin() as connection:
        return ask(connection, shifted(store.now(), "12m", -1), shifted(store.now(), "2w", -1), act=act)


def mail(database: Database, outcome: Outcome = MAILED) -> int:
    """Mail what is due; how many went."""
    with database.begin() as connection:
        found = outbox.claim(connection, 100, store.now())
        for question in found:
            assert question.wording is outbox.Wording.ASK
            outbox.record(connection, question, outcome, store.now())
    return len(found)


def changes(database: Database, reference: str) -> list[str]:
    with database.connect() as connection:
        found = store.find(connection, reference)
        assert found is not None
        return [entry.change for entry in store.history(connection, found.id)]


def held(database: Database, mailbox: str) -> str | None:
    with database.connect() as connection:
        found = suppression(connection, mailbox)
        return found.reason.value if found else None


def test_asked_reminded_twice_and_let_go_with_each_step_in_the_history(database: Database, clock: Clock) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    ann, _ = add(database, "ann@example.com", "ANN@example.com")
    for passed, expected in ((0, Asking(1)), (14, Asking(0, 1)), (28, Asking(0, 1)), (42, Asking(0, 0, 1))):
        clock(now + timedelta(days=passed - 1))
        assert step(database, act=False) == (NOTHING if passed else expected)
        clock(now + timedelta(days=passed))
        assert step(database, act=False) == expected
        assert step(database) == expected
        assert step(database) == NOTHING
        assert mail(database) == (passed < 42)
        assert mail(database) == 0
    assert changes(database, ann) == ["confirmed", "asked", "asked", "asked", "let-go"]
    assert held(database, "ann@example.com") == "silent"
    clock(now + timedelta(days=900))
    assert step(database) == NOTHING
    assert Readers(database).keep(ann, {"agent": "x"}) is not None
    assert changes(database, ann)[-1] == "kept"
    assert held(database, "ann@example.com") is None
    assert step(database) == NOTHING
    clock(now + timedelta(days=1300))
    assert step(database) == Asking(1)  # from the beginning


def test_an_answer_after_the_first_mail_ends_it_for_as_long_as_before(database: Database, clock: Clock) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    (ann,) = add(database, "ann@example.com")
    clock(now)
    step(database)
    mail(database)
    clock(now + timedelta(days=3))
    Readers(database).keep(ann, {})
    clock(now + timedelta(days=300))
    assert step(database) == NOTHING
    assert changes(database, ann) == ["confirmed", "asked", "kept"]


def test_who_was_heard_of_pauses_or_is_not_mailed_anyway_is_not_asked(database: Database, clock: Clock) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    names = ("silent", "prefers", "paused", "suppressed", "left", "opened", "machine", "delivered")
    people = dict(zip(names, add(database, *(f"{name}@example.com" for name in names)), strict=True))
    add(database, "waits@example.com", state=ConsentState.PENDING)
    with database.begin() as connection:
        freeze(connection, make_letter())
        mailing = newest(connection, make_letter().slug)
        assert mailing is not None
        suppress(connection, "suppressed@example.com", Reason.MANUAL)
    clock(now - timedelta(days=1))
    add(database, "new@example.com")
    with database.begin() as connection:
        found = {name: store.find(connection, reference) for name, reference in people.items()}
        assert found["prefers"]
        assert found["left"]
        store.prefer(connection, found["prefers"], ConsentSource.LINK, name="P")
        store.unsubscribe(connection, found["left"], ConsentSource.LINK)
        connection.execute(
            update(subscribers)
            .where(subscribers.c.reference == people["paused"])
            .values(paused_until=now + timedelta(days=1))
        )
        event = {"message_id": "m", "mailing": mailing.reference, "domain": "", "type": "", "subtype": "", "detail": ""}
        for number, (kind, machine) in {6: ("open", 0), 7: ("click", 1), 8: ("delivery", 0)}.items():
            connection.execute(
                insert(feedback_events).values(
                    **event,
                    digest=str(number),
                    kind=kind,
                    recipient=mailing.recipient(number),
                    machine=machine,
                    received_at=now,
                    settled=1,
                )
            )
    clock(now)
    assert step(database) == Asking(3)
    with database.connect() as connection:
        asked = select(subscribers.c.address).join(confirmations, confirmations.c.subscriber_id == subscribers.c.id)
        assert {row[0].partition("@")[0] for row in connection.execute(asked)} == {"silent", "machine", "delivered"}


@pytest.mark.parametrize("tag", ["x", "{mailing}-x", "{mailing}-99999999999", "{mailing}-"])
def test_a_tag_of_an_event_that_is_no_id_of_ours_stops_no_asking(database: Database, clock: Clock, tag: str) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    add(database, "ann@example.com")
    with database.begin() as connection:
        mailing = freeze(connection, make_letter()).reference
        opened = Event(EventKind.OPEN, "m", now, mailing=mailing, recipient=tag.format(mailing=mailing))
        assert keep(connection, opened, waits=False)
    clock(now)
    assert step(database) == Asking(1)


def test_runs_at_once_and_a_sender_that_dies_double_no_mail(database: Database, clock: Clock) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    add(database, *(f"r{number}@example.com" for number in range(20)))
    clock(now)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: step(database), range(6)))
    assert sum(one.asked for one in found) == 20
    with database.begin() as connection:
        assert len(outbox.claim(connection, 100, now)) == 20  # and the sender dies, with its mail perhaps out
    clock(now + timedelta(minutes=16))
    assert (step(database), mail(database)) == (NOTHING, 0)
    clock(now + timedelta(days=14))
    assert step(database) == Asking(0, 20)  # uncertain: it may have come


def test_a_mail_that_did_not_go_is_none_of_the_three(database: Database, clock: Clock) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    add(database, "ann@example.com")
    for days in range(0, 84, 14):
        clock(now + timedelta(days=days))
        assert step(database) == Asking(1)
        assert mail(database, Outcome(Verdict.REJECTED, "no")) == 1


def test_what_happened_since_is_seen_before_the_mail_leaves(database: Database, clock: Clock) -> None:
    now = datetime.now(UTC)
    clock(LONG_AGO)
    heard, left, paused = add(database, "heard@example.com", "left@example.com", "paused@example.com")
    add(database, "held@example.com")
    clock(now)
    assert step(database) == Asking(4)
    clock(now + timedelta(seconds=1))
    Readers(database).keep(heard, {})
    with database.begin() as connection:
        gone = store.find(connection, left)
        assert gone is not None
        store.unsubscribe(connection, gone, ConsentSource.LINK)
        suppress(connection, "held@example.com", Reason.COMPLAINT)
        rests = store.find(connection, paused)
        assert rests is not None
        store.prefer(connection, rests, ConsentSource.LINK, paused_until=now + timedelta(days=9))
    assert mail(database) == 0


def test_who_was_let_go_comes_back_by_the_form(database: Database) -> None:
    (ann,) = add(database, "ann@example.com")
    with database.begin() as connection:
        suppress(connection, "ann@example.com", Reason.SILENT)
    readers = Readers(database)
    assert readers.ask(SubscribeRequest(read_address("ann@example.com"), "", None, ()), {})
    with database.begin() as connection:
        (question,) = outbox.claim(connection, 9, store.now())
    assert question.wording is outbox.Wording.CONFIRM
    readers.confirm(TokenPayload(ann, None, datetime.now(UTC)), {})
    assert held(database, "ann@example.com") is None
    assert changes(database, ann)[-1] == "kept"


def test_any_word_of_who_was_let_go_brings_them_back(site: Site) -> None:
    for action in ("save", "stay"):
        ann = site.add(f"{action}@example.com")
        with site.service.database.begin() as connection:
            suppress(connection, ann.mailbox_key, Reason.SILENT)
        link = site.service.tokens.url(Purpose.PREFERENCES, ann.reference)
        assert site.client.post(link, data={"action": action, "name": "Ann"}).status_code == 200
        assert held(site.service.database, ann.mailbox_key) is None
        assert site.history(ann.address)[-1].change == "kept"


def test_whom_an_operator_lets_back_is_not_let_go_at_once_again(site: Site) -> None:
    (site.root / "config.yaml").write_text(
        "newsletter: {name: n, url: 'https://news.example.com/', from: a <a@example.com>}\n", encoding="utf-8"
    )
    ann = site.add("ann@example.com")
    with site.service.database.begin() as connection:
        suppress(connection, ann.mailbox_key, Reason.SILENT)
    assert _publisher(site, "suppressions", "remove", ann.address).stdout == "released\n"
    assert held(site.service.database, ann.mailbox_key) is None
    last = site.history(ann.address)[-1]
    assert (last.change, last.how) == ("kept", "command")  # a word that `audience ask` hears


@pytest.mark.browser
def test_from_the_command_to_the_button(
    site: Site, page: Any, axe: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.root / "config.yaml").write_text(
        f"newsletter: {{name: AI 周报, language: zh-CN, url: 'https://news.example.com/', from: a <a@example.com>}}\n"
        f"service: {{url: '{site.url}'}}\n",
        encoding="utf-8",
    )
    with monkeypatch.context() as then:
        then.setattr(store, "now", lambda: LONG_AGO)
        site.add("ann@example.com")
    words = ("audience", "ask", "--not-heard-since", "12m", "--format", "json")
    for flags, done in (((), False), (("--dry-run",), False), (("--yes",), True)):
        told = json.loads(_publisher(site, *words, *flags).stdout)
        assert (told["asked"], told["reminded"], told["let_go"], told["done"]) == (1, 0, 0, done)
        assert len(site.mails()) == done
    assert "0 asked" in _publisher(site, *words[:-2], "--yes").stdout
    (mail,) = site.mails()
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["subject"] == "你还在读《AI 周报》吗？"
    link = link_of(mail, "keep")
    before = site.history("ann@example.com")
    page.goto(link)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe(page) == []
    assert site.history("ann@example.com") == before
    page.get_by_role("button", name="我还在读").click()
    page.get_by_role("heading", name="谢谢").wait_for()
    last = site.history("ann@example.com")[-1]
    assert (last.change, last.how) == ("kept", "link")
    assert "0 asked" in _publisher(site, *words[:-2], "--remind-after", "0d", "--yes").stdout


def test_the_button_takes_back_no_unsubscription(site: Site) -> None:
    ann = site.add("ann@example.com", ConsentState.UNSUBSCRIBED)
    link = site.service.tokens.url(Purpose.KEEP, ann.reference)
    page = site.client.post(link)
    assert site.state("ann@example.com") == "unsubscribed"
    assert re.search(r'name="action" value="stay"', page.text)


@pytest.mark.parametrize("span", ["12", "12 months", "-1m", ""])
def test_a_span_that_is_none_is_refused_in_one_line(site: Site, span: str) -> None:
    (site.root / "config.yaml").write_text(
        "newsletter: {name: n, url: 'https://news.example.com/', from: a <a@example.com>}\n", encoding="utf-8"
    )
    done = _publisher(site, "audience", "ask", f"--not-heard-since={span}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --not-heard-since: ")
    assert "such as 12m" in done.stderr
