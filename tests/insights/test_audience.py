"""The audience at a glance: right numbers on both databases, nobody who could be guessed, no address."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState
from publisher.audience.suppressions import Reason, erase, suppress
from publisher.audience.tables import forgotten
from publisher.insights.audience import AudienceReport, ConsentOrigin, Share
from publisher.insights.audience import audience as read_audience
from publisher.insights.page import render_audience
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room, open_room
from tests.feedback.test_commands import run

NOW = datetime.now(UTC)
BIG = [f"reader{i}@example.com" for i in range(12)]
SMALL = [f"solo{i}@small{i}.example" for i in range(9)]
LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)


@pytest.fixture
def room(dialect: str, tmp_path: Path) -> Iterator[Room]:
    """21 confirmed and one pending; of them one left by a mailing's link, one bounced, one complained, one erased."""
    room = open_room(tmp_path)
    room.subscribe(*BIG, *SMALL)
    mailing = room.freeze()
    room.send(mailing)
    recipients = room.recipients(mailing)
    room.apply(
        shapes.event("Bounce", shapes.mail("b", BIG[1], recipient=recipients[BIG[1]]), shapes.bounce(BIG[1])),
        shapes.event("Complaint", shapes.mail("c", "", recipient=recipients[SMALL[0]]), shapes.complaint(SMALL[0])),
    )
    with room.database.begin() as connection:
        reader = store.find(connection, read_address(BIG[0]))
        assert reader is not None
        store.unsubscribe(connection, reader, ConsentSource.ONE_CLICK, {"mailing": mailing.reference})
        erase(connection, read_address(SMALL[1]))
        form = {"how": ConsentSource.FORM, "state": ConsentState.PENDING}
        both = store.add(connection, read_address("both@example.com"), **form, language="de", topics=["ai", "rare"])
        store.confirm(connection, both, ConsentSource.LINK)
        for name in ("waits", "goes"):
            found = store.add(connection, read_address(f"{name}@example.com"), **form)
        store.unsubscribe(connection, found, ConsentSource.LINK)  # was pending: no reader is lost
        past = store.add(connection, read_address("past@example.com"), how=ConsentSource.COMMAND)
        suppress(connection, past.mailbox_key, Reason.MANUAL)
        left = store.add(
            connection, read_address("l@example.com"), how=ConsentSource.IMPORT, state=ConsentState.UNSUBSCRIBED
        )
        suppress(connection, left.mailbox_key, Reason.PROVIDER)  # had left before: not lost twice
        suppress(connection, "stranger@example.net", Reason.BOUNCE)
        connection.execute(insert(forgotten).values(digest="0" * 64, at=LONG_AGO))
    yield room
    room.database.close()


def read(room: Room, **config: Any) -> AudienceReport:
    with room.database.connect() as connection:
        return read_audience(connection, room.config.model_copy(update=config), NOW)


def test_every_number_is_right_on_both_databases(room: Room) -> None:
    found = read(room)
    assert found.readers == 12 + 9 - 4 + 1
    assert found.states == {"pending": 1, "confirmed": 20, "unsubscribed": 4, "paused": 0, "suppressed": 5}
    assert found.consent == (ConsentOrigin("import", "import", 17), ConsentOrigin("form", "link", 1))
    assert found.languages == (Share("en", 17), Share("de", 1))
    expected = {"unsubscribed": 1, "bounce": 1, "complaint": 1, "manual": 1, "provider": 0, "silent": 0, "erased": 1}
    assert found.lost == expected
    assert [(each.issue, each.audience, each.unsubscribed, each.bounce, each.complaint) for each in found.issues] == [
        (SLUG, 21, 1, 1, 1)
    ]


def test_a_month_ends_with_what_began_the_next(room: Room) -> None:
    with room.database.begin() as connection:
        reader = store.find(connection, read_address("both@example.com"))
        assert reader is not None
        store.record(connection, reader.id, ConsentEvent.RESUBSCRIBED, ConsentSource.LINK, at=LONG_AGO)
    months = read(room).months
    assert len(months) == 12
    assert months[-1].month == NOW.strftime("%Y-%m")
    assert (months[-1].joined, months[-1].readers) == (22, 18)
    assert [(month.joined, month.readers) for month in months[:-1]] == [(0, 0)] * 11
    for before, after in pairwise(months):
        kept = sum(after.lost.values()) - after.lost["erased"]
        assert after.readers == before.readers + after.joined - kept


