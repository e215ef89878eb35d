"""Findings that have one right answer, which changes no meaning: ``check --fix`` writes it.

A comma between Han characters becomes a Chinese one, a mark typed twice becomes one, a parameter that only tracks goes,
a commentary with its label at the end of a body goes into its container.
Nothing else of a file changes: not its line ends, its byte order mark, its mode or its last line.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from publisher.checks.rules import commentary_in_body, doubled_punctuation, half_width_punctuation, tracking_parameter
from publisher.diagnostics import Diagnostic

_LINE_END = re.compile("(\r\n|\n|\r)")
_HAN = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]")
_TWICE = frozenset({"。。", "，，", "、、", "；；", "：："})
# Those of the large advertisers alone: what another site calls ``spm`` or ``share_token`` may open its page.
_TRACKS = re.compile(
    r"(?P<before>\?|&amp;|&)(?:utm_\w+|fbclid|gclid|dclid|msclkid|igshid|twclid|mc_[ce]id)=[^&#\s\"'<>()\[\]{}]*"
    r"(?P<after>&amp;|&)?"
)


@dataclass(frozen=True, slots=True)
class Fix:
    """What a file holds and what it would hold; ``count`` findings are mended by that."""

    path: str
    before: bytes
    after: bytes
    count: int

    def diff(self) -> str:
        """The change, as a unified diff."""
        old, new = (content.decode("utf-8").splitlines(keepends=True) for content in (self.before, self.after))
        changes = difflib.unified_diff(old, new, f"a/{self.path}", f"b/{self.path}", n=1)
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in changes)


def plan_fixes(root: Path, findings: Iterable[Diagnostic]) -> list[Fix]:
    """The files that fixing would change, by path; none where a finding's place is not exactly what it was about."""
    by_path: dict[str, list[Diagnostic]] = {}
    for finding in findings:
        if finding.code in _FIXERS and finding.span.line == finding.span.end_line:
            by_path.setdefault(finding.path, []).append(finding)
    planned = (_plan(root, path, found) for path, found in sorted(by_path.items()))
    return [fix for fix in planned if fix is not None]


def apply_fix(root: Path, fix: Fix) -> bool:
    """Write one file whole, or not at all. False where somebody has changed it since it was planned.

    Raises ``OSError`` where the disk refuses.
    """
    target = (root / fix.path).resolve()
    if target.read_bytes() != fix.before:
        return False
    handle, temporary = tempfile.mkstemp(prefix=".publisher-", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(fix.after)
        shutil.copymode(target, temporary)
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    return True


def _plan(root: Path, path: str, findings: Iterable[Diagnostic]) -> Fix | None:
    try:
        before = (root / path).read_bytes()
        text = before.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    pieces = _LINE_END.split(text.removeprefix(mark))  # a line and its end in turns
    count = 0
    # From the end of each line to its begin, so that the columns before stay true.
    for finding in sorted(findings, key=lambda found: found.span, reverse=True):
        at, span = 2 * (finding.span.line - 1), finding.span
        if at >= len(pieces):
            continue
        line = pieces[at]
        mended = _FIXERS[finding.code](line, span.column - 1, span.end_column - 1)
        if mended is not None:
            pieces[at] = line[: span.column - 1] + mended + line[span.end_column - 1 :]
            count += 1
            if finding.code == commentary_in_body.CODE.name:
                _contain(pieces, at)
    return Fix(path, before, (mark + "".join(pieces)).encode("utf-8"), count) if count else None


def _contain(pieces: list[str], at: int) -> None:
    """Put a container around what stands from the line ``at`` to the end."""
    line_end = next(iter(pieces[1::2]), "\n")
    last = max(number for number in range(at, len(pieces), 2) if pieces[number].strip())
    pieces[last] += f"{line_end}:::"
    pieces[at] = f"::: commentary{line_end}{pieces[at]}"


def _unlabelled(line: str, _start: int, end: int) -> str | None:
    return "" if line[end:].strip() else None  # the whole line is named where the editor has to decide


def _full_width(line: str, start: int, end: int) -> str | None:
    between = start > 0 and _HAN.match(line[start - 1]) and _HAN.match(line[end : end + 1])
    return half_width_punctuation.FULL.get(line[start:end]) if between else None


def _once(line: str, start: int, end: int) -> str | None:
    return line[start] if line[start:end] in _TWICE else None


def _untracked(line: str, start: int, end: int) -> str | None:
    before = line[start:end]
    after, count = before, 1
    while count:  # one at a time: the mark after one may be the mark before the next
        after, count = _TRACKS.subn(lambda m: m["before"] if m["after"] else "", after, count=1)
    return after if after != before else None


_FIXERS: dict[str, Callable[[str, int, int], str | None]] = {
    commentary_in_body.CODE.name: _unlabelled,
    half_width_punctuation.CODE.name: _full_width,
    doubled_punctuation.CODE.name: _once,
    tracking_parameter.CODE.name: _untracked,
}
