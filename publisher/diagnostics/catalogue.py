"""The catalogue of codes: every finding has a stable name, a default severity and a page that explains it."""

from __future__ import annotations

from dataclasses import dataclass, field

from publisher.diagnostics.model import Diagnostic, Place, Severity

_CODES: dict[str, Code] = {}


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. ``doc`` is Markdown: a summary line, then *Why it matters* and an *Example*.

    A ``fixed`` code prevents building, or guards readers: ``checks.levels`` in config.yaml cannot soften it.
    The line of a ``secret`` code is never shown: it holds one.
    """

    name: str
    severity: Severity
    doc: str = field(repr=False)
    fixed: bool = False
    secret: bool = False

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.doc.strip().splitlines()[0]

    def at(self, place: Place, message: str, *, help: str | None = None) -> Diagnostic:
        """A finding of this kind at ``place``."""
        return Diagnostic(place.path, place.span, self.severity, self.name, message, help)


def define(name: str, severity: Severity, doc: str, *, fixed: bool = False, secret: bool = False) -> Code:
    """Enter a code into the catalogue, in the module that reports it. A name is entered once."""
    if name in _CODES:
        raise ValueError(f"code {name!r} is defined twice")
    _CODES[name] = code = Code(name, severity, doc, fixed, secret)
    return code


def catalogue() -> dict[str, Code]:
    """All codes of the modules imported so far, by name; :func:`publisher.config.declared.every_code` imports all."""
    return dict(sorted(_CODES.items()))
