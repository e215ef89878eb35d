"""The report of a real mailing: right numbers, one file, readable in the dark and on paper, no address in it."""

from __future__ import annotations

import dataclasses
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from publisher.audience import store as audience
from publisher.audience.address import read_address
from publisher.audience.model import ConsentSource
from publisher.config import Config
from publisher.database import open_database
from publisher.delivery.status import statuses
from publisher.errors import DatabaseError
from publisher.insights.account import MailingReport
from publisher.insights.page import render_report
from publisher.insights.store import report as read_report
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room, open_room
from tests.feedback.test_commands import run

READERS = [f"reader{i}@example.com" for i in range(6)] + ["solo@private.example", "ben@example.org"]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Eight readers: most delivered, one bounced, one complained and left, one left by the link, one unheard of."""
    room = open_room(tmp_path)
    feedback = room.config.feedback.model_copy(update={"opens_and_clicks": True})
    room.config = room.config.model_copy(update={"feedback": feedback})
    room.subscribe(*READERS, "gone@example.com")
    with room.database.begin() as connection:
        gone = audience.find(connection, read_address("gone@example.com"))
        assert gone is not None
        audience.unsubscribe(connection, gone, ConsentSource.LINK)
    mailing = room.freeze()
    room.send(mailing)
    recipients = room.recipients(mailing)

    def mail(address: str) -> dict[str, Any]:
        return shapes.mail(f"m-{recipients[address]}", address, recipient=recipients[address])

    lines = [shapes.event("Delivery", mail(a), shapes.delivery(a)) for a in READERS[:5]]
    lines += [
        shapes.event("Complaint", mail(READERS[0]), shapes.complaint(READERS[0])),
        shapes.event("Bounce", mail(READERS[5]), shapes.bounce(READERS[5])),
        shapes.event("Open", mail(READERS[1]), {"userAgent": "Mozilla/5.0", "timestamp": "2026-05-04T09:00:00Z"}),
        shapes.event("Open", mail(READERS[2]), {"userAgent": "Thunderbird", "timestamp": "2026-05-04T09:00:00Z"}),
        shapes.event("Open", mail(READERS[2]), {"userAgent": "Mozilla/5.0", "timestamp": "2026-05-04T09:05:00Z"}),
        shapes.event("Click", mail(READERS[2]), {"userAgent": "Thunderbird", "link": "https://x.example/?<b>&u=solo@private.example"}),
    ]  # fmt: skip
    room.apply(*lines)
    with room.database.begin() as connection:
        left = audience.find(connection, read_address(READERS[3]))
        assert left is not None
        audience.unsubscribe(connection, left, ConsentSource.ONE_CLICK, {"mailing": mailing.reference})
        other = audience.find(connection, read_address(READERS[4]))
        assert other is not None
        audience.unsubscribe(connection, other, ConsentSource.ONE_CLICK, {"mailing": "00000000"})
    return room


@pytest.fixture
def report(room: Room) -> MailingReport:
    found = read_report(room.database, room.config, SLUG)
    assert found is not None
    return found


def test_every_person_is_counted_once(report: MailingReport) -> None:
    account = report.account
    assert (account.audience, account.excluded, account.submitted) == (9, 1, 8)
    assert (account.delivered, account.bounced, account.complained) == (5, 1, 1)
    assert report.balanced
    assert report.unsubscribed == 2  # the complaint and the link of this mailing, not the link of another
    assert [(b.type, b.subtype, b.count) for b in report.bounces] == [("permanent", "General", 1)]
    assert report.complaints == (("abuse", 1),)
    assert [(d.name, d.submitted, d.bounced) for d in report.domains] == [("example.com", 6, 1), (None, 2, 0)]
    assert report.tracking is not None
    assert (report.tracking.opened, report.tracking.opened_by_machines_only, report.tracking.clicked) == (1, 1, 1)


def test_what_was_rejected_says_why(room: Room) -> None:
    recipient = room.recipients_of(SLUG)[READERS[1]]
    failure = {"errorMessage": "Attribute 'name' is not present <b>"}
    room.apply(shapes.event("Rendering Failure", shapes.mail("x", recipient=recipient), failure, "failure"))
    report = read_report(room.database, room.config, SLUG)
    assert report is not None
    assert (report.account.rejected, report.balanced) == (1, True)
    assert [(r.code, r.detail, r.count) for r in report.rejections] == [
        ("rendering-failure", "Attribute 'name' is not present <b>", 1)
    ]
    assert "Attribute &#39;name&#39; is not present &lt;b&gt;" in render_report(report, room.config)


FEEDBACK = ("delivered", "bounced", "complained")


def told_of(room: Room, transport: str, *lines: str) -> tuple[dict[str, str], str, str]:
    """What ``report`` and ``status`` say of delivered, bounced and complained; and the report's page."""
    room.apply(*lines)
    report = read_report(room.database, room.config, SLUG)
    assert report is not None
    delivery = room.config.delivery.model_copy(update={"transport": transport})
    page = render_report(report, room.config.model_copy(update={"delivery": delivery}))
    shown = dict(re.findall(r"</i>(\w+)</dt><dd>(.*?)</dd>", page))
    service = "service: {url: https://letters.example.com/}\n"
    ran = run(room, "status", SLUG, config=f"{service}delivery: {{transport: {transport}}}\n")
    counts = json.loads(run(room, "status", SLUG, "--format", "json").stdout)
    assert all(isinstance(counts[name], int) for name in FEEDBACK)
    return {name: shown[name.capitalize()] for name in FEEDBACK}, ran.stdout, page


