"""Gates: rules over a rendered edition, one module per rule; all run, whatever one finds."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from publisher import edition
from publisher.config import Config
from publisher.config.theme import theme_folders
from publisher.diagnostics import Code, Diagnostic, Place, Severity, Span, define, say
from publisher.edition.gates import clients, contrast, gmail, literal_markup, structure
from publisher.edition.model import Edition
from publisher.issue.model import Issue

CARD_GLYPHS = define("card-glyphs", Severity.WARNING)
_NO_FONT = say("no font here has {characters}: the issue's card cannot show its title")
_INSTALL = say("install a font of the language, such as Noto, or name one under theme.fonts.card in config.yaml")
_IN_BOTH = (structure.INACCESSIBLE, structure.SLOT_LEFT, structure.NO_WAY_OUT, structure.TEXT_INCOMPLETE)
_THEMES_OWN = (contrast.LOW_CONTRAST, gmail.STYLE_DROPPED, clients.CLIENT_LACKS, *_IN_BOTH)
_OF_THE_THEME = frozenset(code.name for code in _THEMES_OWN)
"""Codes of faults in templates rather than content: in styles, slots and addresses."""

_NAMED = re.compile(r"#[0-9a-f]{6}|https?://\S+|@[a-z-]+")
_FEATURE = re.compile(r"\b(CSS|HTML) ([a-z0-9-]+)")
_DOUBLED = re.compile(r"#(.)\1(.)\2(.)\3")
_WORDS = {"#ffffff": "white", "#000000": "black"}


def check_edition(edition: Edition, issue: Issue, config: Config) -> list[Diagnostic]:
    """Return the findings of all gates. A fault of the newsletter's own theme is placed in its template."""
    html, place = edition.html.fill(lambda _: "#"), issue.places.of()
    found = [
        *gmail.check(edition, issue, config),
        *structure.check(edition, config, html, place),
        *gmail.find(html, place),
        *contrast.find(html, place),
        *clients.find(html, place),
        *structure.differences(edition.html, edition.text, [i.headline for i in issue.items[: edition.mailed]], place),
        *literal_markup.check(issue),
        *_card_glyphs(edition, issue, config),
    ]
    return [_in_theme(finding, config) if finding.code in _OF_THE_THEME else finding for finding in found]


def _card_glyphs(edition: Edition, issue: Issue, config: Config) -> Iterator[Diagnostic]:
    """Report a title that no font for the card can show, with the characters that the best font lacks."""
    if config.theme.cards:
        from publisher.edition.card import lacking  # load Pillow's fonts only if cards are drawn

        if lost := lacking(config, edition.title, edition.language):
            message = say(
                _NO_FONT, characters=" ".join(one if one.isprintable() else f"U+{ord(one):04X}" for one in lost[:10])
            )
            yield CARD_GLYPHS.at(issue.places.of("title"), message, help=_INSTALL)


def _in_theme(finding: Diagnostic, config: Config) -> Diagnostic:
    named = [_written(name.lower()) for name in _NAMED.findall(finding.message)]
    named += [clients.written(feature[1], feature[2]) for feature in _FEATURE.finditer(finding.message)]
    rank, place = min(_lines(config, named), key=lambda spot: spot[0], default=(0, None))
    if place is None or (finding.code == structure.TEXT_INCOMPLETE.name and rank == len(named)):
        return finding  # an address that no template contains is the issue's
    return replace(finding, path=place.path, span=place.span)


def _written(name: str) -> re.Pattern[str]:
    """The ways in which a sheet writes a name: a colour also in three digits or as a word."""
    short = _DOUBLED.sub(r"#\1\2\3", name)
    colour = rf"(?<![\w-])(?:{name}|{short}|{_WORDS.get(name, name)})(?![\w-])"
    return re.compile(colour if name[0] == "#" else re.escape(name))


def _lines(config: Config, named: list[re.Pattern[str]]) -> Iterator[tuple[int, Place]]:
    """Yield each line of the repository's own mail templates and style sheets that contains one of the names.

    The rank is the name's index, or ``len(named)`` for the main template. The package's own files are skipped.
    """
    own = [folder for folder in theme_folders(config) if folder.is_relative_to(config.root)]
    sheets = [config.root / name for name in config.theme.css]
    for file in (*sheets, *(file for folder in own for file in sorted((folder / "email").glob("*.j2")))):
        path = file.relative_to(config.root).as_posix()
        if file.name == "issue.mjml.j2":
            yield len(named), Place(path)
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").lower().splitlines(), 1):
            for rank, name in enumerate(named):
                if at := name.search(line):
                    yield rank, Place(path, Span(number, at.start() + 1, number, at.end() + 1))


@cache
def gate_codes() -> frozenset[str]:
    """The names of the codes that can be reported only after rendering."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(edition.__path__, f"{edition.__name__}.")]
    return frozenset(value.name for module in modules for value in vars(module).values() if isinstance(value, Code))
