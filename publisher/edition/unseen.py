"""Parts of a brand that cannot be seen: a logo too close to its background, colours that fit only one colour scheme.

Mail has a gate of its own (:mod:`publisher.edition.gates.contrast`). For pages, specimens of an issue, a list and the
forms are checked with the theme's style sheet and the newsletter's own.
"""

import io
import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from publisher.config import Config, colour
from publisher.config.theme import rgb, theme_folders
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, say
from publisher.documents import read_text
from publisher.edition.brand import Brand, place_of
from publisher.edition.gates.contrast import DARK_MODE, LIGHT_MODE, close_pairs, close_words
from publisher.edition.gates.stylesheet import rules
from publisher.edition.model import ThemeError
from publisher.edition.theme import Theme
from publisher.errors import UsageError

UNSEEN = define("theme-unseen", Severity.WARNING)
_ON_PAGES = say("on pages in {mode} mode text has a contrast of {contrast:.1f} to 1: {colour} on {ground}")
_SEEN, _SHARE, _SAMPLE = 1.5, 0.01, 256
"""Contrast of a visible pixel; share of them that a logo needs; side of the sampled grid in pixels."""
_OWN = ("web/style.css", "web/theme.css", "service/style.css", "service/theme.css")
_COLOUR = re.compile(r":\s*+([^:;{}]*?)\s*+(?:!important\s*+)?(?:[;}]|$)")
_GROUNDS = frozenset({"background", "background-image"})
_READ = frozenset({"color", "background", "background-color", "font-size", "font-weight", "display"})
_VAR = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)")
_REM = re.compile(r"([\d.]+)rem\b")
_SCHEME = re.compile(r"prefers-color-scheme:(dark|light)")
_EITHER = re.compile(r"light-dark\(([^,()]*),([^()]*)\)")
_PICTURE = re.compile(r"gradient\(|url\(|image-set\(", re.IGNORECASE)
_DEEP = 4  # rounds of replacing variables by variables, limited because of cycles
_MUCH = " !important"
_BROWSERS = "h1,h2,h3,h4,b,strong,th{font-weight:bold}"
_FOLDER = Path(__file__).parent / "specimens"
_ISSUE, _FORM = ((_FOLDER / name).read_text("utf-8") for name in ("issue.html", "form.html"))
SPECIMENS = {
    "web/style.css": tuple(_ISSUE.replace("{page}", page) for page in ("issue", "home")),
    "service/style.css": (_FORM,),
}
"""Sample HTML of pages, by style sheet."""


def unseen(config: Config) -> Iterator[Diagnostic]:
    """Yield findings for parts of the brand that readers of mail and pages cannot see."""
    yield from _logos(config)
    yield from _colours(config)


def _logos(config: Config) -> Iterator[Diagnostic]:
    brand, logo = Brand.of(config), config.theme.logo
    if logo is None or brand.logo is None:
        return
    shown = (("light", logo.light, brand.logo.path, brand.light), ("dark", logo.dark, brand.logo.dark, brand.dark))
    for mode, file, path, palette in shown:
        if file is None or path is None:
            continue
        content = next(asset.content for asset in brand.assets if asset.name == path)
        ground = next((name for name in ("page", "paper") if _lost(content, rgb(palette[name]))), None)
        if ground is None:
            continue
        values = {"mode": DARK_MODE if mode == "dark" else LIGHT_MODE, "file": file, "colour": palette[ground]}
        told = say("in the {mode} scheme the logo {file} cannot be seen on its background {colour}", **values)
        advice = say("draw it in colours that are seen there, or put a ground of its own into the picture")
        yield UNSEEN.at(place_of(config.root, "theme", "logo", mode), told, help=advice)


