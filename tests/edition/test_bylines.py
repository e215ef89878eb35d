"""``authors`` of config.yaml: a picture and a link beside a name, in mail, its text, the page and the author's page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.edition.model import Edition
from publisher.errors import ConfigError
from publisher.proofing.proof import proofread
from publisher.site.build import build
from publisher.site.paths import folder_name
from tests.checks.corpus import SOUND

AUTHORS = """
authors:
  Ann Author: {picture: people/ann.jpg, url: "https://ann.example.net/?a=1&b=2"}
  Bob Writer: {url: "mailto:bob@example.net"}
"""
NAMES = "authors: [Ann Author, Bob Writer, Cy]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "people").mkdir()
    Image.new("RGB", (1600, 900), "#336699").save(tmp_path / "people/ann.jpg")
    folder = tmp_path / "issues/2025-01-05-x"
    folder.mkdir(parents=True)
    (folder / "issue.yaml").write_text(f"title: A\ndate: 2025-01-05\nlanguage: en\nstatus: ready\n{NAMES}")
    (folder / "a.md").write_text("---\nheadline: Story\n---\nText.\n")
    (tmp_path / "config.yaml").write_text(SOUND["config.yaml"] + AUTHORS)
    return tmp_path


def made(root: Path) -> Edition:
    proof = proofread(load_config(root), "2025-01-05-x", commit=False)
    assert proof.findings == ()
    assert proof.edition is not None
    return proof.edition


@pytest.mark.parametrize("theme", built_in())
def test_picture_and_link_stand_in_mail_text_and_page(root: Path, theme: str) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + AUTHORS + f"theme: {{name: {theme}}}\n")
    edition = made(root)
    assert "By Ann Author <https://ann.example.net/?a=1&b=2>, Bob Writer <bob@example.net>, Cy\n" in str(edition.text)
    for part in (str(edition.html), edition.web):
        line = LexborHTMLParser(part).css_first(".byline")
        assert line.text().split() == ["By", "Ann", "Author,", "Bob", "Writer,", "Cy"]
        assert next(a.attributes["href"] for a in line.css("a")) == "https://ann.example.net/?a=1&b=2"
        (picture,) = line.css("img")
        assert re.fullmatch(r"https://[^/]+/assets/ann\.[0-9a-f]{12}\.jpg", picture.attributes["src"] or "")
        assert (picture.attributes["width"], picture.attributes["alt"] or "") == ("48", "")
        assert part.count("Ann Author") == 1


def test_the_site_holds_the_small_square_picture_and_shows_it_on_the_authors_page(root: Path) -> None:
    build(load_config(root), [], root / "dist", use_cache=False)
    site = root / "dist/site"
    (picture,) = (site / "assets").glob("ann.*.jpg")
    assert Image.open(picture).size == (96, 96)
    assert picture.stat().st_size < 5_000
    for page in (f"authors/{folder_name('Ann Author')}", "issues/2025-01-05-x"):
        html = LexborHTMLParser((site / page / "index.html").read_text())
        (shown,) = (one.attributes["src"] or "" for one in html.css("img[src*='assets/ann.']"))
        assert (site / page / shown).resolve() == picture.resolve()
        assert html.css_first('a[href^="https://ann.example.net/"]') is not None
    assert '"url":"https://ann.example.net/' in (site / "issues/2025-01-05-x/index.html").read_text()


def test_a_changed_picture_is_a_new_edition_and_without_authors_the_line_is_as_before(root: Path) -> None:
    before = made(root)
    Image.new("RGB", (1600, 900), "#993366").save(root / "people/ann.jpg")
    assert made(root).digest != before.digest
    (root / "config.yaml").write_text(SOUND["config.yaml"])
    plain = made(root)
    assert "By Ann Author, Bob Writer, Cy\n" in str(plain.text)
    assert LexborHTMLParser(str(plain.html)).css_first(".byline") is None


@pytest.mark.parametrize(
    ("authors", "code", "column"),
    [
        ("authors: {Ann: {picture: people/none.jpg}}\n", "bad-value", 26),
        ("authors: {Ann: {picture: ../ann.jpg}}\n", "bad-value", 26),
        ("authors: {Ann: {url: ann}}\n", "bad-value", 22),
        ("authors: {Ann: {photo: people/ann.jpg}}\n", "unknown-key", 17),
        ("authors: {Ann: {picture: config.yaml}}\n", "not-a-picture", 26),
    ],
)
def test_what_is_wrong_is_reported_at_the_key(root: Path, authors: str, code: str, column: int) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + authors)
    with pytest.raises(ConfigError) as caught:
        made(root)
    line = SOUND["config.yaml"].count("\n") + 1
    found = [(one.code, one.span.line, one.span.column) for one in caught.value.diagnostics]
    assert found == [(code, line, column)]
