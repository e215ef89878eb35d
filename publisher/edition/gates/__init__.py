"""Gates: rules over a rendered edition, a module each; all run, whatever one finds."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from publisher import edition
from publisher.config import Config
from publisher.config.theme import theme_folders
from publisher.diagnostics import Code, Diagnostic, Place, Span
from publisher.edition.gates import card_glyphs, clients, contrast, gmail, literal_markup, parity, structure
from publisher.edition.model import Edition
from publisher.issue.model import Issue

_OF_THE_THEME = frozenset(
    code.name
    for code in (
        contrast.LOW_CONTRAST,
        gmail.STYLE_DROPPED,
        clients.CLIENT_LACKS,
        structure.INACCESSIBLE,
        structure.SLOT_LEFT,
        parity.NO_WAY_OUT,
        parity.TEXT_INCOMPLETE,
    )
)
"""What no editor can cause: styles, slots and addresses that only a template writes."""

_NAMED = re.compile(r"#[0-9a-f]{6}|https?://\S+|@[a-z-]+")


def check_edition(edition: Edition, issue: Issue, config: Config) -> list[Diagnostic]:
    """What every gate finds. A fault of the newsletter's own theme stands in its template, the same for all issues."""
    html, place = edition.html.fill(lambda _: "#"), issue.places.of()
    found = [
        *gmail.check(edition, issue, config),
        *structure.check(edition, html, place),
        *gmail.find(html, place),
        *contrast.find(html, place),
        *clients.find(html, place),
        *parity.find(edition.html, edition.text, [one.headline for one in issue.items[: edition.mailed]], place),
        *literal_markup.check(edition, issue),
        *card_glyphs.check(edition, issue, config),
    ]
    return [_in_theme(finding, config) if finding.code in _OF_THE_THEME else finding for finding in found]


def _in_theme(finding: Diagnostic, config: Config) -> Diagnostic:
    named = [name.lower() for name in _NAMED.findall(finding.message)]
    spots = list(_lines(config, named))
    rank, place = min(spots, key=lambda spot: spot[0], default=(0, None))
    if place is None or (finding.code == parity.TEXT_INCOMPLETE.name and rank == len(named)):
        return finding  # an address that no template writes is the issue's
    return replace(finding, path=place.path, span=place.span)


def _lines(config: Config, named: list[str]) -> Iterator[tuple[int, Place]]:
    """Each line of the repository's own templates and style sheets of mail that writes one of the names.

    The rank is the name's, and one more for the template itself. The package's own files nobody here can mend.
    """
    own = [folder for folder in theme_folders(config) if folder.is_relative_to(config.root)]
    sheets = [config.root / name for name in config.theme.css]
    for file in (*sheets, *(file for folder in own for file in sorted((folder / "email").glob("*.j2")))):
        path = file.relative_to(config.root).as_posix()
        if file.name == "issue.mjml.j2":
            yield len(named), Place(path)
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").lower().splitlines(), 1):
            for rank, name in enumerate(named):
                if (at := line.find(name)) >= 0:
                    yield rank, Place(path, Span(number, at + 1, number, at + 1 + len(name)))


@cache
def gate_codes() -> frozenset[str]:
    """The codes that only a rendering can find."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(edition.__path__, f"{edition.__name__}.")]
    return frozenset(value.name for module in modules for value in vars(module).values() if isinstance(value, Code))
