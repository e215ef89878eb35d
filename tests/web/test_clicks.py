"""``/r/<issue>/<number>`` over HTTP: it redirects, counts people and machines apart, and identifies nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from publisher.audience.tables import subscribers
from publisher.config.model import Config, Newsletter
from publisher.delivery.freeze import freeze
from publisher.delivery.series import admit
from publisher.edition.model import Slotted
from publisher.feedback.tables import clicks
from publisher.mail.message import MailContent
from publisher.web.app import create_app
from publisher.web.clicks import BURST
from publisher.web.forms import Limiter
from publisher.web.service import Service as WebService
from tests.web.conftest import Site, serve

SLUG = "2026-05-04-weekly"
TARGETS = (
    "https://example.com/a?x=1&y=2", "https://example.com/路径;v=1#片段", "https://example.com/%E8%B7%AF?q=%26",
    *(f"https://example.com/{n}" for n in range(4, 10)),
)  # fmt: skip
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for found in serve(tmp_path, monkeypatch, Limiter(), tracking="clicks"):
        found.client.headers["user-agent"] = BROWSER
        mail(found, TARGETS)
        yield found


def letter_of(slug: str, targets: tuple[str, ...], digest: str) -> MailContent:
    body = Slotted(("hello",))
    return MailContent(slug, "Weekly", body, "en", digest, None, body, body, links=tuple(enumerate(targets, 1)))


def mail(
    site: Site,
    targets: tuple[str, ...],
    *,
    digest: str = "sha256:0",
    correction: bool = False,
) -> None:
    site.add(f"reader-{digest[-1]}@example.com")
    letter = letter_of(SLUG, targets, digest)
    with site.service.database.begin() as connection:
        if correction:
            from publisher.delivery.mailings import finish, newest

            finish(connection, newest(connection, SLUG).id)  # type: ignore[union-attr]
        freeze(connection, letter, correction=correction)


def counted(site: Site, clicks_made: int) -> dict[int, tuple[int, int]]:
    """People and machines by number, once so many clicks are written: that is a moment after the answer."""
    for _ in range(500):
        with site.service.database.connect() as connection:
            found = {row.number: (row.people, row.machines) for row in connection.execute(select(clicks))}
        if sum(map(sum, found.values())) >= clicks_made:
            break
        time.sleep(0.02)
    return found


def test_a_link_leads_to_its_target_without_a_cookie_or_a_copy_kept(site: Site) -> None:
    locations = []
    for number in range(1, len(TARGETS) + 1):
        answer = site.client.get(f"/r/{SLUG}/{number}")
        assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
        assert "set-cookie" not in answer.headers
        locations.append(answer.headers["location"])
    assert locations[:3] == [
        "https://example.com/a?x=1&y=2",
        "https://example.com/%E8%B7%AF%E5%BE%84;v=1#%E7%89%87%E6%AE%B5",
        "https://example.com/%E8%B7%AF?q=%26",
    ]
    assert site.client.get(f"/r/{SLUG}/1/").headers["location"] == "../1"


@pytest.mark.parametrize("path", [
    f"/r/{SLUG}/{len(TARGETS) + 1}", f"/r/{SLUG}/0", f"/r/{SLUG}/01", f"/r/{SLUG}/x", f"/r/{SLUG}/{'9' * 5000}",
    f"/r/{SLUG}/1/2", "/r/2026-05-11-weekly/1", "/r/https://evil.example/1", "/r/", f"/r/{SLUG}",
])  # fmt: skip
def test_what_no_mail_had_is_not_there(site: Site, path: str) -> None:
    answer = site.client.get(path, follow_redirects=True)
    assert answer.status_code == 404
    assert "evil.example" not in answer.headers.get("location", "")


@pytest.mark.postgres
def test_no_database_stumbles_over_a_name_that_no_issue_can_have(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    newsletter = Newsletter(**{"name": "n", "url": "https://n.example/", "from": "a@n.example"})
    with TestClient(create_app(WebService.open(Config(newsletter=newsletter, root=tmp_path)))) as client:
        assert [client.get(f"/r/{name}/1").status_code for name in ("%00", "a%00b", "%ff", "a%0Ab")] == [404] * 4


def test_a_step_of_a_series_has_slashes_in_its_name_and_its_links_lead_on_too(site: Site) -> None:
    site.add("reader@example.com")
    with site.service.database.begin() as connection:
        letter, everybody = letter_of("series/welcome/hello", TARGETS[:1], "sha256:2"), select(subscribers.c.reference)
        assert admit(connection, letter, None, everybody, datetime.now(UTC), "en")
    assert site.client.get("/r/series/welcome/hello/1").headers["location"] == TARGETS[0]
    assert site.client.get("/r/series/welcome/hello/1/").headers["location"] == "../1"
    assert site.client.get("/r/series/welcome/hello/2").status_code == 404


def test_readers_and_machines_are_counted_apart_and_head_is_not(site: Site) -> None:
    site.client.get(f"/r/{SLUG}/1")
    site.client.get(f"/r/{SLUG}/1")
    for headers in ({"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"}, {"user-agent": "python-httpx/0.28"},
                    {"user-agent": ""}, {"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}):  # fmt: skip
        assert site.client.get(f"/r/{SLUG}/2", headers=headers).status_code == 302
    assert site.client.head(f"/r/{SLUG}/3").status_code == 302
    assert site.client.post(f"/r/{SLUG}/3").status_code == 405
    assert counted(site, 7) == {1: (2, 0), 2: (0, 5)}


def test_who_follows_one_link_after_another_was_a_machine_from_the_first(site: Site) -> None:
    for number in range(1, BURST):
        site.client.get(f"/r/{SLUG}/{number}")
    assert set(counted(site, BURST - 1).values()) == {(1, 0)}
    for number in (BURST, 1):
        site.client.get(f"/r/{SLUG}/{number}")
    site.client.get(f"/r/{SLUG}/1", headers={"user-agent": BROWSER + " another"})
    assert counted(site, BURST + 2) == {1: (1, 2), **dict.fromkeys(range(2, BURST + 1), (0, 1))}


def test_nothing_about_people_who_click_is_stored(site: Site) -> None:
    agent = BROWSER + " Unmistakable/7"
    site.client.get(f"/r/{SLUG}/1", headers={"user-agent": agent})
    assert counted(site, 1) == {1: (1, 0)}
    site.service.database.close()
    for file in (site.root / ".publisher").rglob("*"):
        assert not file.is_file() or b"Unmistakable" not in file.read_bytes(), file
    assert {column.name for column in clicks.columns} == {"slug", "number", "day", "people", "machines"}


def test_a_correction_leads_where_it_says_and_what_only_the_first_mail_had_still_leads_on(site: Site) -> None:
    mail(site, ("https://example.com/corrected",), digest="sha256:1", correction=True)
    found = [site.client.get(f"/r/{SLUG}/{number}").headers["location"] for number in (1, len(TARGETS))]
    assert found == ["https://example.com/corrected", TARGETS[-1]]


def test_switched_off_links_lead_on_and_nothing_is_counted(site: Site) -> None:
    config = site.service.config
    off = config.model_copy(update={"newsletter": config.newsletter.model_copy(update={"tracking": "off"})})
    object.__setattr__(site.service, "config", off)
    assert site.client.get(f"/r/{SLUG}/1").status_code == 302
    site.settled()
    assert counted(site, 0) == {}


def test_clicks_that_come_while_the_disk_is_busy_are_all_counted(site: Site) -> None:
    with site.service.database.begin() as connection:  # the writer's lock
        connection.exec_driver_sql("UPDATE subscribers SET name = ''")
        for _ in range(3):
            assert site.client.get(f"/r/{SLUG}/1").status_code == 302
    assert counted(site, 3) == {1: (3, 0)}
