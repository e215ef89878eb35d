"""The catalogue of codes: every finding has a stable name, a default severity and a page that explains it.

The pages are Markdown, one file a language: ``pages/en.md``, each page under a heading that is its code.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from publisher.diagnostics.model import Diagnostic, Place, Severity
from publisher.diagnostics.sentences import Sentence, language, rendered, say


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding.

    A ``fixed`` code prevents building, or guards readers: ``checks.levels`` in config.yaml cannot soften it.
    The line of a ``secret`` code is never shown: it holds one. A plug-in makes its codes itself, ours are defined by
    :func:`define`; its ``page`` is Markdown as in the files of pages, by default the docstring of its module.
    """

    name: str
    severity: Severity
    fixed: bool = False
    secret: bool = False
    page: str = ""

    @property
    def doc(self) -> str:
        """Its page as Markdown, in the reader's language: a summary line, then *Why it matters* and an *Example*."""
        return self.page or pages(language.get())[self.name]

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.doc.partition("\n")[0]

    def explained(self, level: int = 1) -> str:
        """Its page under its name, a heading of ``level``, and its severity; Markdown."""
        change = say("Severity: {severity}; `checks.levels` in config.yaml can change it.", severity=self.severity)
        if self.fixed:
            change = say("Severity: {severity}, whatever `checks.levels` says.", severity=self.severity)
        deeper = "#" * (level - 1)
        page = [f"{deeper}{line}" if line.startswith("## ") else line for line in self.doc.splitlines()]
        return "\n".join([f"{'#' * level} {self.name}", "", rendered(change), "", *page, ""])

    def at(self, place: Place, message: Sentence, *, help: Sentence | None = None) -> Diagnostic:
        """A finding of this kind at ``place``."""
        return Diagnostic(place.path, place.span, self.severity, self.name, message, help)


_CODES: dict[str, Code] = {}


class Fault(NamedTuple):
    """What is wrong, and the way out, before it has a place."""

    code: Code
    message: Sentence
    help: Sentence | None

    def at(self, place: Place) -> Diagnostic:
        """The finding at ``place``."""
        return self.code.at(place, self.message, help=self.help)


@cache
def pages(name: str = "en") -> Mapping[str, str]:
    """The pages of all codes in a language, by code."""
    text = (Path(__file__).parent / "pages" / f"{name}.md").read_text(encoding="utf-8")
    found = re.split(r"^# ([a-z0-9-]+)\n", text, flags=re.MULTILINE)[1:]
    return {code: page.strip() for code, page in zip(found[::2], found[1::2], strict=True)}


def define(name: str, severity: Severity, *, fixed: bool = False, secret: bool = False) -> Code:
    """Enter a code into the catalogue, in the module that reports it. A name is entered once."""
    if name in _CODES:
        raise ValueError(f"code {name!r} is defined twice")
    _CODES[name] = code = Code(name, severity, fixed, secret)
    return code


def catalogue() -> dict[str, Code]:
    """All codes of the modules imported so far, by name; :func:`publisher.config.names.every_code` imports all."""
    return dict(sorted(_CODES.items()))


def with_levels(levels: Mapping[str, str], findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings at the levels that config.yaml asks for; ``off`` drops one. A fixed code keeps its own."""
    for finding in findings:
        level = levels.get(finding.code)
        if level is None or (finding.code in _CODES and _CODES[finding.code].fixed):
            yield finding
        elif level != "off":
            yield replace(finding, severity=Severity(level))
