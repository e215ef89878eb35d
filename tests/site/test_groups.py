"""Pages of what issues share: tags, authors, sections, years; 24 issues a page."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.site.archive import arrange
from publisher.site.build import site_files
from tests.site.editions import COVER, make_config, make_edition, make_story


def weekly(count: int, **changes: Any) -> list[Edition]:
    return [make_edition(f"{date(2023, 1, 1) + timedelta(weeks=n)}-w{n}", **changes) for n in range(count)]


def site(config: Config, editions: list[Edition]) -> dict[str, bytes]:
    files = site_files(config, arrange(editions, config.newsletter.language))
    return {file.path: file.content for file in files if not file.path.endswith(".png")}


def page(files: dict[str, bytes], path: str) -> LexborHTMLParser:
    return LexborHTMLParser(files[f"{path}index.html"].decode())


def listed(tree: LexborHTMLParser) -> list[str]:
    return [str(node.attributes["href"]).rstrip("/").split("/")[-1] for node in tree.css(".cards a")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"authors": ("编辑 部",)}, "authors/编辑-部/"),
        ({"tags": ("AI",)}, "tags/AI/"),
        ({"stories": (make_story(section="Chips & Co"),)}, "sections/Chips--Co-7e1ae16d/"),
    ],
)
def test_each_issue_stands_on_one_of_the_pages_and_they_lead_to_each_other(
    tmp_path: Path, changes: dict[str, Any], path: str
) -> None:
    files = site(make_config(tmp_path), weekly(60, **changes))
    path = next(name for name in files if name.startswith(path[:9]) and name.endswith("/page/3/index.html"))
    path = path.removesuffix("page/3/index.html")
    pages = [page(files, path), page(files, f"{path}page/2/"), page(files, f"{path}page/3/")]
    assert [len(listed(tree)) for tree in pages] == [24, 24, 12]
    assert [slug for tree in pages for slug in listed(tree)] == [edition.slug for edition in reversed(weekly(60))]
    assert f"{path}page/1/index.html" not in files
    assert f"{path}page/4/index.html" not in files
    ways = [[node.attributes["rel"] for node in tree.css("nav.pages a")] for tree in pages]
    assert ways == [["next"], ["prev", "next"], ["prev"]]
    assert len({tree.css_first("title").text() for tree in pages}) == 3
    assert len({tree.css_first("link[rel=canonical]").attributes["href"] for tree in pages}) == 3


@pytest.mark.parametrize("kind", ["authors", "sections"])
def test_names_that_differ_only_in_case_share_the_page_of_the_oldest(tmp_path: Path, kind: str) -> None:
    def named(name: str) -> dict[str, Any]:
        return {"authors": (name,)} if kind == "authors" else {"stories": (make_story(section=name),)}

    editions = [make_edition("2024-12-22-a", **named("ADA")), make_edition("2024-12-29-b", **named("Ada"))]
    files = site(make_config(tmp_path), editions)
    assert [name for name in files if name.startswith(f"{kind}/") and name.endswith(".html")] == [
        f"{kind}/ADA/index.html"
    ]
    assert listed(page(files, f"{kind}/ADA/")) == ["2024-12-29-b", "2024-12-22-a"]


def test_the_index_shows_the_newest_24_and_leads_to_every_year(tmp_path: Path) -> None:
    files = site(make_config(tmp_path), weekly(130))
    index = page(files, "")
    lead = str(index.css_first(".lead h3 a").attributes["href"])
    assert [lead.split("/")[-2], *listed(index)] == [edition.slug for edition in reversed(weekly(130)[-24:])]
    years = [node.attributes["href"] for node in index.css("#archive a")]
    assert years == ["archive/2025/", "archive/2024/", "archive/2023/"]
    reached = [
        slug
        for name in files
        if name.startswith("archive/")
        for slug in listed(page(files, name.removesuffix("index.html")))
    ]
    assert sorted(reached) == [edition.slug for edition in weekly(130)]
    assert [node.attributes["href"] for node in page(files, "search/").css("#archive a")] == [
        f"../{at}" for at in years
    ]


def test_a_page_of_an_issue_leads_to_those_of_its_authors_and_tags(tmp_path: Path) -> None:
    edition = make_edition(authors=("甲", "乙"), tags=("ai",))
    tree = page(site(make_config(tmp_path), [edition]), f"issues/{edition.slug}/")
    assert [node.attributes["href"] for node in tree.css("a[rel=author]")] == [
        "../../authors/%E7%94%B2/",
        "../../authors/%E4%B9%99/",
    ]
    assert [node.attributes["href"] for node in tree.css("a[rel=tag]")] == ["../../tags/ai/"]


def feeds_named(tree: LexborHTMLParser) -> list[str]:
    found = [str(node.attributes["href"]) for node in tree.css("link[rel=alternate]")]
    return [href.replace("../", "").removeprefix("./") for href in found if "items" not in href]


def test_each_page_names_its_own_feeds_and_they_hold_its_issues(tmp_path: Path) -> None:
    editions = [
        make_edition("2024-12-29-b", language="en", authors=("Ada",), tags=("x",)),
        make_edition("2024-12-22-a", tags=("x",)),
    ]
    files = site(make_config(tmp_path), editions)
    own = ["feed.xml", "feed.json"]
    assert feeds_named(page(files, "tags/x/")) == ["tags/x/feed.xml", "tags/x/feed.json", *own]
    assert feeds_named(page(files, "authors/Ada/")) == ["authors/Ada/feed.xml", "authors/Ada/feed.json", *own]
    assert feeds_named(page(files, "issues/2024-12-29-b/")) == ["feed.en.xml", "feed.en.json", *own]
    assert feeds_named(page(files, "")) == [*own, "feed.en.xml", "feed.en.json", "feed.zh-cn.xml", "feed.zh-cn.json"]
    in_feed = {
        path: [item["url"].split("/")[-2] for item in json.loads(files[f"{path}.json"])["items"]]
        for path in ("tags/x/feed", "authors/Ada/feed", "feed.en", "feed.zh-cn")
    }
    assert in_feed == {
        "tags/x/feed": ["2024-12-29-b", "2024-12-22-a"],
        "authors/Ada/feed": ["2024-12-29-b"],
        "feed.en": ["2024-12-29-b"],
        "feed.zh-cn": ["2024-12-22-a"],
    }
    made = json.loads(files["feed.en.json"])
    assert (made["language"], made["feed_url"]) == ("en", "https://news.example.com/feed.en.json")


def test_one_language_has_no_feed_of_its_own(tmp_path: Path) -> None:
    files = site(make_config(tmp_path), weekly(2))
    assert [name for name in files if name.startswith("feed")] == ["feed.xml", "feed.json", "feeds/items.xml"]


def test_lists_tell_machines_what_they_list(tmp_path: Path) -> None:
    title = "</script><b>&"
    files = site(make_config(tmp_path), [make_edition(tags=("x",), title=title)])
    for path in ("", "tags/x/"):
        data = json.loads(page(files, path).css_first('script[type="application/ld+json"]').text())
        assert data["@type"] == "CollectionPage"
        assert data["mainEntity"]["itemListElement"] == [
            {
                "@type": "ListItem",
                "position": 1,
                "name": title,
                "url": "https://news.example.com/issues/2024-12-29-weekly/",
            }
        ]


def test_an_edit_of_an_old_issue_leaves_the_index_and_other_pages_alone(tmp_path: Path) -> None:
    config, editions = make_config(tmp_path), weekly(60, tags=("ai",))
    changed = [make_edition(editions[0].slug, tags=("ai",), preheader="anders"), *editions[1:]]

    def keys(given: list[Edition]) -> dict[str, Any]:
        return {file.path: getattr(file, "keys", None) for file in site_files(config, arrange(given))}

    before, after = keys(editions), keys(changed)
    narrow = [path for path in after if after[path] and after[path][0] != before[path][0]]
    assert sorted(narrow) == [
        "archive/2023/page/3/index.html",
        "feeds/items.xml",
        f"issues/{editions[0].slug}/index.html",
        f"issues/{editions[1].slug}/index.html",
        "search/2023.json",
        "sitemap.xml",
        "tags/ai/page/3/index.html",
    ]


def test_titles_in_lists_carry_language_and_direction_and_covers_their_size(tmp_path: Path) -> None:
    editions = [make_edition("2024-12-22-a", language="ar", assets=(COVER,), cover=COVER), make_edition("2024-12-29-b")]
    tree = page(site(make_config(tmp_path), editions), "archive/2024/")
    own = [(node.attributes.get("lang"), node.attributes.get("dir")) for node in tree.css("html, .cards > li")]
    assert own == [("zh-CN", "ltr"), (None, None), ("ar", "rtl")]
    assert not tree.css(".cards > li [lang]"), "a title has its item's"
    (cover,) = tree.css(".cards img")
    assert (cover.attributes["width"], cover.attributes["height"], cover.attributes["loading"]) == (
        "1200",
        "630",
        "lazy",
    )


def test_names_in_lists_that_run_the_other_way_say_so(tmp_path: Path) -> None:
    stories = [make_story(f"a{n}", name) for n, name in enumerate(("Hello, world!", "خبر", "خبر", "خبر"))]
    one = make_edition(language="ar", title="One, two!", tags=("C++", "ذكاء"), stories=stories)
    files = site(make_config(tmp_path, newsletter={"language": "ar"}), [one])
    for path, names in (
        ("", ".lead h3 a, .headlines a, #topics .topics a"),
        ("archive/2024/", ".cards a"),
        ("tags/C++/", "main h1, .cards a"),
        ("issues/2024-12-29-weekly/", ".contents a, .topics a"),
    ):
        told = {node.text(): node.attributes.get("dir") for node in page(files, path).css(names)}
        assert {name: way for name, way in told.items() if way} == {name: "ltr" for name in told if name.isascii()}


def test_the_index_of_520_issues_stays_light(tmp_path: Path) -> None:
    changes = {"subtitle": "A line of forty characters or thereabouts", "assets": (COVER,), "cover": COVER}
    topics = [f"topic-{n}" for n in range(200)]
    editions = [
        make_edition(edition.slug, tags=(topics[n % 200], topics[n % 7]), **changes)
        for n, edition in enumerate(weekly(520))
    ]
    files = site(make_config(tmp_path), editions)
    loaded = [node.attributes["href"] for node in page(files, "").css("link[rel=stylesheet]")]
    loaded += [node.attributes["src"] for node in page(files, "").css("script[src]")]
    transfer = len(files["index.html"]) + sum(len(files[str(name)]) for name in loaded)
    assert transfer <= 40_000
    assert page(files, "").css("source[srcset]")