def _lost(content: bytes, ground: colour.RGB) -> bool:
    """Whether almost no pixel of a picture differs from its background."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as given:
        image = given.convert("RGBA")
    image.thumbnail((_SAMPLE, _SAMPLE), Image.Resampling.NEAREST)  # averaging would fade thin lines
    counted: list[Any] = image.getcolors(_SAMPLE * _SAMPLE) or []
    drawn = [(count, pixel[:3]) for count, pixel in counted if pixel[3] >= 128]
    seen = sum(count for count, pixel in drawn if colour.contrast(pixel, ground) >= _SEEN)
    return bool(seen <= _SHARE * sum(count for count, _ in drawn))


def _colours(config: Config) -> Iterator[Diagnostic]:
    """Report colours of the newsletter's own sheets that are unreadable on pages in a scheme, each at its place."""
    root = config.root.resolve()
    folders = [folder.relative_to(root) for folder in theme_folders(config) if folder.is_relative_to(root)]
    sheets = [(folder / name).as_posix() for folder in folders for name in _OWN]
    written = [*_written(root, [*config.theme.css, *sheets])]
    theme, told = Theme.of(config), set[Place]()
    try:
        whole = {name: theme.style(name, "") for name in SPECIMENS} if written else {}
    except (ThemeError, UsageError):
        return  # reported when the pages are made
    for (mode, dark), (name, sheet) in product(((LIGHT_MODE, False), (DARK_MODE, True)), whole.items()):
        for (ink, ground), ratio in close(sheet, dark, SPECIMENS[name]).items():
            at = next((place for place, found in written if found in (ink, ground)), None)
            if at is None or at in told:
                continue
            told.add(at)
            advice = say("write one that can be read, for the dark in @media (prefers-color-scheme: dark) { … }")
            yield UNSEEN.at(at, close_words(mode, ratio, ink, ground, _ON_PAGES), help=advice)


def _written(root: Path, names: Iterable[str]) -> Iterator[tuple[Place, colour.RGB]]:
    """The colours of style sheets, with their places."""
    for name in names:
        file = read_text(root, name)[0] if (root / name).is_file() else None
        for number, line in enumerate(file.text.split("\n") if file else (), 1):
            for found in _COLOUR.finditer(line):
                if value := colour.parse(found[1]):
                    column = found.start(1) + 1
                    yield Place(name, Span(number, column, number, column + len(found[1]))), value


def _is_of(dark: bool, at: str) -> bool:
    """Whether an at-rule applies to the colour scheme."""
    found = _SCHEME.search(at.replace(" ", ""))
    return found is not None and ((found[1] == "dark") != ("not" in at)) == dark


def close(sheet: str, dark: bool, specimens: Iterable[str]) -> dict[tuple[colour.RGB, colour.RGB], float]:
    """Map text and background colours with too little contrast in a scheme to the contrast. Text on a picture or a
    gradient is not checked, and a sheet with nested rules yields nothing.
    """
    import css_inline

    kept = [rule for rule in rules(sheet) if all(_is_of(dark, at) for at in rule.context)]
    if any("{" in name + value for rule in kept for name, value, _ in rule.declarations):
        return {}
    tokens = {name: value for rule in kept if ":root" in rule.selector for name, value, _ in rule.declarations}

    def filled(value: str) -> str:
        for _ in range(_DEEP):
            value = _VAR.sub(lambda found: tokens.get(found[1], found[2] or ""), value)
        return _EITHER.sub(lambda found: found[1 + dark], value)

    css = [_BROWSERS]
    for rule in (one for one in kept if one.selector):
        given = [(name, filled(value), much) for name, value, much in rule.declarations]
        read = [one for one in given if one[0] in _READ]
        if any(name in _GROUNDS and _PICTURE.search(value) for name, value, _ in given):
            read.append(("display", "none", True))
        css.append(f"{rule.selector}{{{''.join(f'{n}:{value}{_MUCH * much};' for n, value, much in read)}}}")
    pixels = _REM.sub(lambda found: f"{float(found[1]) * 16:g}px", "".join(css))
    inliner = css_inline.CSSInliner(extra_css=pixels, load_remote_stylesheets=False)
    pairs = (close_pairs(inliner.inline(specimen)) for specimen in specimens)
    return {(ink, ground): ratio for each in pairs for (_, ink, ground), ratio in each.items()}