UNKNOWN = "<small>not known</small>"


@pytest.mark.parametrize("transport", ["smtp", "folder", "ses"])
def test_counts_without_feedback_are_not_known(tmp_path: Path, transport: str) -> None:
    room = open_room(tmp_path)
    room.subscribe(*READERS)
    room.send(room.freeze())
    figures, status, page = told_of(room, transport)
    assert figures == dict.fromkeys(FEEDBACK, UNKNOWN)
    assert "not known: delivered, bounced, complained (no event has told)" in status
    assert "<td>Delivered" not in page
    assert re.search(r"<h2 id=\"bounces\">.*?</h2>\s*<p>not known</p>", page)


@pytest.mark.parametrize(
    ("transport", "silent"), [("smtp", UNKNOWN), ("folder", UNKNOWN), ("ses", "0 <small>0.0%</small>")]
)
def test_one_bounce_tells_of_the_others_where_the_provider_tells(tmp_path: Path, transport: str, silent: str) -> None:
    room = open_room(tmp_path)
    room.subscribe(*READERS)
    room.send(mailing := room.freeze())
    recipient = room.recipients(mailing)[READERS[0]]
    bounce = shapes.event("Bounce", shapes.mail("x", READERS[0], recipient=recipient), shapes.bounce(READERS[0]))
    figures, status, _ = told_of(room, transport, bounce)
    assert figures == {"delivered": silent, "bounced": "1 <small>12.5%</small>", "complained": silent}
    assert ("not known: delivered, complained" in status) is (transport != "ses")


def test_before_anything_left_zero_is_zero(tmp_path: Path) -> None:
    room = open_room(tmp_path)
    room.subscribe(*READERS)
    room.freeze()
    figures, status, _ = told_of(room, "smtp")
    assert figures["delivered"] == "0 <small>–</small>"
    assert "not known" not in status


def test_who_took_it_back_has_not_left(room: Room) -> None:
    with room.database.begin() as connection:
        reader = audience.find(connection, read_address(READERS[3]))
        assert reader is not None
        audience.stay(connection, reader, ConsentSource.LINK)
    report = read_report(room.database, room.config, SLUG)
    assert report is not None
    assert report.unsubscribed == 1


def test_an_issue_that_was_not_frozen_has_no_report(room: Room) -> None:
    assert read_report(room.database, room.config, "2026-05-11-weekly") is None


