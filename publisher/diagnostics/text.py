"""Findings for people: place, fault, the source line with the span underlined, and the action.

If there are many findings of one kind, the first is shown together with the number of the others.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from publisher.diagnostics.catalogue import catalogue
from publisher.diagnostics.model import Diagnostic, Severity, Span
from publisher.diagnostics.sentences import counted, rendered, say
from publisher.diagnostics.width import widths

# Unicode categories Cc, Cs, Zl and Zp, and the bidirectional formatting characters.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")
_TAB = 4
_WINDOW = 100
"""Columns of a source line that are shown; a Chinese paragraph is one line of hundreds of columns."""
_PIECE = 512
"""Unit, in characters, in which a long line is cut."""

_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.INFO: "\x1b[1;36m"}
_HELP = say("help: ")
_SEVERITIES = {Severity.ERROR: say("error"), Severity.WARNING: say("warning"), Severity.INFO: say("info")}
_BOLD, _DIM, _CYAN, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"
FEW = 3
"""Number of findings of one kind that are all shown. Of more, only the first is shown; of errors the first three."""


class Shown(NamedTuple):
    """Finding, and how many more of its kind it stands for in how many files; 0 if each is shown."""

    finding: Diagnostic
    more: int = 0
    files: int = 0

    @property
    def rest(self) -> str:
        """The sentence about the findings that are not shown."""
        told = counted(
            "+ {more} more in {n} file; publisher check --all",
            "+ {more} more in {n} files; publisher check --all",
            self.files,
            more=self.more,
        )
        return rendered(told)


def fold(findings: Iterable[Diagnostic]) -> list[Shown]:
    """Return the findings to show, in their order; those of one code and severity are of one kind."""
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


def render_text(
    diagnostics: Iterable[Diagnostic], root: Path | None = None, *, color: bool = False, folded: bool = False
) -> str:
    """Return one block per finding, separated by empty lines; an empty string if there are no findings.

    With ``folded``, many findings of one kind become one block, which states the number of the others. The source line
    is read from the file under ``root``; if the file cannot be read, only the place is shown.
    """
    lines = _SourceLines(root)
    shown = fold(diagnostics) if folded else map(Shown, diagnostics)
    return "\n".join(_block(one, lines, color) for one in shown)


def summed_up(findings: Iterable[Diagnostic], issues: int, mendable: int) -> str:
    """Summarize: the findings by severity, the number of issues, and how many findings ``check --fix`` can repair."""
    numbers = Counter(finding.severity for finding in findings)
    several = (
        counted("{n:,} error", "{n:,} errors", numbers[Severity.ERROR]),
        counted("{n:,} warning", "{n:,} warnings", numbers[Severity.WARNING]),
        counted("{n:,} info", "{n:,} info", numbers[Severity.INFO]),
    )
    parts = [rendered(told) for told in several if told.values["n"]]
    told = rendered(say(", ")).join(parts) or rendered(say("no problem"))
    if issues:
        told = rendered(counted("{told} in {n:,} issue", "{told} in {n:,} issues", issues, told=told))
    if mendable:
        told = rendered(say("{told}; publisher check --fix mends {n} of them", told=told, n=mendable))
    return told


class _SourceLines:
    """Cache of source lines; each file is read once."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._files: dict[str, list[str]] = {}
        self._secret = {name for name, code in catalogue().items() if code.secret}

    def of(self, diagnostic: Diagnostic) -> str | None:
        """The source line of a finding; None if it is secret or cannot be read."""
        if diagnostic.code in self._secret:
            return None
        if diagnostic.path not in self._files:
            self._files[diagnostic.path] = self._read(diagnostic.path)
        lines = self._files[diagnostic.path]
        return lines[diagnostic.span.line - 1] if diagnostic.span.line <= len(lines) else None

    def _read(self, path: str) -> list[str]:
        if self._root is None:
            return []
        file = self._root / path
        try:
            # A symbolic link out of the repository is a finding itself: showing the target's content could leak it.
            if not file.resolve().is_relative_to(self._root.resolve()) or not file.is_file():
                return []
            with file.open("rb") as stream:
                content = stream.read(1_000_000)
        except (OSError, RuntimeError):
            return []
        text = "" if b"\0" in content else content.decode("utf-8", "replace").removeprefix("\ufeff")
        return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _block(shown: Shown, lines: _SourceLines, color: bool) -> str:
    paint, diagnostic = partial(_paint, on=color), shown.finding
    span, severity = diagnostic.span, diagnostic.severity
    head = f"{paint(printable(f'{diagnostic.path}:{span.line}:{span.column}'), _BOLD)}: "
    label = paint(f"{rendered(_SEVERITIES[severity])}[{diagnostic.code}]", _COLOURS[severity])
    block = [f"{head}{label} {printable(rendered(diagnostic.message))}"]
    source = lines.of(diagnostic)
    if source and not source.isspace():
        excerpt, marks = _excerpt(source, span)
        number = str(span.line)
        block.append(f"  {paint(f'{number} |', _DIM)} {excerpt}")
        block.append(f"  {paint(' ' * len(number) + ' |', _DIM)} {paint(marks, _COLOURS[severity], keep=' ')}")
    if diagnostic.help:
        label = rendered(_HELP)
        space = label[len(label.rstrip()) :]  # no space after a full-width colon
        block.append(f"  {paint(label.rstrip(), _CYAN)}{space}{printable(rendered(diagnostic.help))}")
    if shown.more:
        block.append(f"  {paint(shown.rest, _BOLD)}")
    return "\n".join(block) + "\n"