def test_a_domain_of_fewer_than_ten_readers_is_not_named(room: Room) -> None:
    assert read(room).domains == (Share("example.com", 11), Share(None, 7))
    with room.database.begin() as connection:
        for address in BIG[2:4]:
            suppress(connection, address, Reason.MANUAL)
    assert read(room).domains == (Share(None, 16),)


def test_a_topic_of_few_readers_is_named_where_config_declares_it(room: Room) -> None:
    assert read(room).topics == (Share(None, 2),)
    assert read(room, topics={"ai": "AI"}).topics == (Share("ai", 1), Share(None, 1))


def test_no_row_of_a_subscriber_passes_through_python(room: Room) -> None:
    """Whatever is asked returns as many rows as there are groups: at most one for each name shown, month or mailing."""
    fetched: list[str] = []

    def hear(*told: Any) -> None:
        fetched.append(told[2].upper())

    event.listen(room.database.engine, "before_cursor_execute", hear)
    read(room)
    asked = [text for text in fetched if "SELECT" in text]
    assert asked
    assert [text for text in asked if not re.search("COUNT|SUM|GROUP BY|FROM MAILINGS", text)] == []
    assert [text for text in asked if "SUBSCRIBERS.ADDRESS" in text] == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_the_page_and_the_words_name_no_reader(room: Room) -> None:
    page = render_audience(read(room), room.config)
    assert "<svg" in page
    for written in (page, run(room, "audience").stdout, run(room, "audience", "--format", "json").stdout):
        assert "example.com" in written
        assert "@" not in re.sub(r"@(media|page)", "", written)
        assert not re.search(r"small\d|solo|stranger", written)
    assert not re.search(r"(?:src|href|style)=|url\(|@import|<script", page)


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "流失原因"), ("de", "Verluste nach Grund"), ("sv", "Growth")])
def test_the_page_speaks_the_newsletters_language(tmp_path: Path, language: str, said: str) -> None:
    room = open_room(tmp_path)
    newsletter = room.config.newsletter.model_copy(update={"language": language})
    with room.database.connect() as connection:
        found = read_audience(connection, room.config, NOW)
    assert said in render_audience(found, room.config.model_copy(update={"newsletter": newsletter}))


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_the_command_writes_json_and_a_page(room: Room) -> None:
    found = json.loads(run(room, "audience", "--format", "json").stdout)
    assert (found["readers"], found["pending"], found["lost"]["bounce"]) == (18, 1, 1)
    assert found["domains"] == [{"name": "example.com", "readers": 11}, {"name": None, "readers": 7}]
    assert len(found["months"]) == 12
    ran = run(room, "audience", "--html", "out/audience.html")
    assert (ran.returncode, ran.stdout) == (0, "out/audience.html\n")
    assert "<!doctype html>" in (room.config.root / "out" / "audience.html").read_text(encoding="utf-8")
    (room.config.root / "file").write_text("")
    refused = run(room, "audience", "--html", "file/audience.html")
    assert refused.returncode == 2
    assert "--html" in refused.stderr


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    sheet: Any, axe: Callable[..., list[dict[str, Any]]], tmp_path: Path, scheme: str
) -> None:
    room = open_room(tmp_path)
    room.subscribe(*BIG)
    sheet.set_viewport_size({"width": 375, "height": 800})
    sheet.emulate_media(color_scheme=scheme)
    arabic = room.config.newsletter.model_copy(update={"language": "ar"})
    sheet.set_content(render_audience(read(room), room.config.model_copy(update={"newsletter": arabic})))
    assert axe(sheet) == []
    assert sheet.evaluate("document.documentElement.scrollWidth") == 375
    assert sheet.evaluate("getComputedStyle(document.querySelector('tbody th')).paddingRight") == "0px"
    lines = "[...document.querySelectorAll('time')].map(one => one.getClientRects().length)"
    assert set(sheet.evaluate(lines)) == {1}
