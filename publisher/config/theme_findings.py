"""Findings about ``theme:`` and the files that it refers to."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from publisher.config import colour
from publisher.config.model import Config
from publisher.config.theme import GROUNDS, Palette, ThemeConfig, built_in, described_in, palettes, rgb, theme_folders
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, listed, say
from publisher.documents import Mapping, find, parse_mapping, read_text
from publisher.documents.validate import BAD_VALUE, canonical_language
from publisher.documents.yaml import DUPLICATE_KEY
from publisher.errors import ConfigError
from publisher.regex import regex

LOW_CONTRAST = define("theme-contrast", Severity.ERROR, fixed=True)
SHADOWED = define("theme-shadowed", Severity.WARNING)

_SCHEMES = {"light": say("light"), "dark": say("dark")}
_FAINT_ACCENT = say("in the {mode} scheme the accent {accent} has a contrast of {ratio:.1f} to 1, and text needs 4.5")
_FAINT_TEXT = say(
    "in the {mode} scheme {token} {colour} has a contrast of {ratio:.1f} to 1 with {ground} {other}, and text needs 4.5"
)
_TEXT_FILES = frozenset({".j2", ".html", ".css", ".svg"})
_TEXTS = {"ink": GROUNDS, "title": ("card",), "soft": GROUNDS, "accent": GROUNDS, "on_accent": ("accent",)}
"""Text colours, and the backgrounds behind each in mail or on pages."""
_HEX = regex(r"(?<![\w&/])#(?:[0-9a-f]{6}|[0-9a-f]{3})\b", re.IGNORECASE)
_FAMILY = regex(r"font-family\s*:\s*(?![\s{]|var\(|inherit|ui-monospace)[^;}\"]+", re.IGNORECASE)
_VIVID = 64  # difference of the largest and smallest channel: a grey is no accent
# A comment, unless it only looks like one in a string or in an address without quotes.
_COMMENT = regex(r"""("(?:\\.|[^"\\\n])*|'(?:\\.|[^'\\\n])*|\(\s*[^\s"'()]+)|/\*.*?(?:\*/|\Z)""", re.DOTALL)
_ESCAPE = regex(r"\\(?:([0-9a-f]{1,6})[ \t\n]?|([^\n]))", re.IGNORECASE)
_WRONG = regex(
    r"""@import\b[^;]*|</[a-z]*|url\(\s*["']?\s*(?!data:|\#|["')\s])[^)\s]*"""
    r"""|(?:\(\s*["']?|,\s*["'])\s*(?:(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}|https?:)[^)\s]*""",
    re.IGNORECASE,
)


def theme_findings(config: Config, node: Mapping, root: Path, path: str) -> list[Diagnostic]:
    """Findings about ``theme:``: accents without enough contrast, missing files."""
    theme = config.theme
    if findings := [
        *_outside(config, node, path),
        *_files(theme, node, root, path),
        *_portraits(config, node, root, path),
        *_footer(config, node, path),
    ]:
        return findings
    sheets = [found for sheet in theme.css for found in _sheet(root, sheet)]
    try:
        return [*_contrasts(theme, node, root, path), *_own_contrasts(theme, root), *sheets]
    except ConfigError as error:
        return [*error.diagnostics, *sheets]


def shadowed(config: Config) -> Iterator[Diagnostic]:
    """Findings for overridden templates that ignore a value set in ``theme:``; the first of each kind per file."""
    theme, own = config.theme, config.root / config.templates
    if not own.is_dir() or not (theme.accent or theme.logo or theme.fonts.title or theme.fonts.body):
        return
    for file in sorted(path for path in own.rglob("*") if path.suffix in _TEXT_FILES and path.is_file()):
        try:
            name, text = file.relative_to(own).as_posix(), file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # reported when the theme itself is read
        shipped = next((at / name for at in theme_folders(config)[1:] if (at / name).is_file()), None)
        known = shipped.read_text(encoding="utf-8") if shipped else ""
        lines = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line not in known]
        hexes = ((at, one, rgb(one[0])) for at, line in lines for one in _HEX.finditer(line))
        colours = ((at, one) for at, one, colour in hexes if max(colour) - min(colour) >= _VIVID)
        families = ((at, one) for at, line in lines for one in _FAMILY.finditer(line))
        for key, asked, found in (
            ("accent", theme.accent, next(colours, None)),
            ("fonts", theme.fonts.title or theme.fonts.body, next(families, None)),
        ):
            if asked and found:
                yield _shadow(config, name, key, Span(found[0], found[1].start() + 1, found[0], found[1].end() + 1))
        if theme.logo and re.search(r"logo\(|brand_name", known) and not re.search("logo|brand_name", text):
            yield _shadow(config, name, "logo", Span.point(1))


