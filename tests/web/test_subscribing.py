"""Subscribing: a confirmation mail, the same answer for everybody, and no way to bother a stranger."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from publisher.audience import store
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.suppressions import Reason, suppress
from publisher.audience.tokens import Purpose
from publisher.providers.folder import FolderTransport
from publisher.providers.outcomes import submitted
from publisher.web.forms import came_from_us
from tests.web.conftest import Site, link_of


def test_a_form_leads_to_a_mail_and_the_mail_to_a_subscriber(site: Site) -> None:
    assert 'name="email"' in site.client.get("subscribe").text
    fields = {"email": "Ann@Example.com", "name": "安", "language": "zh-CN", "topics": "weekly"}
    answer = site.client.post("subscribe", data=fields, headers={"user-agent": "Test/1"})
    assert answer.status_code == 200
    assert "请查收邮件" in answer.text
    assert "example.com" not in answer.text.replace("news.example.com", "").lower()
    (mail,) = site.mails(1)
    assert (mail["to"], mail["subject"]) == ("Ann@example.com", "请确认订阅：AI 周报")
    assert mail["from"] == "AI 周报 <weekly@news.example.com>"
    assert site.state("ann@example.com") == "pending"

    link = link_of(mail, "confirm")
    assert "确认订阅" in site.client.get(link).text
    assert site.state("ann@example.com") == "pending"  # a GET, as of a link scanner, changes nothing
    assert "订阅成功" in site.client.post(link).text
    ann = site.subscriber("ann@example.com")
    assert ann is not None
    assert (ann.state, ann.name, ann.topics, ann.language) == ("confirmed", "安", ("weekly",), "zh-CN")
    asked, confirmed = site.history("ann@example.com")
    assert (asked.change, asked.how, confirmed.change, confirmed.how) == ("subscribed", "form", "confirmed", "link")
    assert asked.evidence == {"address": "127.0.0.1", "agent": "Test/1", "page": "form"}
    assert "订阅成功" in site.client.post(link).text  # and again does no harm
    assert len(site.history("ann@example.com")) == 2


def test_the_mail_is_in_the_form_s_language_and_leaves_by_one_click(site: Site) -> None:
    site.client.post("subscribe", data={"email": "ben@example.com", "language": "en"})
    (mail,) = site.mails(1)
    assert mail["subject"] == "Please confirm: AI 周报"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert site.client.post(mail["list-unsubscribe"].strip("<>")).status_code == 200
    assert site.state("ben@example.com") == "unsubscribed"


def test_json_does_the_same(site: Site) -> None:
    answer = site.client.post("subscribe", json={"email": "cy@example.com", "topics": ["daily", "unknown"]})
    assert (answer.status_code, answer.json()) == (202, {"status": "asked"})
    assert len(site.mails(1)) == 1
    cy = site.subscriber("cy@example.com")
    assert cy is not None
    assert cy.topics == ("daily",)
    answer = site.client.post("subscribe", json={"email": "cy"})
    assert (answer.status_code, answer.json()) == (422, {"error": "the address has no @"})


def test_nobody_learns_who_is_subscribed(site: Site) -> None:
    site.add("known@example.com", name="K")
    site.add("gone@example.com", ConsentState.UNSUBSCRIBED)
    site.add("held@example.com")
    with site.service.database.begin() as connection:
        suppress(connection, "held@example.com", Reason.COMPLAINT)
    answers = {
        (answer.status_code, answer.text, tuple(sorted(set(answer.headers) - {"date"})))
        for name in ("new", "known", "gone", "held")
        for answer in [site.client.post("subscribe", data={"email": f"{name}@example.com", "name": "X"})]
    }
    assert len(answers) == 1
    mails = {mail["to"]: mail for mail in site.mails(3)}
    assert set(mails) == {"new@example.com", "known@example.com", "gone@example.com"}  # a complaint is heard
    assert mails["known@example.com"]["subject"] == "你已订阅《AI 周报》"
    known = site.subscriber("known@example.com")
    assert known is not None
    assert (known.state, known.name) == ("confirmed", "K")  # anybody can write any address into a form
    assert site.state("gone@example.com") == "unsubscribed"
    assert "订阅成功" in site.client.post(link_of(mails["gone@example.com"], "confirm")).text
    assert site.state("gone@example.com") == "confirmed"


def test_an_old_confirmation_does_not_bring_back_who_left(site: Site) -> None:
    ann = site.add("ann@example.com", ConsentState.PENDING)
    import time
    from unittest import mock

    with mock.patch("time.time", return_value=time.time() - 3600):
        old = site.service.tokens.url(Purpose.CONFIRM, ann.reference)
    with mock.patch("time.time", return_value=time.time() - 15 * 86400):
        expired = site.service.tokens.url(Purpose.CONFIRM, ann.reference)
    with site.service.database.begin() as connection:
        store.unsubscribe(connection, ann, ConsentSource.ONE_CLICK)
    for link in (old, expired):
        assert site.client.post(link).status_code == 410
    assert site.state("ann@example.com") == "unsubscribed"


def test_asking_again_at_once_sends_no_second_mail(site: Site) -> None:
    for spelling in ("ann@example.com", "ANN@EXAMPLE.COM", "ann@example.com"):
        site.client.post("subscribe", data={"email": spelling})
    site.mails(1)
    site.settled()
    assert len(site.mails()) == 1


def test_a_mail_that_cannot_leave_waits_and_leaves_once_it_can(site: Site) -> None:
    (site.root / "outbox").write_text("a file where the folder should be")
    assert site.client.post("subscribe", data={"email": "ann@example.com"}).status_code == 200
    time.sleep(0.2)
    site.client.post("subscribe", data={"email": "ann@example.com"})
    (site.root / "outbox").unlink()
    assert len(site.mails(1)) == 1
    site.settled()
    assert len(site.mails()) == 1


def test_machines_fall_into_the_trap(site: Site) -> None:
    answer = site.client.post("subscribe", data={"email": "bot@example.com", "website": "https://spam"})
    assert "请查收邮件" in answer.text
    site.settled()
    assert site.state("bot@example.com") is None


def test_a_wrong_address_is_asked_for_again_with_what_was_written(site: Site) -> None:
    answer = site.client.post("subscribe", data={"email": '"><script>', "name": "<b>"})
    assert answer.status_code == 422
    assert "aria-invalid" in answer.text
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://news.example.com"}, 200),  # the archive's form
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://news.example.com.evil.example"}, 403),
        ({"origin": "http://news.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_only_our_own_forms_and_the_archive_s_are_taken(site: Site, headers: dict[str, str], status: int) -> None:
    assert site.client.post("subscribe", data={"email": "a@example.com"}, headers=headers).status_code == status
    ann = site.add("ann@example.com", ConsentState.PENDING)
    if "news.example.com" not in headers.get("origin", ""):
        link = site.service.tokens.url(Purpose.CONFIRM, ann.reference)
        assert site.client.post(link, headers=headers).status_code == status


def test_the_form_of_an_archive_with_an_internationalised_domain_is_taken() -> None:
    origin = {"type": "http", "headers": [(b"origin", b"https://xn--strae-oqa.example"), (b"host", b"letters.example")]}
    assert came_from_us(Request(origin), ["https://Straße.example/news/"])
    assert not came_from_us(Request(origin), ["https://strasse.example/"])


def test_one_network_asks_only_so_often(limited_site: Site) -> None:
    answers = [limited_site.client.post("subscribe", data={"email": f"a{n}@example.com"}) for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "60"
    assert "稍候" in answers[-1].text
    ann = limited_site.add("ann@example.com")  # but anybody may leave at any time
    link = limited_site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference)
    assert all(limited_site.client.post(link).status_code == 200 for _ in range(10))


def test_no_inbox_is_flooded_by_way_of_its_other_spellings(limited_site: Site) -> None:
    for spelling in ("ann.lee+1", "ann.lee+2", "annlee+3", "a.nnlee"):
        limited_site.client.post("subscribe", data={"email": f"{spelling}@example.com"})
    limited_site.settled()
    assert len(limited_site.mails()) == 2  # a day, as the fixture says


def test_a_relay_that_hangs_keeps_nobody_from_a_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(
        FolderTransport, "submit", lambda _, some: [answered.wait(20) and submitted(None) for _ in some]
    )
    ann = site.add("ann@example.com")
    try:
        for number in range(6):
            site.client.post("subscribe", data={"email": f"a{number}@example.com"})
        link = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference)
        assert site.client.get(link, timeout=5).status_code == 200
    finally:
        answered.set()


def test_a_forgotten_person_comes_back_by_their_own_hand_alone(site: Site) -> None:
    from publisher.audience.address import read_address
    from publisher.audience.suppressions import erase, erased_among

    with site.service.database.begin() as connection:
        erase(connection, read_address("ann@example.com"))
    site.client.post("subscribe", data={"email": "ann@example.com"})
    (mail,) = site.mails(1)
    with site.service.database.begin() as connection:
        assert erased_among(connection, ["ann@example.com"])
    site.client.post(link_of(mail, "confirm"))
    with site.service.database.begin() as connection:
        assert not erased_among(connection, ["ann@example.com"])


def test_no_address_is_ever_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    (site.root / "outbox").write_text("in the way")
    site.client.post("subscribe", data={"email": "secret.person@example.com"})
    site.settled()
    site.settled()
    assert "confirmation mail waits" in caplog.text
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpcore", "httpx"))]
    assert "secret.person" not in "\n".join(ours)
    assert "secret.person" not in httpx.get(site.url + "metrics").text


def test_no_answer_comes_before_its_beat(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("publisher.web.subscribing.BEAT", 0.3)
    ask = site.service.readers.ask
    slow = iter((0.0, 0.1, 0.2))  # what the database takes for the new, the known, the gone

    def take(*values: Any) -> bool:
        time.sleep(next(slow))
        return ask(*values)

    monkeypatch.setattr(site.service.readers, "ask", take)
    times = []
    for number in range(3):
        began = time.monotonic()
        site.client.post("subscribe", data={"email": f"a{number}@example.com"})
        times.append(time.monotonic() - began)
    assert min(times) >= 0.29, times
