"""A brand that readers cannot see: a logo invisible on its background, colours readable in one scheme only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from publisher.config import load_config
from publisher.config.theme import built_in, store
from publisher.edition.theme import Theme
from publisher.edition.unseen import SPECIMENS, close, unseen
from tests.edition.make import config
from tests.site.conftest import CONFIG


def found(root: Path, theme: str, sheet: str = "") -> list[tuple[str, int, int, str]]:
    (root / "config.yaml").write_text(f"{CONFIG}theme: {theme}\n", encoding="utf-8")
    (root / "brand.css").write_text(sheet, encoding="utf-8")
    return [(one.path, one.span.line, one.span.column, str(one.message)) for one in unseen(load_config(root))]


def logo(path: Path, ink: str, ground: str | None = None) -> None:
    image = Image.new("RGBA", (640, 160), ground or (0, 0, 0, 0))
    ImageDraw.Draw(image).line([(20, 20), (620, 140)], fill=ink, width=12)
    image.save(path)


@pytest.mark.parametrize(
    ("theme", "ink", "ground", "told"),
    [
        ("{logo: a.png}", "#ffffff", None, ["in the light scheme the logo a.png"]),
        ("{logo: a.png}", "#fff6d0", None, ["in the light scheme the logo a.png"]),  # pale
        ("{logo: {light: b.png, dark: a.png}}", "#101010", None, ["in the dark scheme the logo a.png"]),
        ("{logo: a.png}", "#ffffff", "#0b57d0", []),  # on a ground of its own
        ("{logo: a.png}", "#101010", None, []),  # has a light backing in the dark
        ("{logo: a.png}", "#101010", "#ffffff", []),  # little ink on white
        ("{logo: {light: b.png, dark: a.png}}", "#ffffff", None, []),
        ("{logo: a.png}", "#bbbbbb", None, []),  # light, and seen
    ],
)
def test_a_logo_that_is_invisible_on_its_background_is_reported(
    tmp_path: Path, theme: str, ink: str, ground: str | None, told: list[str]
) -> None:
    logo(tmp_path / "a.png", ink, ground)
    logo(tmp_path / "b.png", "#0b57d0")
    said = found(tmp_path, theme)
    assert [message.partition(" cannot be seen")[0] for *_, message in said] == told
    assert all((path, line) == ("config.yaml", CONFIG.count("\n") + 1) for path, line, *_ in said)


def test_a_logo_of_fine_lines_is_seen(tmp_path: Path) -> None:
    image = Image.new("RGBA", (1600, 400))
    for at in range(50, 1500, 120):
        ImageDraw.Draw(image).ellipse([at, 100, at + 100, 300], outline="#101010", width=3)
    image.save(tmp_path / "a.png")
    assert found(tmp_path, "{logo: a.png}") == []


@pytest.mark.parametrize(
    ("sheet", "told"),
    [
        (".headline { color: #202124; }", [(1, 20, "dark")]),
        ("\nbody { background: #fff }", [(2, 20, "dark")]),
        (".site-head a { color: #f5f5f5 !important }", [(1, 23, "light")]),
        (".commentary { background: #123456; color: #fff }", [(1, 27, "light")]),  # its soft text
        ("button { background: #39ff14 }", [(1, 22, "light")]),
        ("h1 { color: #777777 }", []),  # large
        ("a { color: var(--accent) }", []),
        (".masthead a, .no-such-thing { color: #111 }", []),
        ("@media print { .headline { color: #fff } }", []),
        ("h1 { color: #b00020 }\n@media (prefers-color-scheme: dark) { h1 { color: #ffb4ab } }", []),
        (".button { background: #0b57d0; color: #ffffff }", []),
        (":root { --ink: var(--ink) }", []),
        (".site-head { background-image: linear-gradient(#102040, #203060) } .site-head a { color: #fff }", []),
        (".headline { color: #111; @media (prefers-color-scheme: dark) { color: #eee } }", []),
        (".headline { color: #eee } @media (prefers-color-scheme: light) { .headline { color: #111 } }", []),
        (".headline { color: #eee } @media not (prefers-color-scheme: dark) { .headline { color: #111 } }", []),
        (".headline { color: light-dark(#111, #eee) }", []),
        (".headline { color: light-dark(#eee, #111) }", [(1, 20, "light")]),
    ],
)
def test_a_colour_of_an_own_sheet_that_cannot_be_read_on_pages_is_reported_at_its_place(
    tmp_path: Path, sheet: str, told: list[tuple[int, int, str]]
) -> None:
    said = found(tmp_path, "{css: [brand.css]}", sheet)
    assert [(path, line, column) for path, line, column, _ in said] == [("brand.css", *one[:2]) for one in told]
    assert all(f"in {mode} mode" in message for (_, _, mode), (*_, message) in zip(told, said, strict=True))


def test_sheets_of_own_templates_are_read_and_ours_are_fine(tmp_path: Path) -> None:
    (tmp_path / "templates/service").mkdir(parents=True)
    (tmp_path / "templates/service/theme.css").write_text("main { background: #fff; }")
    assert [one[:3] for one in found(tmp_path, "{accent: '#0b57d0'}")] == [("templates/service/theme.css", 1, 20)]
    for name in built_in():
        theme = Theme.of(config(theme={"name": name}))
        for sheet, specimens in SPECIMENS.items():
            for dark in (False, True):
                assert close(theme.style(sheet, ""), dark, specimens) == {}, (name, sheet, dark)


def test_specimens_are_made_of_what_templates_write() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in sorted(store().rglob("*.html*")))
    written += "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(Path(__file__).parents[2].glob("publisher/edition/**/*.py"))
        if path.name != "unseen.py"
    )
    named = {
        name
        for texts in SPECIMENS.values()
        for text in texts
        for each in re.findall('class="([^"]+)"', text)
        for name in each.split()
    }
    assert not [name for name in named if not re.search(rf"\b{name}\b", written)]
