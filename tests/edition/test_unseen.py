"""A logo that readers cannot see on its background."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from publisher.config import load_config
from publisher.edition.gates.contrast import unseen
from tests.site.conftest import CONFIG


def found(root: Path, theme: str) -> list[tuple[str, int, int, str]]:
    (root / "config.yaml").write_text(f"{CONFIG}theme: {theme}\n", encoding="utf-8")
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
