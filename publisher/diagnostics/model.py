"""The diagnostic and its place. Lines and columns count from 1, columns in Unicode code points; ends are exclusive."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from publisher.diagnostics.sentences import Sentence


class Severity(StrEnum):
    """How bad a finding is. Only an error blocks a build."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


RANKS = {severity: rank for rank, severity in enumerate(Severity)}
"""0 for the worst: sorts errors first."""


class Span(NamedTuple):
    """A half-open range of a text file; ``end_line``/``end_column`` is the first position after it."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def point(cls, line: int, column: int = 1) -> Self:
        """An empty span: something is missing here."""
        return cls(line, column, line, column)


START = Span.point(1, 1)


class Place(NamedTuple):
    """A span of a file; ``path`` is relative to the repository's root, with ``/``."""

    path: str
    span: Span = START


UNTIL_LATER = "link-to-unpublished-issue"
"""The code that time ends: once the linked issue is out it is said no more. Nothing begins with time alone."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    ``message`` states the fault on one line; ``help`` states the action (what to write), never a question. Both are
    English text; :func:`publisher.diagnostics.rendered` gives them in another language.
    """

    path: str
    span: Span
    severity: Severity
    code: str
    message: Sentence
    help: Sentence | None = None

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.span.line

    @property
    def column(self) -> int:
        """Where it begins in its line."""
        return self.span.column

    @property
    def end_line(self) -> int:
        """Where it ends."""
        return self.span.end_line

    @property
    def end_column(self) -> int:
        """The first column after it."""
        return self.span.end_column

    def __hash__(self) -> int:
        """Of what tells findings apart; an enum's hash is no C."""
        return hash((self.path, self.span, self.code, self.message))


def in_order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each finding once, in the order of a report: by file, by place, the worst first."""
    once = dict.fromkeys(findings)
    return sorted(once, key=lambda one: (one.path, one.span, RANKS[one.severity], one.code, one.message))


def blocking(findings: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error, so that nothing is built of what they are about."""
    return any(finding.severity is Severity.ERROR for finding in findings)
