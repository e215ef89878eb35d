from __future__ import annotations

import io
import os
import random
import re
import subprocess
import sys
import tracemalloc
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.diagnostics import Fault
from publisher.edition.model import Asset, Edition
from publisher.edition.rendering import render
from publisher.issue.model import Picture
from publisher.issue.opening import MOST_BYTES, open_file
from tests.edition.make import config, edition, html_of, issue, item, text_of

FOLDER = "issues/2024-12-29-x"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    images = tmp_path / FOLDER / "images"
    images.mkdir(parents=True)
    for name, size in (("wide.png", (1280, 640)), ("small.jpg", (200, 100)), ("封面 1.png", (800, 400))):
        Image.new("RGB", size, "red").save(images / name)
    (tmp_path / "secret.png").write_bytes(b"x")
    return tmp_path


def cover(name: str = "wide.png") -> Picture:
    return Picture(f"images/{name}", '替代 "文字"', "说明", "摄影：某人")


def test_an_image_is_named_by_its_content_and_shown_at_an_explicit_width(root: Path) -> None:
    made = edition(
        item("题", "![图](images/small.jpg)\n\n![宽](images/wide.png)"), cover=cover(), configuration=config(root)
    )
    assert made.cover is not None
    assert {asset.name for asset in made.assets} >= {made.cover.name}
    assert sorted(asset.copied for asset in made.assets) == [False, False, True]
    assert made.cover.name.startswith("media/wide-")
    assert (made.cover.width, made.cover.height, made.cover.media_type) == (1280, 640, "image/png")
    for shown in (html_of(made), made.web):
        images = LexborHTMLParser(shown).css("img")
        assert len(images) == 3
        for image in images:
            assert (image.attributes["src"] or "").startswith("https://news.example.com/media/")
            assert 0 < int(image.attributes["width"] or 0) <= (568 if shown is not made.web else 1280)
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


def test_a_name_is_found_whether_its_letters_are_composed_or_not(root: Path) -> None:
    one, two = unicodedata.normalize("NFC", "가é.png"), unicodedata.normalize("NFD", "가é.png")
    (root / FOLDER / "images" / two).write_bytes((root / FOLDER / "images" / "封面 1.png").read_bytes())
    written = edition(item("题", f"![图]({quote(f'images/{one}')})"), cover=cover(two), configuration=config(root))
    assert len(written.assets) == 1


@pytest.mark.parametrize("written", ["images/none.png", "../../secret.png/../none", "images", "images/\u00e9.png"])
def test_a_cover_that_cannot_be_read_is_a_finding(root: Path, written: str) -> None:
    for name in ("\u00e9.png", "e\u0301.png"):  # two links to nothing, whose names differ only to a machine
        (root / FOLDER / "images" / name).symlink_to("nowhere")
    made, findings = render(issue(cover=replace(cover(), image=written)), config(root))
    assert made is None
    assert [finding.code for finding in findings] == ["image-missing"]


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
    made, findings = render(issue(item("题", f'![a]({written}) <img src="{written}" alt="b">')), config(root))
    assert made is None
    assert [(finding.code, finding.path) for finding in findings] == [("not-a-picture", f"{FOLDER}/a.md")]
    _, findings = render(issue(cover=replace(cover(), image=written)), config(root))
    assert [finding.code for finding in findings] == ["not-a-picture"]


