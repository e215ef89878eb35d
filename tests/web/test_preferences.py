"""The preferences page: every field, what is refused at which, and the pause."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.audience.model import Subscriber, shifted
from publisher.audience.tokens import Purpose
from publisher.config import Config
from publisher.config.model import Newsletter
from publisher.language import spoken
from publisher.web.service import Service as WebService
from tests.web.conftest import Site

EVERYTHING = {
    "action": "save",
    "topics": ["daily"],
    "pause": "off",
    "digest": "monthly",
    "name": "安",
    "language": "de",
    "timezone": "Europe/Berlin",
    "city": "Köln",
    "children": "2",
    "born": "1990-02-28",
    "tea": "普洱",
}
WRONG = {
    "pause": "1 month",
    "digest": "weekly",
    "language": "no language",
    "timezone": "Mars/Base",
    "children": "two",
    "born": "1990-02-30",
    "tea": "咖啡",
    "city": "x" * 201,
}


def link(site: Site, subscriber: Subscriber) -> str:
    return site.service.tokens.url(Purpose.PREFERENCES, subscriber.reference)


def known(site: Site, address: str = "ann@example.com") -> Subscriber:
    found = site.subscriber(address)
    assert found is not None
    return found


def test_a_zone_that_this_machine_does_not_know_shows_the_newsletter_s(site: Site) -> None:
    ann = site.add("ann@example.com", timezone="Mars/Base")
    assert site.client.get(link(site, ann)).status_code == 200


def test_a_form_saves_every_field(site: Site) -> None:
    ann = site.add("ann@example.com", attributes={"tier": "gold"}, topics=["weekly"])
    page = site.client.post(link(site, ann), data=EVERYTHING)
    assert (page.status_code, "Ihre Einstellungen" in page.text) == (200, True)
    now = known(site)
    assert (now.topics, now.name, now.language, now.timezone) == (("daily",), "安", "de", "Europe/Berlin")
    assert now.digest == "monthly"
    assert now.attributes == {"tier": "gold", "city": "Köln", "children": "2", "born": "1990-02-28", "tea": "普洱"}
    (entered, changed) = site.history("ann@example.com")
    assert changed.evidence["changed"] == sorted(EVERYTHING.keys() - {"action", "pause"})
    assert (changed.at, now.changed_at) == (now.preferred_at, now.preferred_at)
    for value in ("Köln", "1990-02-28", "selected>Berlin"):
        assert value in page.text
    site.client.post(link(site, ann), data=EVERYTHING)
    assert site.history("ann@example.com") == [entered, changed]


def test_a_field_that_is_not_sent_changes_nothing(site: Site) -> None:
    ann = site.add("ann@example.com", name="Ann", topics=["weekly"], attributes={"city": "Rom"}, timezone="Asia/Tokyo")
    for sent in ({"pause": "2w"}, {"children": 3}, {"topics": []}, {"tier": "gold", "email": "x@example.com"}):
        answer = site.client.post(link(site, ann), json=sent)
        assert (answer.status_code, answer.json()) == (200, {"status": "saved"})
    now = known(site)
    assert (now.name, now.topics, now.timezone) == ("Ann", (), "Asia/Tokyo")
    assert now.attributes == {"city": "Rom", "children": "3"}
    assert now.paused_until is not None
    site.client.post(link(site, ann), json={"digest": "monthly"})
    assert known(site).digest == "monthly"
    site.client.post(link(site, ann), json={"city": "", "timezone": "", "digest": "each"})
    assert known(site).digest is None
    assert (known(site).attributes, known(site).timezone) == ({"children": "3"}, None)


@pytest.mark.parametrize("language", spoken())
def test_what_is_wrong_is_refused_at_its_field_in_the_reader_s_language(site: Site, language: str) -> None:
    language = language.replace("_", "-")
    ann = site.add("ann@example.com", language=language)
    before = known(site), site.history("ann@example.com")
    page = site.client.post(link(site, ann), data=EVERYTHING | WRONG)
    assert page.status_code == 422
    shown = WRONG.keys() - {"language"}  # of one language there is nothing to choose
    for name in shown:
        assert f'aria-describedby="wrong-{name}"' in page.text, name
        assert f'id="wrong-{name}"' in page.text, name
    assert re.search(r'value="two"', page.text)
    said = site.client.post(link(site, ann), json=WRONG).json()["errors"]
    assert said.keys() == WRONG.keys()
    assert all(sentence in page.text for sentence in said.values())
    assert (known(site), site.history("ann@example.com")) == before


def test_a_pause_holds_for_every_spelling_and_ends_by_itself_or_at_once(site: Site) -> None:
    ann = site.add("Ann@example.com")
    site.add("ann@example.com")
    began = datetime.now(UTC)
    page = site.client.post(link(site, ann), data={"pause": "1m"})
    until = known(site, "Ann@example.com").paused_until
    assert until is not None
    assert timedelta(0) <= until - shifted(began, "1m") < timedelta(minutes=1)
    assert known(site, "ann@example.com").paused_until == until
    assert "你已暂停接收" in page.text
    assert 'value="keep" selected' in page.text
    assert known(site).state == "confirmed"
    site.client.post(link(site, ann), data={"pause": "keep", "name": "安"})
    assert known(site, "Ann@example.com").paused_until == until
    assert "你已暂停接收" not in site.client.post(link(site, ann), data={"pause": "off"}).text
    assert known(site, "ann@example.com").paused_until is None
    for back in ("", "off"):
        site.client.post(link(site, ann), json={"pause": "3m"})
        site.client.post(link(site, ann), json={"pause": back})
        assert known(site, "ann@example.com").paused_until is None


def test_who_leaves_is_offered_a_pause_and_leaves_with_one_click_all_the_same(site: Site) -> None:
    ann = site.add("ann@example.com")
    leave = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference, "m7")
    page = site.client.get(leave).text
    first, second = re.findall(r"<form.*?</form>", page)
    assert "action=" not in first
    action = re.search(r'action="\.\./(preferences/[^"]+)"', second)
    assert action
    assert site.client.post(action[1], data=dict(re.findall(r'name="(\w+)" value="(\w+)"', second))).status_code == 200
    assert known(site).paused_until is not None
    assert site.history("ann@example.com")[-1].evidence["mailing"] == "m7"
    assert len(re.findall("<form", site.client.get(leave).text)) == 1  # a second pause would be the same
    assert site.client.post(leave, data={"List-Unsubscribe": "One-Click"}).text == "unsubscribed\n"
    assert known(site).state == "unsubscribed"


@pytest.mark.parametrize(
    ("began", "span", "ends"),
    [
        ("2026-01-31", "1m", "2026-02-28"),
        ("2026-11-30", "3m", "2027-02-28"),
        ("2024-02-29", "1y", "2025-02-28"),
        ("2026-12-31", "2w", "2027-01-14"),
        ("2026-12-31", "0d", "2026-12-31"),
    ],
)
def test_a_month_is_a_month_of_the_calendar(began: str, span: str, ends: str) -> None:
    assert shifted(datetime.fromisoformat(began), span) == datetime.fromisoformat(ends)


@pytest.mark.parametrize("span", ["", "1", "m", "1 m", "-1m", "1h", "1000d", "１m"])
def test_what_is_no_length_of_time_is_refused(span: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        shifted(datetime.now(UTC), span)


def test_the_subscribe_form_takes_a_name_and_a_time_zone(site: Site) -> None:
    assert '<option value="Europe/Berlin"' in site.client.get("subscribe").text
    for number, zone in enumerate(("Europe/Berlin", "", "Mars/Base")):
        data = {"email": f"r{number}@example.com", "name": "Ann", "timezone": zone}
        assert site.client.post("subscribe", data=data).status_code == 200
    assert [known(site, f"r{number}@example.com").timezone for number in range(3)] == ["Europe/Berlin", None, None]


def test_in_arabic_what_a_reader_types_runs_as_it_does_and_the_name_of_a_topic_does_not_turn(tmp_path: Path) -> None:
    newsletter = Newsletter(**{"name": "n", "url": "https://n.example/", "from": "a@n.example", "language": "ar"})
    service = WebService.open(Config(newsletter=newsletter, topics={"cpp": "C++"}, root=tmp_path))
    for page in ("subscribe", "preferences"):
        given = {"name": "Ann", "digest": "each", "pause": "off", "language": "ar", "timezone": "", "saved": False}
        values = {"wrong": {}, "email": "", "chosen": (), "given": given, **given}
        values |= {"languages": (), "pauses": (), "paused": None, "attributes": {}, "unsubscribed": False}
        html = service.pages.html(page, "ar", unsubscribe_link="x", **values)
        assert "> C++\u200e</label>" in html
        assert 'name="name" dir="auto"' in html
    service.close()
