"""Feeds and the sitemap, read by real parsers."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.site.archive import Archive, arrange
from publisher.site.build import site_files
from publisher.site.feeds import ISSUES_IN_FEED, Feed, atom_feed, feeds_of, items_feed, json_feed, llms, sitemap
from tests.site.editions import COVER, make_config, make_edition, make_story, moment

ATOM = {"a": "http://www.w3.org/2005/Atom"}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def atom(editions: list[Edition], root: Path, **changes: Any) -> ElementTree.Element:
    return ElementTree.fromstring(atom_feed(*main_feed(make_config(root, **changes), arrange(editions))))


def main_feed(config: Config, archive: Archive) -> tuple[Config, Feed]:
    return config, feeds_of(config, archive)[0]


def text(element: ElementTree.Element, path: str) -> str:
    found = element.find(path, ATOM)
    assert found is not None
    return found.text or ""


def test_atom_has_what_rfc_4287_requires(tmp_path: Path) -> None:
    feed = atom([make_edition(authors=("甲", "乙"), tags=("ai",)), make_edition("2024-12-22-x")], tmp_path)
    assert feed.attrib[LANG] == "zh-CN"
    assert text(feed, "a:id") == "tag:news.example.com,2024:feed"
    assert text(feed, "a:author/a:name") == "AI 周报"
    entries = feed.findall("a:entry", ATOM)
    assert [text(entry, "a:title") for entry in entries] == ["AI 周报｜一周"] * 2
    for entry in entries:
        assert datetime.fromisoformat(text(entry, "a:updated")).utcoffset() is not None
        content = entry.find("a:content", ATOM)
        assert content is not None
        assert content.attrib["type"] == "html"
        assert "头条的正文" in (content.text or "")
        assert "<h1>" not in (content.text or "")
    assert [name.text for name in entries[0].findall("a:author/a:name", ATOM)] == ["甲", "乙"]
    assert text(feed, "a:updated") == text(entries[0], "a:updated")


def test_a_link_to_a_story_of_the_issue_leads_to_its_page_and_one_to_a_note_to_the_note(tmp_path: Path) -> None:
    inside = '<a title="1" href="#b">b</a> <a href="#fn-a-1" id="fnref-a-1">[1]</a> &lt;a href="#c"'
    shown = inside.replace('"#b"', '"https://news.example.com/issues/2024-12-29-weekly/#b"')
    edition = make_edition(web=f"<article><p>{inside}</p></article>", stories=(make_story(html=f"<p>{inside}</p>"),))
    config, archive = make_config(tmp_path), arrange([edition])
    for feed in (atom_feed(*main_feed(config, archive)), items_feed(config, archive)):
        assert shown in text(ElementTree.fromstring(feed), "a:entry/a:content")
    assert shown in json.loads(json_feed(*main_feed(config, archive)))["items"][0]["content_html"]


@pytest.mark.parametrize(("language", "wrapped"), [("ar", True), ("he", True), ("en", False)])
def test_what_runs_from_right_to_left_says_so_in_every_feed(tmp_path: Path, language: str, wrapped: bool) -> None:
    config, made = make_config(tmp_path), [make_edition(language=language, stories=(make_story(),))]
    archive = arrange(made)
    for feed in (atom_feed(*main_feed(config, archive)), items_feed(config, archive)):
        content = text(ElementTree.fromstring(feed), "a:entry/a:content")
        assert content.startswith('<div dir="rtl">') is wrapped
    content = json.loads(json_feed(*main_feed(config, archive)))["items"][0]["content_html"]
    assert content.startswith('<div dir="rtl">') is wrapped


def test_an_identifier_stays_when_title_date_and_number_change(tmp_path: Path) -> None:
    one = atom([make_edition(number=1)], tmp_path)
    other = atom([make_edition(number=2, title="新", publish_at=moment("2025-01-01T08:00:00+08:00"))], tmp_path)
    assert (
        text(one, "a:entry/a:id") == text(other, "a:entry/a:id") == "tag:news.example.com,2024:issues/2024-12-29-weekly"
    )


def test_identifiers_are_unique_in_the_feed_of_items(tmp_path: Path) -> None:
    stories = (make_story("a"), make_story("b", "次条"))
    editions = [make_edition(stories=stories), make_edition("2024-12-22-x", stories=stories)]
    feed = ElementTree.fromstring(items_feed(make_config(tmp_path), arrange(editions)))
    ids = [element.text for element in feed.findall("a:entry/a:id", ATOM)]
    assert len(set(ids)) == len(ids) == 4
    links = [element.attrib["href"] for element in feed.findall("a:entry/a:link", ATOM)]
    assert links[1] == "https://news.example.com/issues/2024-12-29-weekly/#b"


def test_hostile_and_odd_characters_leave_well_formed_xml(tmp_path: Path) -> None:
    odd = "]]> <b> & \x00\x08\x0b\ufffe \ud800 𠮷 e\u0301 {{ x }}"
    edition = make_edition(
        title=odd, preheader=odd, authors=(odd,), tags=(odd,), stories=(make_story(headline=odd),), web="<p>x</p>"
    )
    config, archive = make_config(tmp_path, newsletter={"name": odd}), arrange([edition])
    made = [atom_feed(config, feed) for feed in feeds_of(config, archive)]
    assert len(made) == 3
    for feed in map(ElementTree.fromstring, (*made, items_feed(config, archive))):
        assert "𠮷 e\u0301 {{ x }}" in text(feed, "a:title")
        assert "]]> <b> &" in text(feed, "a:entry/a:title")
    json.loads(json_feed(*main_feed(make_config(tmp_path), arrange([edition]))))


def test_json_feed_has_what_version_1_1_requires(tmp_path: Path) -> None:
    edition = make_edition(cover=COVER, assets=(COVER,), tags=("ai",))
    feed = json.loads(json_feed(*main_feed(make_config(tmp_path), arrange([edition]))))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "https://news.example.com/feed.json"
    assert feed["language"] == "zh-CN"
    (item,) = feed["items"]
    assert {"id", "url", "title", "content_html", "date_published", "authors"} <= item.keys()
    assert item["url"] == "https://news.example.com/issues/2024-12-29-weekly/"
    assert item["image"] == "https://news.example.com/assets/cover.0123456789ab.png"
    assert item["authors"] == [{"name": "AI 周报"}]


def test_a_date_without_a_time_is_midnight_in_the_newsletters_zone(tmp_path: Path) -> None:
    feed = atom([make_edition()], tmp_path)
    assert text(feed, "a:entry/a:updated") == "2024-12-29T00:00:00+08:00"


def test_publish_at_is_when_an_entry_is_dated(tmp_path: Path) -> None:
    feed = atom([make_edition(publish_at=moment("2024-12-29T08:30:00+09:00"))], tmp_path)
    assert text(feed, "a:entry/a:published") == "2024-12-29T08:30:00+09:00"


def test_drafts_reach_no_feed_and_no_sitemap(tmp_path: Path) -> None:
    config, archive = make_config(tmp_path), arrange([make_edition(draft=True, tags=("secret",))])
    made = [make(config, feed) for feed in feeds_of(config, archive) for make in (atom_feed, json_feed)]
    for file in (*made, items_feed(config, archive), sitemap(config, archive)):
        assert b"2024-12-29-weekly" not in file
        assert b"secret" not in file


def test_a_feed_of_nothing_is_still_a_feed(tmp_path: Path) -> None:
    feed = atom([], tmp_path)
    assert datetime.fromisoformat(text(feed, "a:updated")).tzinfo is not None
    assert json.loads(json_feed(*main_feed(make_config(tmp_path), arrange([]))))["items"] == []


def test_only_the_newest_issues_are_in_the_feed(tmp_path: Path) -> None:
    editions = [make_edition(f"2024-{m:02}-{d:02}-x") for m in range(1, 7) for d in range(1, 10)]
    entries = atom(editions, tmp_path).findall("a:entry", ATOM)
    assert len(entries) == ISSUES_IN_FEED
    assert text(entries[0], "a:id").endswith("2024-06-09-x")


@pytest.mark.parametrize("base", ["https://example.com/news/", "http://localhost:8000/"])
def test_the_sitemap_lists_every_page_once_below_the_base(tmp_path: Path, base: str) -> None:
    editions = [make_edition(tags=("ai", "人工智能")), make_edition("2024-12-22-x", tags=("AI",))]
    tree = ElementTree.fromstring(sitemap(make_config(tmp_path, newsletter={"url": base}), arrange(editions)))
    found = [element.text or "" for element in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert len(found) == len(set(found)) == 6
    assert all(url.startswith(base) and url.isascii() for url in found)


def test_llms_txt_leads_to_feeds_years_and_topics_and_the_next_issue_leaves_it_alone(tmp_path: Path) -> None:
    config = make_config(tmp_path, newsletter={"description": "One letter a week."})
    one, two = make_edition(tags=("a]b\n(x)",)), make_edition("2024-12-22-x", tags=("a]b\n(x)",))
    made = llms(config, arrange([one])).decode()
    assert made.startswith("# AI 周报\n\n> One letter a week.\n\n## Feeds\n")
    assert "- [2024](https://news.example.com/archive/2024/)" in made
    (topic,) = [line for line in made.splitlines() if "tags/" in line]
    assert topic.startswith("- [a b (x)](https://news.example.com/tags/")
    assert llms(config, arrange([one, two])).decode() == made


def test_home_screens_and_feeds_have_a_square_icon_of_the_initial_or_of_the_picture_given(tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), "#00f").save(tmp_path / "own.png")
    for theme, colour in (({}, (0xA4, 0x37, 0x1C)), ({"icon": "own.png", "logo": "own.png"}, (0, 0, 255))):
        config = make_config(tmp_path, theme=theme)
        files = {file.path: file.content for file in site_files(config, arrange([make_edition()]))}
        (touch,) = LexborHTMLParser(files["issues/2024-12-29-weekly/index.html"].decode()).css("[rel=apple-touch-icon]")
        image = Image.open(io.BytesIO(files[str(touch.attributes["href"]).removeprefix("../../")])).convert("RGB")
        assert image.size == (180, 180)
        assert image.getpixel((20, 90)) == colour
        assert image.getcolors() != [(180 * 180, colour)]
        made = json.loads(files["feed.json"])
        assert {made["icon"], made["favicon"]} <= {f"https://news.example.com/{path}" for path in files}
        feed = ElementTree.fromstring(files["feed.xml"])
        assert (feed.findtext("{*}icon") or "").startswith("https://news.example.com/assets/icon-180.")
        assert (feed.find("{*}logo") is not None) == ("logo" in theme)