def _shadow(config: Config, name: str, key: str, span: Span) -> Diagnostic:
    path = f"{config.templates}/{name}"
    message = say("{path} keeps a look of its own, which theme.{key} does not reach", path=path, key=key)
    return SHADOWED.at(Place(path, span), message, help=say("take it from the variable theme, or delete the copy"))


def _footer(config: Config, node: Mapping, path: str) -> Iterator[Diagnostic]:
    given, language = config.theme.footer, config.newsletter.language
    if isinstance(given, dict) and not {language, language.partition("-")[0]} & given.keys():
        message = say("the footer has no words in {language}, the newsletter's language", language=language)
        advice = say("add them under {language}", language=language)
        yield BAD_VALUE.at(_at(node, path, "theme", "footer"), message, help=advice)
    written, first = find(node, ("theme", "footer")), dict[str, Span]()
    for span, tag in ((one.key.span, one.key.text) for one in written.entries) if isinstance(written, Mapping) else ():
        earlier = first.setdefault(tag := canonical_language(tag), span)
        if earlier is not span:
            named = {"name": tag, "line": earlier.line, "column": earlier.column}
            message = say("the key {name} was already given at {line}:{column}", **named)
            yield DUPLICATE_KEY.at(Place(path, span), message, help=say("keep one of the two"))


def weighed(palette: Palette) -> tuple[float, str]:
    """The lowest contrast of a palette's accent, and the nearest colour with enough contrast."""
    accent, label = rgb(palette.tokens["accent"]), rgb(palette.tokens["on_accent"])
    worst = colour.least_contrast(accent, (*palette.grounds, label))
    return worst, colour.written(colour.nearest(accent, palette.grounds, colour.ENOUGH))


def _contrasts(theme: ThemeConfig, node: Mapping, root: Path, path: str) -> Iterator[Diagnostic]:
    both = palettes(theme, root)
    if theme.accent is None:
        return
    for mode, palette in zip(("light", "dark"), both, strict=True):
        worst, better = weighed(palette)
        if worst >= colour.ENOUGH:
            continue
        accent, help_ = palette.tokens["accent"], say('write "{colour}", the nearest that can be read', colour=better)
        if not theme.accent.dark and colour.least_contrast(rgb(accent), both[1].grounds) >= colour.ENOUGH:
            pair = f'accent: {{light: "{better}", dark: "{accent}"}}'
            help_ = say("write {pair}, the nearest that can be read, and yours in the dark", pair=pair)
        message = say(_FAINT_ACCENT, mode=_SCHEMES[mode], accent=accent, ratio=colour.told(worst))
        yield LOW_CONTRAST.at(_at(node, path, "theme", "accent", mode), message, help=help_)


