"""Diagnostic and place. Lines and columns count from 1, columns in Unicode code points; ends are exclusive."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from publisher.diagnostics.sentences import Sentence


class Severity(StrEnum):
    """Severity of a finding. Only an error blocks a build."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


RANKS = {severity: rank for rank, severity in enumerate(Severity)}
"""Sort key of severities: 0 is the most severe."""


class Span(NamedTuple):
    """Half-open range of a text file; ``end_line``/``end_column`` is the first position after it."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def point(cls, line: int, column: int = 1) -> Self:
        """Return an empty span, used for something that is missing at this position."""
        return cls(line, column, line, column)


START = Span.point(1, 1)


class Place(NamedTuple):
    """Span of a file; ``path`` is relative to the repository's root, with ``/``."""

    path: str
    span: Span = START


PASSING = frozenset({"card-glyphs"})
"""Codes of findings that end although no content changes: once a font is installed."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Finding about content.

    ``message`` states the fault on one line; ``help`` states the action (what to write), never a question. Both are
    English text; :func:`publisher.diagnostics.rendered` translates them.
    """

    path: str
    span: Span
    severity: Severity
    code: str
    message: Sentence
    help: Sentence | None = None

    @property
    def line(self) -> int:
        """The first line."""
        return self.span.line

    @property
    def column(self) -> int:
        """The first column."""
        return self.span.column

    @property
    def end_line(self) -> int:
        """The line of the first position after the finding."""
        return self.span.end_line

    @property
    def end_column(self) -> int:
        """The column of the first position after the finding."""
        return self.span.end_column

    def __hash__(self) -> int:
        """Hash the distinguishing fields only: the hash of an enum is slow, as it is not implemented in C."""
        return hash((self.path, self.span, self.code, self.message))


def in_order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings without duplicates, sorted for a report: by file, by place, then by severity."""
    once = dict.fromkeys(findings)
    return sorted(once, key=lambda one: (one.path, one.span, RANKS[one.severity], one.code, one.message))


def blocking(findings: Iterable[Diagnostic]) -> bool:
    """Whether a finding is an error, which blocks the build."""
    return any(finding.severity is Severity.ERROR for finding in findings)