def _excerpt(source: str, span: Span) -> tuple[str, str]:
    """Return the source line as a terminal shows it, cut to a window around the span, and the carets below it."""
    at = max(0, span.column // _PIECE - 1) * _PIECE  # three units of a long line hold more than is shown
    cells, whole = _cells(source[at : at + 3 * _PIECE])
    start = min(span.column - 1 - at, len(cells))
    end = min(span.end_column - 1 - at, len(cells)) if span.end_line == span.line else len(source.rstrip()) - at
    end = max(end, start)
    first, last = (0, len(cells)) if whole <= _WINDOW else _window(cells, start)
    before = sum(width for _, width in cells[first:start])
    under = sum(width for _, width in cells[start : min(end, last)])
    cut = "…" if at + first else ""
    shown = cut + "".join(text for text, _ in cells[first:last]) + ("…" if at + last < len(source) else "")
    return shown.rstrip(), " " * (before + len(cut)) + "^" * max(under, 1)


@lru_cache(maxsize=8)
def _cells(source: str) -> tuple[list[tuple[str, int]], int]:
    """Each code point as shown with its columns, and the sum; cached because many findings may share a line."""
    cells = []
    for character, width in zip(source, widths(source), strict=True):
        shown = " " * _TAB if character == "\t" else printable(character)
        cells.append((shown, width if shown == character else len(shown)))
    return cells, sum(width for _, width in cells)


def _window(cells: list[tuple[str, int]], start: int) -> tuple[int, int]:
    """Return the range of cells of a long line that fits into the window around the start of the span."""
    first, room = start, _WINDOW // 3
    while first > 0 and room > 0:
        first -= 1
        room -= cells[first][1]
    while first < start and cells[first][1] == 0:
        first += 1
    last, room = first, _WINDOW
    while last < len(cells) and room >= cells[last][1]:
        room -= cells[last][1]
        last += 1
    return first, last


def told(diagnostic: Diagnostic) -> str:
    """Return the message of a finding, with its help on a second line."""
    advice = diagnostic.help
    return rendered(diagnostic.message) + (f"\n{rendered(_HELP)}{rendered(advice)}" if advice else "")


def printable(text: str) -> str:
    """Replace control characters, including line breaks and bidirectional formatting, with U+FFFD."""
    return _OBEYED.sub("\ufffd", text)


def _paint(text: str, colour: str, keep: str = "", *, on: bool) -> str:
    """Return the text in a colour; leading characters in ``keep`` stay uncoloured."""
    if not on:
        return text
    indent = text[: len(text) - len(text.lstrip(keep))] if keep else ""
    return f"{indent}{colour}{text[len(indent) :]}{_RESET}"
