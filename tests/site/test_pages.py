"""The pages of the archive: sound without a browser's help."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.config.theme import built_in
from publisher.edition.theme import Theme
from publisher.language import Locale
from publisher.site.archive import arrange
from publisher.site.pages import ArchivePages
from tests.site.conftest import CONFIG, Repository
from tests.site.editions import COVER, make_config, make_edition, make_story

BLOCKS = """\
نص مع `x = 1` فيه. <https://a.example.net/>

Plain text.

- عربي
- Latin

> שלום

| النموذج | Cost | Time |
|---|--:|---|
| GPT-4o | $5.6 m | 10 – 15 |
"""
BASE = "https://news.example.com/"
ZH = "issues/2024-12-29-ai-weekly/index.html"


def html_of(sample: Repository, path: str) -> LexborHTMLParser:
    return LexborHTMLParser((sample.root / "dist/site" / path).read_text(encoding="utf-8"))


def pages(sample: Repository) -> list[Path]:
    return sorted((sample.root / "dist/site").rglob("*.html"))


def test_every_internal_link_leads_to_a_file_and_every_fragment_to_an_element(sample: Repository) -> None:
    site = sample.root / "dist/site"
    trees = {path: LexborHTMLParser(path.read_text(encoding="utf-8")) for path in pages(sample)}
    followed = 0
    for path, tree in trees.items():
        here = BASE + path.relative_to(site).as_posix()
        for node in tree.css("[href], [src]"):
            target = node.attributes.get("href") or node.attributes.get("src") or ""
            url = urlsplit(urljoin(here, target))
            if url.netloc != "news.example.com":
                continue
            file = site / unquote(url.path).lstrip("/")
            file = file / "index.html" if url.path.endswith("/") else file
            assert file.is_file(), f"{path}: {target}"
            if url.fragment:
                ids = {element.attributes["id"] for element in trees[file].css("[id]")}
                assert unquote(url.fragment) in ids, f"{path}: {target}"
            followed += 1
    assert followed > 200


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_inline(sample: Repository) -> None:
    for path in pages(sample):
        tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
        assert not tree.css("style, [style], [onclick], [onload], [onerror], iframe, object, embed"), path
        fetched = [node.attributes.get("src") for node in tree.css("script[src], img[src]")]
        fetched += [node.attributes.get("href") for node in tree.css("link[rel=stylesheet], link[rel=icon]")]
        assert not [url for url in fetched if url and urlsplit(url).netloc], path
        for script in tree.css("script:not([src])"):
            assert script.attributes.get("type") == "application/ld+json", path


def test_a_page_of_an_issue_is_light_without_its_pictures(sample: Repository) -> None:
    tree, folder = html_of(sample, ZH), (sample.root / "dist/site" / ZH).parent
    loaded = [str(node.attributes["href"]) for node in tree.css("link[rel=stylesheet]")]
    loaded += [str(node.attributes["src"]) for node in tree.css("script[src]")]
    assert len(loaded) == 2
    assert sum((folder / path).stat().st_size for path in ("index.html", *loaded)) <= 45_000  # not compressed


def test_a_page_carries_the_digest_of_its_edition(sample: Repository) -> None:
    edition = json.loads((sample.root / "dist/email/2024-12-29-ai-weekly/edition.json").read_bytes())
    meta = html_of(sample, ZH).css_first('meta[name="publisher:edition"]')
    assert meta.attributes["content"] == f"{edition['digest']}; commit=none"


def test_previous_and_next_are_the_neighbours_in_time(sample: Repository) -> None:
    tree = html_of(sample, "issues/2024-06-02-ja/index.html")
    assert tree.css_first("link[rel=prev]").attributes["href"] == "../../issues/2023-06-04-early/"
    assert tree.css_first("link[rel=next]").attributes["href"] == "../../issues/2024-06-09-tw/"
    assert [a.attributes["rel"] for a in tree.css("nav.neighbours a")] == ["prev", "next"]


def test_every_item_has_its_anchor(sample: Repository) -> None:
    tree = html_of(sample, ZH)
    assert len(tree.css("article.item[id]")) == 8


def test_social_and_linked_data_say_what_the_page_says(sample: Repository) -> None:
    tree = html_of(sample, ZH)
    title = tree.css_first("h1").text()
    found = {node.attributes.get("property"): node.attributes.get("content") for node in tree.css("meta[property]")}
    assert found["og:title"] == title
    assert (
        found["og:url"] == tree.css_first("link[rel=canonical]").attributes["href"] == BASE + ZH[: -len("index.html")]
    )
    assert str(found["og:image"]).startswith(BASE)
    data = json.loads(tree.css_first('script[type="application/ld+json"]').text())
    assert (data["@type"], data["headline"], data["inLanguage"]) == ("NewsArticle", title, "zh-CN")


def test_a_title_cannot_break_out_of_its_place(sample: Repository) -> None:
    tree = html_of(sample, "issues/2025-01-05-draft/index.html")
    title = "</script><b>草稿 & more"
    assert tree.css_first("h1").text() == title
    assert json.loads(tree.css_first('script[type="application/ld+json"]').text())["headline"] == title
    assert not [node for node in tree.css("b") if "草稿" in node.text()]


def test_a_draft_says_so_and_asks_not_to_be_indexed(sample: Repository) -> None:
    tree = html_of(sample, "issues/2025-01-05-draft/index.html")
    assert tree.css_first("meta[name=robots]").attributes["content"] == "noindex"
    assert "草稿" in tree.css_first(".draft-note").text()


@pytest.mark.parametrize(
    ("slug", "language"), [("2024-12-29-ai-weekly-en", "en"), ("2024-06-02-ja", "ja"), ("2024-06-09-tw", "zh-TW")]
)
def test_header_and_footer_are_in_the_language_of_the_issue(sample: Repository, slug: str, language: str) -> None:
    tree = html_of(sample, f"issues/{slug}/index.html")
    assert tree.css_first("html").attributes["lang"] == language
    assert tree.css_first("a.skip").text() == Locale.of(language, {}).word("archive", "skip")


def test_labels_of_the_config_override_the_words_of_the_page(tmp_path: Path) -> None:
    config = make_config(tmp_path, labels={"zh-CN": {"archive_search": "找一找"}})
    page = ArchivePages(config, arrange([make_edition()])).issue(make_edition())
    assert "找一找" in page.content.decode()


def test_the_form_goes_to_the_service_and_without_one_there_is_none(tmp_path: Path) -> None:
    archive = arrange([make_edition()])
    with_form = ArchivePages(make_config(tmp_path), archive).issue(make_edition()).content.decode()
    form = LexborHTMLParser(with_form).css_first("form")
    assert (form.attributes["method"], form.attributes["action"]) == ("post", "https://letters.example.com/subscribe")
    without = ArchivePages(make_config(tmp_path, service={}), archive).issue(make_edition()).content.decode()
    assert "<form" not in without
    assert "#subscribe" not in without


def test_a_page_below_a_path_still_links_to_its_own_archive(tmp_path: Path) -> None:
    config = make_config(tmp_path, newsletter={"url": "https://example.com/news/"})
    files = {file.path: file for file in ArchivePages(config, arrange([make_edition()])).all()}
    missing = LexborHTMLParser(files["404.html"].content.decode())
    for node in missing.css("[href], [src]"):
        url = node.attributes.get("href") or node.attributes.get("src") or ""
        assert url.startswith(("/news/", "#")), url


def test_our_own_pictures_are_shown_by_relative_address(tmp_path: Path) -> None:
    web = f'<p><img src="{BASE}{COVER.name}" alt="x"></p>'
    edition = make_edition(web=web, assets=(COVER,))
    page = ArchivePages(make_config(tmp_path), arrange([edition])).issue(edition).content.decode()
    assert f'<img src="../../{COVER.name}"' in page


def test_right_to_left_languages_say_so(tmp_path: Path) -> None:
    edition = make_edition(language="ar", stories=(make_story(),))
    page = ArchivePages(make_config(tmp_path), arrange([edition])).issue(edition).content.decode()
    assert '<html lang="ar" dir="rtl">' in page


@pytest.mark.java
def test_the_nu_checker_finds_no_error(sample: Repository, nu_checker: Callable[..., str]) -> None:
    assert nu_checker(*pages(sample)) == ""


@pytest.mark.java
def test_nor_does_it_over_the_other_themes_in_both_directions(tmp_path: Path, nu_checker: Callable[..., str]) -> None:
    repository = Repository(tmp_path)
    Image.new("RGB", (200, 100), "#336699").save(tmp_path / "ann.png")
    for day, language in (("04", "en"), ("05", "ar")):
        repository.issue(f"2025-01-{day}-x", f"language: {language}\nauthors: [Ann]\nkey_points: [Ann]\n", BLOCKS)
    known = 'authors: {Ann: {picture: ann.png, url: "https://ann.example.net/"}}\n'
    files: list[Path] = []
    for theme in built_in():
        parts = "{contents: true, reply: true, share: true, previous: true}"
        repository.write("config.yaml", f"{CONFIG}{known}theme: {{name: {theme}, parts: {parts}}}\n")
        repository.build(out=tmp_path / theme, use_cache=False)
        files += (tmp_path / theme / "site").rglob("*.html")
    assert nu_checker(*files) == ""


def test_a_page_that_is_made_waits_for_no_garbage_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the bodies of 2,000 pages are in memory at once."""
    seen: list[weakref.ref[object]] = []
    monkeypatch.setattr(Theme, "render", lambda _self, _name, **given: seen.append(weakref.ref(given["archive"])) or "")
    edition = make_edition()
    made = ArchivePages(make_config(tmp_path), arrange([edition])).issue(edition)
    gc.disable()
    try:
        made.make()
        assert [one() for one in seen] == [None]
    finally:
        gc.enable()