class Outside(HTMLParser):
    """Everything a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe", "object"} or any(k in {"src", "href", "style"} for k, _ in attrs):
            self.found.append(tag)


def test_the_page_stands_alone_and_names_no_reader(room: Room, report: MailingReport) -> None:
    page = render_report(report, room.config)
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"[\w.]+@(?:example|private)", page)
    assert "private.example" not in page.replace("u=(address)", "")
    assert "&lt;b&gt;" in page
    assert "Mozilla" not in page


@pytest.mark.parametrize(
    ("language", "said"), [("zh-CN", "投递报告"), ("ja", "配信レポート"), ("sv", "Delivery report")]
)
def test_the_page_speaks_the_newsletters_language(room: Room, report: MailingReport, language: str, said: str) -> None:
    assert said in render_report(replace(report, language=language), room.config)


def test_an_account_that_does_not_sum_is_an_alarm(room: Room, report: MailingReport) -> None:
    assert 'class="alarm"' not in render_report(report, room.config)
    assert 'class="alarm"' in render_report(replace(report, counted=10), room.config)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    sheet: Any, axe: Callable[..., list[dict[str, Any]]], room: Room, report: MailingReport, scheme: str
) -> None:
    sheet.set_viewport_size({"width": 375, "height": 800})
    sheet.emulate_media(color_scheme=scheme)
    sheet.set_content(render_report(dataclasses.replace(report, language="ar"), room.config))
    assert axe(sheet) == []
    assert sheet.evaluate("document.documentElement.scrollWidth") == 375
    assert sheet.evaluate("getComputedStyle(document.querySelector('footer code')).direction") == "ltr"  # a slug


def test_the_command_writes_the_page(room: Room) -> None:
    ran = run(room, "report", SLUG, "--out", "out/report.html")
    assert (ran.returncode, ran.stdout) == (0, "out/report.html\n")
    written = (room.config.root / "out" / "report.html").read_text(encoding="utf-8")
    piped = run(room, "report", SLUG).stdout
    assert "<!doctype html>" in written
    assert re.sub("Written.*", "", piped) == re.sub("Written.*", "", written)
    assert "Opens and clicks" not in written  # this config.yaml does not ask for them
    assert run(room, "report", "2026-05-11-weekly").returncode == 2


def test_two_issues_stand_side_by_side_by_domain_too(room: Room) -> None:
    later = "2026-05-11-weekly"
    mailing = room.freeze(later)
    room.send(mailing)
    recipients = room.recipients(mailing)
    ben = READERS[-1]
    room.apply(shapes.event("Delivery", shapes.mail("x", ben, recipient=recipients[ben]), shapes.delivery(ben)))
    config = "service: {url: https://letters.example.com/}\ndelivery: {transport: ses}\n"
    ran = run(room, "report", later, "--compare", SLUG, config=config)
    rows = [re.split(r"  +", line.strip()) for line in ran.stdout.splitlines()]
    assert (ran.returncode, rows[0]) == (0, [SLUG, later, "change"])
    assert ["submitted", "8", "4"] in rows
    assert ["delivered", "5 (62.50%)", "1 (25.00%)", "-37.50"] in rows
    assert ["unsubscribed", "2 (25.00%)", "0 (0.00%)", "-25.00"] in rows
    assert ["example.com delivered", "5 (83.33%)", "–"] in rows
    assert ["all others delivered", "0 (0.00%)", "1 (25.00%)", "+25.00"] in rows
    told = json.loads(run(room, "report", later, "--compare", SLUG, "--format", "json").stdout)
    assert [(told[key]["issue"], told[key]["account"]["delivered"]) for key in ("issue", "compare")] == [
        (later, 1),
        (SLUG, 5),
    ]
    assert told["compare"]["domains"][0]["name"] == "example.com"
    assert "@" not in ran.stdout + json.dumps(told)


def test_an_issue_compared_with_one_that_was_not_sent_says_which(room: Room) -> None:
    (room.config.root / "issues" / "2026-05-18-weekly").mkdir()
    (room.config.root / "issues" / "2026-05-18-weekly" / "issue.yaml").write_text("title: x\n")
    ran = run(room, "report", SLUG, "--compare", "2026-05-18-weekly")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "2026-05-18-weekly has not been sent" in ran.stderr
    assert run(room, "report", SLUG, "--compare", SLUG, "--out", "x.html").returncode == 2


def test_json_has_what_the_page_shows(room: Room) -> None:
    told = json.loads(run(room, "report", SLUG, "--format", "json").stdout)
    assert (told["issue"], told["unsubscribed"], told["account"]["submitted"]) == (SLUG, 2, 8)
    assert told["bounces"] == [{"type": "permanent", "subtype": "General", "count": 1}]
    assert told["timeline"]


@pytest.mark.postgres
def test_the_same_on_postgresql(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    room = open_room(tmp_path)
    room.subscribe(*READERS)
    mailing = room.freeze()
    room.send(mailing)
    recipients = room.recipients(mailing)
    bounce = shapes.notification("Bounce", shapes.mail(f"m-{recipients[READERS[5]]}"), shapes.bounce(READERS[5]))
    click = shapes.event(
        "Click", shapes.mail("", recipient=recipients[READERS[1]]), {"userAgent": "x", "link": "https://x.example/"}
    )
    feedback = room.config.feedback.model_copy(update={"opens_and_clicks": True})
    room.config = room.config.model_copy(update={"feedback": feedback})
    assert room.apply(bounce, bounce, click).changed == 1
    assert room.apply(bounce, click).changed == 0
    report = read_report(room.database, room.config, SLUG)
    assert report is not None
    assert (report.account.bounced, report.balanced, room.suppressed()) == (1, True, {READERS[5]: "bounce"})
    assert [(d.name, d.submitted, d.bounced) for d in report.domains] == [("example.com", 6, 1), (None, 2, 0)]
    assert report.timeline
    assert report.tracking is not None
    assert [(link.url, link.readers) for link in report.tracking.links] == [("https://x.example/", 1)]
    room.database.close()


def read_all(config: Config) -> None:
    opened = open_database(config)
    statuses(config, opened)
    read_report(opened, config, SLUG)
    with opened.connect() as connection:
        audience.find(connection, read_address("ann@example.com"))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE mailings SET letter = '{'",
        "UPDATE mailings SET letter = CAST(x'22ff22' AS TEXT)",
        "UPDATE mailings SET frozen_at = 'once'",
        "UPDATE recipients SET state = 'tubmitted'",
        "UPDATE subscribers SET mailbox_key = CAST('a' || x'ff' || '@example.com' AS TEXT)",
        "ALTER TABLE recipients DROP COLUMN bounce",
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = CAST(sql || x'ff' AS TEXT) WHERE name = 'paces'",
    ],
)
def test_a_damaged_value_is_a_corrupt_database_and_is_not_shown(tmp_path: Path, damage: str) -> None:
    """SQLite has no checksums: damage shows where a value is read, and a driver's words may hold an address."""
    path = tmp_path / ".publisher/publisher.db"
    room = open_room(tmp_path)
    room.subscribe("ann@example.com")
    room.send(room.freeze())
    room.database.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(damage)
    connection.close()
    with pytest.raises(DatabaseError) as raised:
        read_all(room.config)
    assert f"{path} is corrupt" in raised.value.message
    assert "example" not in raised.value.message
    assert "move it away, with its -wal and -shm, then publisher restore BACKUP" in str(raised.value.help)