def _own_contrasts(theme: ThemeConfig, root: Path) -> Iterator[Diagnostic]:
    """Findings for colours of the theme's own file with too little contrast: the worst background per text colour."""
    path = described_in(theme, root)
    file = read_text(root, path)[0] if path else None
    node = parse_mapping(file, say("{name} has to be a mapping", name=file.path), None)[0] if file else None
    if file is None or node is None:
        return
    for mode, palette in zip(("light", "dark"), palettes(theme, root), strict=True):
        for token, grounds in _TEXTS.items():
            written = rgb(palette.tokens[token])
            ground = min(grounds, key=lambda name: colour.contrast(written, rgb(palette.tokens[name])))
            ratio = colour.contrast(written, rgb(palette.tokens[ground]))
            at = find(node, (mode, token)) or find(node, (mode, ground))
            if ratio >= colour.ENOUGH or at is None or (theme.accent and "accent" in token):
                continue
            nearest = colour.nearest(written, tuple(rgb(palette.tokens[name]) for name in grounds), colour.ENOUGH)
            pair = {"token": token, "colour": palette.tokens[token], "ground": ground, "other": palette.tokens[ground]}
            message = say(_FAINT_TEXT, mode=_SCHEMES[mode], ratio=colour.told(ratio), **pair)
            advice = say('write "{colour}", the nearest that can be read', colour=colour.written(nearest))
            yield LOW_CONTRAST.at(Place(file.path, at.span), message, help=advice)


def _files(theme: ThemeConfig, node: Mapping, root: Path, path: str) -> Iterator[Diagnostic]:
    places: dict[str, tuple[str | None, ...]] = {
        "name": () if theme.name in built_in() else (theme.name,),
        "icon": (theme.icon,),
        "header": (theme.header,),
        "logo": (theme.logo.light, theme.logo.dark) if theme.logo else (),
        "css": theme.css,
    }
    for key, names in places.items():
        for name in (one for one in names if one and not _is_there(root, one, folder=key == "name")):
            if key != "name":
                yield not_there(name, _at(node, path, "theme", key))
                continue
            message, themes = say("there is no theme {value!r}", value=name[:40]), listed(built_in())
            advice = say("write one of {names}, or ./FOLDER for one of your own", names=themes)
            yield BAD_VALUE.at(_at(node, path, "theme", key), message, help=advice)


def _portraits(config: Config, node: Mapping, root: Path, path: str) -> Iterator[Diagnostic]:
    for author, shown in config.authors.items():
        if shown.picture and not _is_there(root, shown.picture, folder=False):
            yield not_there(shown.picture, _at(node, path, "authors", author, "picture"))


def not_there(name: str, place: Place) -> Diagnostic:
    """Return the finding for the name of a file that does not exist."""
    message = say("there is no {name} in the repository", name=name)
    return BAD_VALUE.at(place, message, help=say("name a file of the repository, relative to config.yaml"))


def _outside(config: Config, node: Mapping, path: str) -> Iterator[Diagnostic]:
    if posixpath.normpath(config.templates).startswith(("..", "/")):
        message = say("{name} is not a folder of the repository", name=config.templates)
        advice = say("name a folder of the repository, relative to config.yaml")
        yield BAD_VALUE.at(_at(node, path, "templates"), message, help=advice)


def _at(node: Mapping, path: str, *keys: str) -> Place:
    """The place of a key, or of the one around it if it is not written."""
    found = find(node, keys) or find(node, keys[:-1])
    return Place(path, found.span if found else Span.point(1, 1))


def _is_there(root: Path, name: str, *, folder: bool) -> bool:
    file = root / name
    try:
        return file.resolve().is_relative_to(root.resolve()) and (file.is_dir() if folder else file.is_file())
    except (OSError, RuntimeError, ValueError):  # name too long, circular links, NUL in the path
        return False


def _sheet(root: Path, path: str) -> Iterator[Diagnostic]:
    """Findings for a style sheet that is not text, or contains ``@import``, external addresses or HTML."""
    file, findings = read_text(root, path)
    yield from findings
    text = _COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), file.text if file else "")
    text = _ESCAPE.sub(lambda escape: chr(min(int(escape[1], 16), 0x10FFFF)) if escape[1] else escape[2], text)
    for found in _WRONG.finditer(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        what = " ".join(found[0].split())[:60] + ")" * (found[0][:4].lower() == "url(")
        place = Place(path, Span.point(line, column))
        if what.startswith("</"):
            yield BAD_VALUE.at(place, say("{what} is HTML, not CSS", what=what), help=say("delete it"))
        else:
            message = say("{what} loads another file, and a style sheet cannot", what=what)
            yield BAD_VALUE.at(place, message, help=say("write it into this style sheet; a picture as data:"))
