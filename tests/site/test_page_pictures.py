"""Pages show copies of pictures that fit, made once; the originals stay as they are."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.edition import page_copy
from publisher.site import build
from tests.site.conftest import Repository, tree

SLUG = "2024-01-07-a"


def noise(width: int, height: int, form: str = "PNG", **options: Any) -> bytes:
    """A picture that does not compress well."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(out, form, **options)
    return out.getvalue()


def show(repository: Repository, slug: str = SLUG, **files: bytes) -> None:
    """An issue whose body shows the files, the first of them as its cover too."""
    for name, content in files.items():
        repository.write(f"issues/{slug}/images/{name.replace('_', '.')}", content)
    names = [name.replace("_", ".") for name in files]
    body = "\n\n".join(f"![图](images/{name})" for name in names)
    repository.issue(slug, f"cover: {{image: images/{names[0]}, alt: 图}}\n", body)


def sources(repository: Repository, path: str) -> dict[str, list[tuple[str, int]]]:
    """By the address of an image: the files of its copies below the site, and their widths."""
    page = repository.root / "dist/site" / path / "index.html"
    found: dict[str, list[tuple[str, int]]] = {}
    for image in LexborHTMLParser(page.read_text(encoding="utf-8")).css("main img"):
        parent = image.parent
        assert parent is not None
        for source in parent.css("source"):
            assert source.attributes["sizes"]
            for one in str(source.attributes["srcset"]).split(", "):
                address, _, width = one.partition(" ")
                file = (page.parent / address).resolve().relative_to((repository.root / "dist/site").resolve())
                found.setdefault(str(image.attributes["src"]), []).append((file.as_posix(), int(width.rstrip("w"))))
    return found


def test_every_source_is_a_file_of_its_width_and_none_is_wider_than_the_original(repository: Repository) -> None:
    show(repository, large_png=noise(2000, 500), small_jpg=noise(700, 300, "JPEG", quality=95))
    repository.build()
    site = repository.root / "dist/site"
    found = [one for copies in sources(repository, f"issues/{SLUG}").values() for one in copies]
    assert sorted({width for _, width in found}) == [400, 700, 800, 1600]
    for path, width in found:
        with Image.open(site / path) as image:
            assert (image.width, image.format) == (width, path.rpartition(".")[2].upper())
    published = tree(site).values()
    assert all(file.read_bytes() in published for file in (repository.root / f"issues/{SLUG}/images").iterdir())
    assert {width for copies in sources(repository, "").values() for _, width in copies} == {400, 800, 1600}
    assert {width for copies in sources(repository, "archive/2024").values() for _, width in copies} == {400, 800}


def test_what_is_small_light_or_moves_is_shown_as_it_is(repository: Repository) -> None:
    frames = [Image.effect_noise((600, 200), 90).convert("RGB") for _ in range(2)]
    moving = {}
    for form in ("GIF", "WEBP", "PNG"):
        out = io.BytesIO()
        frames[0].save(out, form, save_all=True, append_images=frames[1:])
        moving[f"moving_{form.lower()}"] = out.getvalue()
    plain = io.BytesIO()
    Image.new("RGB", (3000, 200), "#a4371c").save(plain, "PNG")
    show(repository, narrow_png=noise(400, 200), light_png=plain.getvalue(), **moving)
    repository.build()
    assert sources(repository, f"issues/{SLUG}") == {}
    assert not [path for path in tree(repository.root / "dist/site") if path.endswith((".avif", "-400.webp"))]


def test_all_but_the_first_picture_of_a_page_wait_until_they_are_near(repository: Repository) -> None:
    show(repository, a_png=noise(500, 100), b_png=noise(9, 9))
    repository.build()
    page = LexborHTMLParser((repository.root / f"dist/site/issues/{SLUG}/index.html").read_text(encoding="utf-8"))
    images = [image.attributes for image in page.css("main img")]
    assert ["loading" in image for image in images] == [False, True, True]
    assert images[0]["fetchpriority"] == "high"


def test_a_cover_with_transparent_parts_is_not_cropped_among_cards(repository: Repository) -> None:
    show(repository, "2024-01-14-b", a_png=noise(40, 40))
    for slug, mode in ((SLUG, "RGBA"), ("2024-01-01-c", "RGB")):
        out = io.BytesIO()
        Image.new(mode, (60, 60)).save(out, "PNG")
        show(repository, slug, logo_png=out.getvalue())
    repository.build()
    page = (repository.root / "dist/site/index.html").read_text(encoding="utf-8")
    covers = LexborHTMLParser(page).css(".cards .cover img")
    assert [cover.attributes.get("class") for cover in covers] == ["clear", None]
    style = next((repository.root / "dist/site").rglob("style*.css")).read_text(encoding="utf-8")
    assert "object-fit:contain" in style


def test_copies_are_made_once_and_on_several_cores_they_are_the_same(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        show(repository, f"2024-01-0{number}-x", picture_png=noise(420 + number, 90))
    monkeypatch.setattr(build, "_WORTH_PROCESSES", 2)
    repository.build()
    held = tree(repository.root / "dist")
    clean = repository.root / "clean"
    repository.build(out=clean, use_cache=False)
    assert tree(clean) == held
    assert sum(path.endswith(".avif") for path in held) == 3
    monkeypatch.setattr(build, "page_copies", lambda *_: pytest.fail("encoded again"))
    shutil.rmtree(repository.root / "dist")
    repository.build()
    assert tree(repository.root / "dist") == held


def test_the_preview_asks_for_no_copies(repository: Repository) -> None:
    from publisher.config import load_config
    from publisher.preview.frames import archive_page
    from publisher.proofing.proof import proofread

    show(repository, a_png=noise(500, 100))
    config = load_config(repository.root)
    edition = proofread(config, SLUG).edition
    assert edition is not None
    assert "<source" not in archive_page(edition, config)


def test_a_picture_that_cannot_be_decoded_is_published_as_it_is(tmp_path: Path) -> None:
    front = page_copy.Front("media/a-0123456789ab.png", 900, 300, scaled=True)
    assert {*page_copy.page_copies(front, b"no picture").values()} == {b"no picture"}