def test_clicks_on_counted_links_stand_in_the_report_with_the_share_of_machines(tmp_path: Path) -> None:
    from collections import Counter

    from publisher.delivery.freeze import freeze
    from publisher.edition.model import Slotted
    from publisher.feedback.store import count_clicks
    from publisher.mail.message import MailContent

    room, body = open_room(tmp_path), Slotted(("hello",))
    room.subscribe(READERS[0])
    targets = ("https://example.com/?a=1&b=2", "https://example.com/<b>")
    numbered = tuple(enumerate(targets, 1))
    with room.database.begin() as connection:
        freeze(connection, MailContent(SLUG, "Weekly", body, "en", "sha256:0", None, body, body, links=numbered))
        for day in ("2026-05-04", "2026-05-05"):
            count_clicks(connection, Counter({(SLUG, 1, day, False): 3, (SLUG, 1, day, True): 1}))
        count_clicks(connection, Counter({(SLUG, 9, "2026-05-04", False): 5, ("another", 1, "2026-05-04", False): 7}))
    found = read_report(room.database, room.config, SLUG)
    assert found is not None
    assert [tuple(link) for link in found.clicks] == [(1, targets[0], 6, 2), (2, targets[1], 0, 0)]
    page = render_report(found, room.config)
    assert re.search(r"1 · https://example.com/\?a=1&amp;b=2</th><td class=\"n\">6</td><td class=\"n\">2</td>", page)
    assert "25.0%" in page
    assert "https://example.com/<b>" not in page
    assert 'id="clicks"' not in render_report(replace(found, clicks=()), room.config)
    room.database.close()
