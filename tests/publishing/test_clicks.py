"""Counted links from the mail to the archive: the page of a link outlives the service, the issue and the setting."""

from __future__ import annotations

import email
import email.policy
import json
import re
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

from tests.acceptance.conftest import CONFIG

from .newsroom import SLUG, Newsroom

TRACKED = CONFIG.replace("newsletter:\n", "newsletter:\n  tracking: clicks\n", 1) + "deploy: {path: live}\n"


def hrefs(message: Path) -> list[str]:
    found = email.message_from_bytes(message.read_bytes(), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    body = found.get_body(("html",))
    assert body is not None
    return re.findall(r'<a [^>]*?href="([^"]+)"', body.get_content())


class Page(HTMLParser):
    """What a reader's browser makes of a page that leads on."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: dict[str, str | None] = {}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("http-equiv") == "refresh":
            self.found["refresh"] = (values["content"] or "").removeprefix("0; url=")
        if tag == "a" or values.get("rel") == "canonical":
            self.found[tag] = values["href"]
        assert tag != "script"


def twins(room: Newsroom) -> dict[str, dict[str, str | None]]:
    return {path.parent.name: Page(path).found for path in sorted((room.root / "live" / "r" / SLUG).glob("*/*.html"))}


def test_a_link_of_the_mail_leads_on_from_the_archive_whatever_becomes_of_the_issue(newsroom: Newsroom) -> None:
    newsroom.newsletter.write("config.yaml", TRACKED)
    newsroom.newsletter.write(".gitignore", "dist\nlive\noutbox\n.publisher\npeople.csv\n")
    newsroom.git("init", "-q", "-b", "main")
    newsroom.issue(body="见[一](https://example.com/1?a=1&b=2)和[二](https://example.com/2)。")
    newsroom.commit("The issue")
    newsroom.subscribers("ann@example.com")
    assert newsroom.run("publish").status == 0
    (message,) = (newsroom.root / "outbox" / SLUG).glob("*.eml")
    numbered = [link for link in hrefs(message) if "/r/" in link]
    assert [link.rpartition("/")[2] for link in numbered] == [str(n) for n in range(1, len(numbered) + 1)]
    assert newsroom.run("verify", str(message)).status == 0

    before = twins(newsroom)
    assert len(before) == len(numbered)
    assert all(page["refresh"] == page["link"] == page["a"] for page in before.values())
    assert {"https://example.com/1?a=1&b=2", "https://example.com/2"} <= {page["a"] for page in before.values()}
    assert "/r/" not in (newsroom.root / "live" / "issues" / SLUG / "index.html").read_text()
    assert "/r/" not in (newsroom.root / "live" / "sitemap.xml").read_text()

    newsroom.issue(body="见[零](https://example.com/0)、[一](https://example.com/1?a=1&b=2)。")
    newsroom.newsletter.write("config.yaml", TRACKED.replace("tracking: clicks", "tracking: off"))
    newsroom.commit("Another link in front, and nothing is counted any more")
    assert newsroom.run("publish").status == 0
    assert twins(newsroom) == before
    found = json.loads(newsroom.run("report", SLUG, "--format", "json").out)["clicks"]
    assert [(str(link["number"]), link["url"]) for link in found] == [(n, page["a"]) for n, page in before.items()]
    assert (found[0]["clicks"], found[0]["machine_clicks"]) == (0, 0)


def test_a_test_mail_has_the_links_own_addresses(newsroom: Newsroom) -> None:
    newsroom.newsletter.write("config.yaml", TRACKED)
    newsroom.issue(body="见[一](https://example.com/1)。")
    assert newsroom.run("send", SLUG, "--test", "editor@example.com").status == 0
    (message,) = (newsroom.root / "outbox" / SLUG).glob("*.eml")
    assert "https://example.com/1" in hrefs(message)
    assert not [link for link in hrefs(message) if "/r/" in link]


def test_without_tracking_there_is_no_such_folder(newsroom: Newsroom) -> None:
    newsroom.newsletter.write("config.yaml", CONFIG)
    newsroom.issue(body="见[一](https://example.com/1)。")
    assert newsroom.run("build").status == 0
    assert not (newsroom.root / "dist" / "site" / "r").exists()
