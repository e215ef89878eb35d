"""Many findings of one kind as few: a person reads the first, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from publisher.diagnostics.model import Diagnostic, Severity
from publisher.diagnostics.sentences import counted, rendered

FEW = 3
"""Findings of one kind that are all shown. Of more the first is; of errors as many as this, for each is an act."""


class Shown(NamedTuple):
    """A finding, and how many of its kind stand behind it in how many files; 0 where each is shown."""

    finding: Diagnostic
    more: int = 0
    files: int = 0

    @property
    def rest(self) -> str:
        """What stands behind it, in words."""
        told = counted(
            "+ {more} more in {n} file; publisher check --all",
            "+ {more} more in {n} files; publisher check --all",
            self.files,
            more=self.more,
        )
        return rendered(told)


def fold(findings: Iterable[Diagnostic]) -> list[Shown]:
    """The findings that are shown, in their order; a kind is a code at a severity."""
    kinds: dict[tuple[str, Severity], list[tuple[int, Diagnostic]]] = {}
    for place, finding in enumerate(findings):
        kinds.setdefault((finding.code, finding.severity), []).append((place, finding))
    shown: list[tuple[int, Shown]] = []
    for (_, severity), kind in kinds.items():
        most = FEW if severity is Severity.ERROR or len(kind) <= FEW else 1
        hidden = kind[most:]
        shown += [(place, Shown(finding)) for place, finding in kind[: most - 1 if hidden else most]]
        if hidden:
            place, last = kind[most - 1]
            shown.append((place, Shown(last, len(hidden), len({finding.path for _, finding in hidden}))))
    return [one for _, one in sorted(shown, key=lambda pair: pair[0])]
