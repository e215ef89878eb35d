from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.checks.images import _head as picture_head
from publisher.edition import render
from publisher.issue.model import Picture
from tests.edition.make import config, edition, html_of, issue, item, text_of

FOLDER = "issues/2024-12-29-x"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    images = tmp_path / FOLDER / "images"
    images.mkdir(parents=True)
    for name, size in (("wide.png", (1280, 640)), ("small.jpg", (200, 100)), ("封面 1.png", (800, 400))):
        Image.new("RGB", size, "red").save(images / name)
    (images / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    (tmp_path / "secret.png").write_bytes(b"x")
    return tmp_path


def cover(name: str = "wide.png") -> Picture:
    return Picture(f"images/{name}", f"{FOLDER}/images/{name}", '替代 "文字"', "说明", "摄影：某人")


def test_an_image_is_named_by_its_content_and_shown_at_an_explicit_width(root: Path) -> None:
    made = edition(
        item("题", "![图](images/small.jpg)\n\n![宽](images/wide.png)"), cover=cover(), configuration=config(root)
    )
    assert made.cover is not None
    assert {asset.name for asset in made.assets} >= {made.cover.name}
    assert len(made.assets) == 2
    assert made.cover.name.startswith("media/wide-")
    assert (made.cover.width, made.cover.height, made.cover.media_type) == (1280, 640, "image/png")
    for shown in (html_of(made), made.web):
        images = LexborHTMLParser(shown).css("img")
        assert len(images) == 3
        for image in images:
            assert (image.attributes["src"] or "").startswith("https://news.example.com/media/")
            assert 0 < int(image.attributes["width"] or 0) <= 576
            assert image.attributes["alt"]
    assert "说明 · 摄影：某人" in text_of(made)
    assert f"https://news.example.com/{made.cover.name}" in text_of(made)


def test_the_same_bytes_are_one_asset_and_other_bytes_another_name(root: Path) -> None:
    before = edition(cover=cover(), configuration=config(root))
    Image.new("RGB", (1280, 640), "blue").save(root / FOLDER / "images/wide.png")
    after = edition(cover=cover(), configuration=config(root))
    assert before.cover is not None
    assert after.cover is not None
    assert before.cover.name != after.cover.name
    assert before.digest != after.digest


def test_a_raw_image_tag_is_treated_alike(root: Path) -> None:
    made = edition(item("题", '<img src="images/small.jpg" alt="a">'), configuration=config(root))
    (image,) = LexborHTMLParser(html_of(made)).css("img")
    assert (image.attributes["width"], image.attributes["height"]) == ("200", "100")
    assert len(made.assets) == 1


def test_names_of_any_script_are_found_and_published_in_ascii(root: Path) -> None:
    made = edition(item("题", "![图](<images/封面 1.png>)"), cover=cover("封面 1.png"), configuration=config(root))
    (asset,) = made.assets
    assert asset.name.isascii()
    assert " " not in asset.name


def test_an_svg_has_no_size_and_is_no_error(root: Path) -> None:
    made = edition(cover=cover("drawing.svg"), configuration=config(root))
    assert made.cover is not None
    assert (made.cover.width, made.cover.media_type) == (None, "image/svg+xml")


@pytest.mark.parametrize("written", ["images/none.png", "../../secret.png/../none", "images"])
def test_a_cover_that_cannot_be_read_is_a_finding(root: Path, written: str) -> None:
    made, findings = render(issue(cover=replace(cover(), image=written)), config(root))
    assert made is None
    assert [finding.code for finding in findings] == ["image-unreadable"]


def test_nothing_outside_the_repository_is_published(root: Path) -> None:
    (root.parent / "outside.png").write_bytes(b"x")
    (root / FOLDER / "images/link.png").symlink_to(root.parent / "outside.png")
    made = edition(
        item("题", "![a](../../../outside.png) ![b](images/link.png) ![c](/etc/passwd) ![d](file:///etc/passwd)"),
        configuration=config(root),
    )
    assert made.assets == ()


def test_a_turned_photograph_has_the_size_it_is_seen_at(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (400, 300)).save(out, "JPEG", exif=exif)
    (root / FOLDER / "images/turned.jpg").write_bytes(out.getvalue())
    made = edition(cover=cover("turned.jpg"), configuration=config(root))
    assert made.cover is not None
    assert (made.cover.width, made.cover.height) == (300, 400)


SVG = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'>{}</svg>"


@pytest.mark.parametrize(
    ("at", "content"),
    [
        (".publisher/publisher.db", "ada@example.com"),
        (".publisher/kept.png", "ada@example.com"),
        ("people.csv", "email\nada@example.com"),
        (f"{FOLDER}/images/page.html", "<script>alert(1)</script>"),
        (f"{FOLDER}/images/a.svg", SVG.format("<script>alert(1)</script>")),
        (f"{FOLDER}/images/b.svg", "<x:svg xmlns:x='http://www.w3.org/2000/svg'><x:script/></x:svg>"),
        (f"{FOLDER}/images/c.svg", SVG.format("<g onclick='alert(1)'/>")),
        (f"{FOLDER}/images/d.svg", SVG.format("<a xlink:href='java&#10;script:alert(1)'/>")),
        (f"{FOLDER}/images/e.svg", SVG.format("<a><set attributeName='href' to='x'/></a>")),
        (f"{FOLDER}/images/f.svg", '<?xml-stylesheet href="x.xsl"?>' + SVG.format("")),
        (f"{FOLDER}/images/g.svg", '<?xml version="1.0" encoding="iso-2022-jp"?>' + SVG.format("")),
        (f"{FOLDER}/images/h.svg", "<script>alert(1)</script><p>"),
    ],
)
@pytest.mark.parametrize("linked", [False, True])
def test_only_a_picture_is_published_as_one(root: Path, at: str, content: str, linked: bool) -> None:
    (root / at).parent.mkdir(exist_ok=True)
    (root / at).write_text(content, encoding="utf-8")
    written = f"../../{at}"
    if linked:
        (root / FOLDER / "images/innocent.png").symlink_to(root / at)
        written = "images/innocent.png"
    made = edition(item("题", f'![a]({written}) <img src="{written}" alt="b">'), configuration=config(root))
    assert made.assets == ()
    _, findings = render(issue(cover=replace(cover(), image=written)), config(root))
    assert [finding.code for finding in findings] == ["image-unreadable"]


@pytest.mark.parametrize("head", ["", "\ufeff", '<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-8'?>\n"])
def test_a_drawing_with_gradients_and_styles_is_a_picture(root: Path, head: str) -> None:
    drawing = SVG.format(
        "<style>.a{fill:red}</style><g id='g'/><use xlink:href='#g'/><path class='a' d='M0 0'/>"
        "<image href='data:image/png;base64,AA=='/><a href='https://example.com/'><text>一</text></a>"
    )
    (root / FOLDER / "images/drawing.svg").write_text(head + drawing, encoding="utf-8")
    assert edition(cover=cover("drawing.svg"), configuration=config(root)).cover is not None


def test_a_picture_is_measured_and_never_opened_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG of 100 kB may hold a gigabyte of pixels."""

    def opened_up(*_: object) -> None:
        raise AssertionError("the pixels were decoded")

    monkeypatch.setattr(Image.Image, "load", opened_up)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", opened_up)
    made = edition(cover=cover("wide.png"), configuration=config(root))
    assert made.cover is not None
    assert made.cover.width == 1280
    assert picture_head(root / FOLDER / "images/wide.png", 0) == (1280, 640, False)