def test_a_picture_is_measured_and_never_opened_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG of 100 kB may hold a gigabyte of pixels."""

    def opened_up(*_: object) -> None:
        raise AssertionError("the pixels were decoded")

    monkeypatch.setattr(Image.Image, "load", opened_up)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", opened_up)
    for name in ("wide.png", "small.jpg"):
        opened = open_file(root / FOLDER / "images" / name, name)
        assert not isinstance(opened, Fault)
    made = edition(cover=cover("small.jpg"), configuration=config(root))
    assert made.cover is not None
    assert made.cover.width == 200


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_a_picture_that_was_cut_off_anywhere_is_refused(tmp_path: Path, form: str) -> None:
    whole, file = saved(noise(60, 40), form), tmp_path / f"a.{form.lower()}"
    for length in (len(whole), len(whole) - 20, len(whole) // 2, len(whole) // 8, 20, 1):
        file.write_bytes(whole[:length])
        opened = open_file(file, "a")
        assert isinstance(opened, Fault) == (length < len(whole)), length
        if isinstance(opened, Fault):
            assert opened.code.name in {"image-unreadable", "not-a-picture"}


def test_what_a_camera_or_a_browser_appends_does_no_harm(tmp_path: Path) -> None:
    for form in ("JPEG", "PNG", "GIF", "WEBP"):
        (tmp_path / "a.jpg").write_bytes(saved(noise(60, 40), form) + b"\0\0appended")
        assert not isinstance(open_file(tmp_path / "a.jpg", "a.jpg"), Fault), form


def test_a_file_of_200_megabytes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.jpg"
    file.write_bytes(saved(noise(60, 40), "JPEG"))
    os.truncate(file, 200_000_000)
    tracemalloc.start()
    opened = open_file(file, "huge.jpg")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(opened, Fault)
    assert "200 MB" in opened.message
    assert peak < 1_000_000 < MOST_BYTES


def test_a_bomb_of_pixels_is_refused_by_its_head(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(saved(Image.new("1", (10_000, 6_000)), "PNG"))
    opened = open_file(tmp_path / "bomb.png", "bomb.png")
    assert isinstance(opened, Fault)
    assert "10,000 × 6,000" in opened.message


def test_a_picture_that_nobody_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(saved(noise(6, 4), "PNG"))
    file.chmod(0)
    script = (
        "import os, sys; from pathlib import Path; from publisher.issue.opening import open_file\n"
        "d = os.open(sys.argv[1], os.O_RDONLY); os.fchdir(d)\n"
        "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)\n"
        "print(open_file(Path('a.png'), 'a.png').message)"
    )
    tmp_path.chmod(0o755)
    said = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert said.stdout == "a.png cannot be read: permission denied\n"


@pytest.mark.parametrize("written", ["![图](images/small.jpg)", '<img src="images/small.jpg" alt="图">'])
def test_a_picture_that_vanishes_after_the_checks_is_an_error_at_its_line(root: Path, written: str) -> None:
    one = issue(item("题", f"第一段。\n\n{written}"), cover=cover())
    assert render(one, config(root))[0] is not None
    (root / FOLDER / "images/small.jpg").unlink()
    (root / FOLDER / "images/wide.png").unlink()
    made, findings = render(one, config(root))
    assert made is None
    assert {(finding.code, finding.path.rpartition("/")[2]) for finding in findings} == {
        ("image-missing", "a.md"),
        ("image-missing", "issue.yaml"),
    }
    assert [finding.span.line for finding in findings if finding.path.endswith("a.md")] == [3]


def mailed(made: Edition) -> list[tuple[Asset, dict[str, str | None]]]:
    """The pictures of the email, each with the attributes it is shown with."""
    by_name = {asset.name: asset for asset in made.assets}
    images = LexborHTMLParser(html_of(made)).css("img")
    return [
        (by_name[(node.attributes["src"] or "").removeprefix("https://news.example.com/")], dict(node.attributes))
        for node in images
    ]


@pytest.mark.parametrize(
    ("name", "form", "mode", "kind"),
    [
        ("photo.jpg", "JPEG", "RGB", "image/jpeg"),
        ("cmyk.jpg", "JPEG", "CMYK", "image/jpeg"),
        ("shot.png", "PNG", "RGB", "image/jpeg"),
        ("logo.png", "PNG", "RGBA", "image/png"),
        ("palette.png", "PNG", "P", "image/png"),
        ("grey.png", "PNG", "I;16", "image/png"),
        ("new.webp", "WEBP", "RGB", "image/jpeg"),
        ("newer.avif", "AVIF", "RGB", "image/jpeg"),
    ],
)
def test_a_large_picture_is_scaled_for_mail_and_kept_for_the_archive(
    root: Path, name: str, form: str, mode: str, kind: str
) -> None:
    image = noise(1500, 500) if name != "palette.png" else Image.linear_gradient("L").resize((1500, 500))
    original = saved(Image.new("I;16", (1500, 500), 40_000) if mode == "I;16" else image.convert(mode), form)
    (root / FOLDER / "images" / name).write_bytes(original)
    made = edition(item("题", f"![图](images/{name})"), cover=cover(name), configuration=config(root))
    assert made.cover is not None
    assert made.cover.content == original
    assert f'width="1500" height="500" alt="{cover().alt}"'.partition(" alt")[0] in made.web
    for asset, shown in mailed(made):
        assert asset.copied
        assert asset.media_type == kind
        assert len(asset.content) <= 300_000
        assert shown["width"] == "568"
        copy = Image.open(io.BytesIO(asset.content))
        assert copy.width <= 1136
        assert abs(copy.width / copy.height - 3) < 0.05
    assert made.html == edition(item("题", f"![图](images/{name})"), cover=cover(name), configuration=config(root)).html


def test_how_heavy_a_picture_may_be_in_mail_stands_in_the_config(root: Path) -> None:
    (root / FOLDER / "images/photo.jpg").write_bytes(saved(noise(1500, 900), "JPEG"))
    for most in (300_000, 60_000):
        made = edition(cover=cover("photo.jpg"), configuration=config(root, delivery={"picture_bytes": most}))
        assert [asset.copied and len(asset.content) <= most for asset, _ in mailed(made)] == [True]


@pytest.mark.parametrize("name", ["small.jpg", "moving.gif"])
def test_a_small_picture_and_one_that_moves_are_mailed_as_they_are(root: Path, name: str) -> None:
    frames = [noise(300, 200).convert("P") for _ in range(2)]
    frames[1].putpixel((0, 0), 1)
    frames[0].save(root / FOLDER / "images/moving.gif", save_all=True, append_images=frames[1:])
    made = edition(item("题", f"![图](images/{name})"), cover=cover(name), configuration=config(root))
    assert [asset.copied for asset in made.assets] == [False]
    own = {"small.jpg": "200", "moving.gif": "300"}[name]
    assert [shown["width"] for _, shown in mailed(made)] == [own, own]


@pytest.mark.parametrize(
    ("attributes", "width", "height"),
    [
        ('width="1200"', "568", None),
        ('width="1200" height="600"', "568", "284"),
        ('width="1200px"', "568", None),
        ('width="200%"', "200", None),
        ('width="50%"', "50%", None),
        ('width="auto"', "200", None),
        ('width="120" height="60"', "120", "60"),
    ],
)
def test_a_width_of_the_authors_own_never_leaves_the_column(
    root: Path, attributes: str, width: str, height: str | None
) -> None:
    for source in ("images/small.jpg", "https://example.com/a.png"):
        made = edition(item("题", f'<p><img src="{source}" alt="图" {attributes}></p>'), configuration=config(root))
        (image,) = LexborHTMLParser(html_of(made)).css("img")
        unknown = source.startswith("https") and width == "200"  # what another site sends has a size nobody knows
        assert image.attributes.get("width") == (None if unknown else width)
        assert image.attributes.get("height") == height
        assert "max-width:100%" in (image.attributes["style"] or "").replace(" ", "")


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 375])
@pytest.mark.parametrize("styles", [True, False], ids=["with-styles", "without"])
def test_no_picture_makes_the_email_wider_than_a_phone(root: Path, width: int, styles: bool, sheet: Any) -> None:
    wide = (
        "![图](images/wide.png)" if styles else "正文。"
    )  # a client that drops styles has the theme's own pictures fit
    made = edition(item("题", wide, image=cover("封面 1.png")), cover=cover(), configuration=config(root))
    html = html_of(made) if styles else re.sub(r"<style.*?</style>", "", html_of(made), flags=re.DOTALL)
    sheet.set_viewport_size({"width": width, "height": 800})
    sheet.set_content(html)
    assert sheet.evaluate("document.documentElement.scrollWidth") <= width
    shown = sheet.evaluate("[...document.querySelectorAll('.picture')].map(p => p.getBoundingClientRect().width)")
    assert len(shown) == 2
    assert all(width * 0.7 < one < width for one in shown)


@pytest.mark.browser
def test_a_small_picture_is_not_blown_up_in_the_email(root: Path, sheet: Any) -> None:
    made = edition(item("题", "正文。", image=cover("small.jpg")), configuration=config(root))
    sheet.set_viewport_size({"width": 700, "height": 800})
    sheet.set_content(html_of(made))
    assert sheet.evaluate("document.images[0].getBoundingClientRect().width") == 200


@pytest.mark.parametrize(("mode", "marked"), [("RGBA", True), ("LA", True), ("RGB", False), ("L", False)])
def test_a_transparent_picture_is_marked_for_its_backing_in_the_dark(root: Path, mode: str, marked: bool) -> None:
    Image.new(mode, (30, 20)).save(root / FOLDER / "images/logo.png")
    made = edition(item("题", "![图](images/logo.png)"), cover=cover("logo.png"), configuration=config(root))
    for shown in (html_of(made), made.web):
        images = LexborHTMLParser(shown).css("img")
        assert ["clear" in (node.attributes.get("class") or "").split() for node in images] == [marked, marked]


@pytest.mark.parametrize(
    ("size", "mail", "page"),
    [
        ((1170, 2532), ("328", "710"), ("333", "720")),  # a phone's screen
        ((600, 3000), ("568", "2840"), ("600", "3000")),  # a long chart, whose words would be too small
        ((900, 600), ("568", "379"), ("900", "600")),
    ],
)
def test_a_picture_of_a_phone_is_no_taller_than_a_window(
    root: Path, size: tuple[int, int], mail: tuple[str, str], page: tuple[str, str]
) -> None:
    Image.new("RGB", size, "red").save(root / FOLDER / "images/tall.png")
    made = edition(item("题", "正文。", image=cover("tall.png")), configuration=config(root))
    for shown, expected in ((html_of(made), mail), (made.web, page)):
        image = LexborHTMLParser(shown).css_first("img")
        assert (image.attributes["width"], image.attributes["height"]) == expected


@pytest.mark.browser
def test_there_is_air_below_a_picture_without_words_as_below_one_with_them(root: Path, sheet: Any) -> None:
    bare = replace(cover(), caption=None, credit=None)
    sheet.set_viewport_size({"width": 700, "height": 800})
    gaps = []
    for picture in (bare, cover()):
        made = edition(
            item("一", "正文。", "评。", image=picture, anchor="a"),
            item("二", "正文。", image=picture, anchor="b", kind="picture"),
            item("三", "正文。", anchor="c"),
            cover=picture,
            intro="导语。",
            configuration=config(root),
        )
        sheet.set_content(html_of(made))
        gaps.append(
            sheet.evaluate("""() => [...document.querySelectorAll('img.picture')].map(picture => {
                const end = picture.closest('.tx').querySelector('.caption') || picture;
                const next = [...document.querySelectorAll('.tx p, td.item, .commentary')].map(one =>
                    one.getBoundingClientRect().top).filter(top => top >= end.getBoundingClientRect().bottom - 1);
                return Math.round(Math.min(...next) - end.getBoundingClientRect().bottom) })""")
        )
    assert gaps[0] == gaps[1]
    assert all(gap >= 16 for gap in gaps[0])
