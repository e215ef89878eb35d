"""Automatic corrections by ``check --fix``, for findings with one correct solution that does not alter the meaning.

Half-width punctuation in Chinese text becomes full-width, in a whole file or not at all, as does the half-width
partner of a full-width bracket; doubled punctuation becomes single; misread text is decoded again; tracking parameters
are removed; a labelled commentary at the end of a body is moved to its container. URLs (otherwise) and code are not
changed. Line ends, byte order mark, mode and last line of the file are preserved.
"""

import difflib
import re
import stat
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from typing import NamedTuple

from publisher.diagnostics import Diagnostic, Sentence, counted, say
from publisher.documents.atomic import write_file
from publisher.documents.encodings import mojibake_of
from publisher.documents.text import shadows

NOTHING, ASKED, MENDED = say("nothing to mend by itself"), say("{told}. Write?"), say("mended: {told}")
_LINE_END = re.compile("(\r\n|\n|\r)")
_CODE, _CODE_END = (re.compile(f"<{end}(?:code|pre|kbd|samp|tt)\\b", re.IGNORECASE) for end in ("", "/"))
# Codes by name, so that rules need not be imported.
_HALF_WIDTH, _IN_BODY, _TRACKING = "half-width-punctuation", "commentary-in-body", "tracking-parameter"
WHOLLY = frozenset({_HALF_WIDTH})
"""Codes that are corrected in the whole file or not at all."""
FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！"}
BRACKETS = {"(": "（", ")": "）"}
_TWICE = frozenset({"。。", "，，", "、、", "；；", "：："})
# Only parameters of the large advertisers: on another site, ``spm`` or ``share_token`` may be required.
_TRACKS = re.compile(
    r"(?P<before>\?|&amp;|&)(?:utm_\w+|fbclid|gclid|dclid|msclkid|igshid|twclid|mc_[ce]id)=[^&#\s\"'<>()\[\]{}]*"
    r"(?P<after>&amp;|&)?"
)


@dataclass(frozen=True, slots=True)
class Fix:
    """Content of a file before and after correction of ``count`` findings."""

    path: str
    before: bytes
    after: bytes
    count: int

    def diff(self) -> str:
        """Return the change as a unified diff."""
        old, new = (content.decode("utf-8").splitlines(keepends=True) for content in (self.before, self.after))
        changes = difflib.unified_diff(old, new, f"a/{self.path}", f"b/{self.path}", n=1)
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in changes)


def is_fixable(finding: Diagnostic) -> bool:
    """Whether a finding is of a kind that may be corrected automatically."""
    return finding.code in _FIXERS


def plan_fixes(root: Path, findings: Iterable[Diagnostic]) -> list[Fix]:
    """Return the files to change, by path. Findings whose text no longer matches are left out."""
    by_path: dict[str, list[Diagnostic]] = {}
    for finding in findings:
        if is_fixable(finding):
            by_path.setdefault(finding.path, []).append(finding)
    planned = (_plan(root, path, found) for path, found in sorted(by_path.items()))
    return [fix for fix in planned if fix is not None]


def changes(fixes: Sequence[Fix]) -> Sentence:
    """Return a sentence with the numbers of changes and files."""
    count = counted("{n:,} change", "{n:,} changes", sum(fix.count for fix in fixes))
    return say("{count} in {files}", count=count, files=counted("{n:,} file", "{n:,} files", len(fixes)))


def apply_fix(root: Path, fix: Fix) -> bool:
    """Write one file atomically; False if it has changed since it was planned. Raises OSError."""
    target = (root / fix.path).resolve()
    if target.read_bytes() != fix.before:
        return False
    write_file(target, fix.after, stat.S_IMODE(target.stat().st_mode))
    return True


