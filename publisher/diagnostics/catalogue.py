"""Registry of codes: each code has a stable name, a default severity and a page of documentation.

The pages are Markdown, one file per language (``pages/en.md``), each page under a heading that is its code.
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
    """Kind of finding.

    A ``fixed`` code blocks a build or protects readers: ``checks.levels`` in config.yaml cannot change its severity.
    The source line of a ``secret`` code is never shown, because it contains a secret. Built-in codes are created by
    :func:`define`, plug-ins construct their own. ``page`` is Markdown; a plug-in's defaults to its module's docstring.
    """

    name: str
    severity: Severity
    fixed: bool = False
    secret: bool = False
    page: str = ""

    @property
    def doc(self) -> str:
        """The page as Markdown in the current language: a summary line, then *Why it matters* and an *Example*."""
        return self.page or pages(language.get())[self.name]

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.doc.partition("\n")[0]

    def explained(self, level: int = 1) -> str:
        """Return the page as Markdown, under the code's name as a heading of ``level``, with the severity."""
        change = say("Severity: {severity}; `checks.levels` in config.yaml can change it.", severity=self.severity)
        if self.fixed:
            change = say("Severity: {severity}, whatever `checks.levels` says.", severity=self.severity)
        deeper = "#" * (level - 1)
        page = [f"{deeper}{line}" if line.startswith("## ") else line for line in self.doc.splitlines()]
        return "\n".join([f"{'#' * level} {self.name}", "", rendered(change), "", *page, ""])

    def at(self, place: Place, message: Sentence, *, help: Sentence | None = None) -> Diagnostic:
        """Return a finding of this kind at ``place``."""
        return Diagnostic(place.path, place.span, self.severity, self.name, message, help)


_CODES: dict[str, Code] = {}


class Fault(NamedTuple):
    """Code, message and help of a finding whose place is not yet known."""

    code: Code
    message: Sentence
    help: Sentence | None

    def at(self, place: Place) -> Diagnostic:
        """Return the finding at ``place``."""
        return self.code.at(place, self.message, help=self.help)


@cache
def pages(name: str = "en") -> Mapping[str, str]:
    """The pages of all codes in one language, by code."""
    text = (Path(__file__).parent / "pages" / f"{name}.md").read_text(encoding="utf-8")
    found = re.split(r"^# ([a-z0-9-]+)\n", text, flags=re.MULTILINE)[1:]
    return {code: page.strip() for code, page in zip(found[::2], found[1::2], strict=True)}


def define(name: str, severity: Severity, *, fixed: bool = False, secret: bool = False) -> Code:
    """Register a code; called in the module that reports it. Raises ValueError if the name is registered already."""
    if name in _CODES:
        raise ValueError(f"code {name!r} is defined twice")
    _CODES[name] = code = Code(name, severity, fixed, secret)
    return code


def catalogue() -> dict[str, Code]:
    """All codes of the modules imported so far, by name; :func:`publisher.config.names.every_code` imports all."""
    return dict(sorted(_CODES.items()))


def with_levels(levels: Mapping[str, str], findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Apply ``checks.levels`` of config.yaml to the findings: ``off`` drops one. Fixed codes keep their severity."""
    for finding in findings:
        level = levels.get(finding.code)
        if level is None or (finding.code in _CODES and _CODES[finding.code].fixed):
            yield finding
        elif level != "off":
            yield replace(finding, severity=Severity(level))