def _plan(root: Path, path: str, findings: Iterable[Diagnostic]) -> Fix | None:
    try:
        held = shadows.get().get(f"{root}/{path}")
        before = (root / path).read_bytes() if held is None else held
        text = before.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    pieces = _LINE_END.split(text.removeprefix(mark))  # lines and line ends alternate
    starts = [0, *accumulate(map(len, pieces))]
    opened, closed = ([found.end() for found in tag.finditer(text.removeprefix(mark))] for tag in (_CODE, _CODE_END))
    edits: list[_Edit] = []
    stuck = set()
    for finding in findings:
        at, span = 2 * (finding.span.line - 1), finding.span
        line = pieces[at] if at < len(pieces) and span.line == span.end_line else ""
        start, end = span.column - 1, span.end_column - 1
        # Within an HTML code element a URL is shown literally, so it is not changed.
        place = starts[min(at, len(pieces))] + start
        shown = finding.code == _TRACKING and bisect(opened, place) > bisect(closed, place)
        right = None if shown else _FIXERS[finding.code](line, start, end)
        if right is None:
            stuck.add(finding.code)
        else:
            # Replace only the characters that differ: one link may have two findings.
            same, rest = alike(line[start:end], right)
            edits.append(_Edit(at, start + same, end - rest, right[same : len(right) - rest], finding.code))
    # Mixed widths in a file would be worse than the original: correct all or none.
    edits = [edit for edit in edits if edit.code not in stuck & WHOLLY]
    for at, several in groupby(sorted(edits, key=lambda edit: (edit.at, edit.start, -edit.end)), lambda edit: edit.at):
        pieces[at] = _edited(pieces[at], several)
    for at in sorted({edit.at for edit in edits if edit.code == _IN_BODY}, reverse=True):
        _contain(pieces, at)
    return Fix(path, before, (mark + "".join(pieces)).encode("utf-8"), len(edits)) if edits else None


class _Edit(NamedTuple):
    """Replacement for a range of the piece ``at``."""

    at: int
    start: int
    end: int
    right: str
    code: str


def _edited(line: str, edits: Iterable[_Edit]) -> str:
    """Apply edits, sorted by place, to a line; edits within an earlier one are skipped."""
    parts, last = [], 0
    for edit in edits:
        if edit.start >= last:
            parts += [line[last : edit.start], edit.right]
            last = edit.end
    return "".join([*parts, line[last:]])


def alike(one: str, other: str) -> tuple[int, int]:
    """The lengths of the common prefix and of the common suffix of two texts."""
    least = min(len(one), len(other))
    same = next((n for n in range(least) if one[n] != other[n]), least)
    return same, next((n for n in range(least - same) if one[-1 - n] != other[-1 - n]), least - same)


def _contain(pieces: list[str], at: int) -> None:
    """Put a container around the lines from ``at`` to the end."""
    line_end = next(iter(pieces[1::2]), "\n")
    last = max(number for number in range(at, len(pieces), 2) if pieces[number].strip())
    pieces[last] += f"{line_end}:::"
    pieces[at] = f"::: commentary{line_end}{pieces[at]}"


def _untracked(line: str, start: int, end: int) -> str | None:
    before = line[start:end]
    if "`" in before or _CODE.search(before):
        return None
    after, count = before, 1
    while count:  # one by one: matches share separators
        after, count = _TRACKS.subn(lambda m: m["before"] if m["after"] else "", after, count=1)
    return after if after != before else None


def _reread(line: str, start: int, end: int) -> str | None:
    found = [right for at, to, right in mojibake_of(line[start:end]) if to - at == end - start]
    return found[0] or None if found else None


_FIXERS: dict[str, Callable[[str, int, int], str | None]] = {
    # A finding that spans the whole line has to be decided by the editor.
    _IN_BODY: lambda line, _, end: "" if line[end:].strip() else None,
    _HALF_WIDTH: lambda line, start, end: FULL.get(line[start:end].rstrip(" ")),
    "unpaired-punctuation": lambda line, start, end: BRACKETS.get(line[start:end]),
    **dict.fromkeys(("garbled-text", "control-character"), _reread),
    "doubled-punctuation": lambda line, start, end: line[start] if line[start:end] in _TWICE else None,
    _TRACKING: _untracked,
}
"""Functions that return the replacement for a range of a line, by code; None if it is uncertain."""
