"""Ignore comments: ``<!-- publisher: ignore=CODE -->`` in Markdown, ``# publisher: ignore=CODE`` in YAML.

Next to other text a comment applies to its own line; alone on a line, to the next line that is not empty. Several
codes are separated by commas. Fixed codes cannot be ignored, and an ignore without effect is reported.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from publisher.checks.registry import codes, rules
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Fault, Place, Severity, Span, catalogue, define, either, in_order, say
from publisher.diagnostics.catalogue import with_levels
from publisher.diagnostics.model import PASSING
from publisher.documents import TextFile

if TYPE_CHECKING:
    from publisher.issue.load import Reading

UNUSED_IGNORE = define("unused-ignore", Severity.WARNING)

LINK_CODES = frozenset({"dead-link", "unsure-link", "moved-link", "private-link", "insecure-link"})
"""Codes that are reported only by ``check --links``."""

_MARK = re.compile(
    r"<!--\s*publisher:\s*ignore=(?P<html>[\w, -]*?)\s*-->"
    r"|(?:^|\s)#\s*publisher:\s*ignore=(?P<yaml>[\w-]*(?:,\s*[\w-]+)*)"
)
_CODE = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One code in an ignore comment. ``line`` is the line that it applies to; ``place`` is that of the code."""

    code: str
    line: int
    place: Place


def ignores_of(reading: Reading) -> list[Ignore]:
    """Return all ignores in the files of an issue."""
    return [ignore for file in reading.files if "publisher:" in file.text for ignore in _in_file(file)]


def _in_file(file: TextFile) -> Iterator[Ignore]:
    lines = file.lines
    for number, line in enumerate(lines, 1):
        words = line.strip()
        for mark in _MARK.finditer(line):
            alone = mark[0].strip() == words
            below = (n for n in range(number + 1, len(lines) + 1) if lines[n - 1].strip())
            target = next(below, number) if alone else number
            group = "html" if mark["html"] is not None else "yaml"
            for code in _CODE.finditer(mark[group]):
                start = mark.start(group) + code.start() + 1
                yield Ignore(code[0], target, Place(file.path, Span(number, start, number, start + len(code[0]))))


def hidden(ignores: Iterable[Ignore], findings: Iterable[Diagnostic]) -> set[Diagnostic]:
    """Return the findings that are hidden by an ignore. Fixed codes cannot be ignored."""
    spots = {(ignore.code, ignore.place.path, ignore.line) for ignore in ignores}
    known = catalogue() if spots else {}
    return {one for one in findings if _spot(one) in spots and not (one.code in known and known[one.code].fixed)}


def _spot(finding: Diagnostic) -> tuple[str, str, int]:
    return finding.code, finding.path, finding.span.line


def judge(
    config: Config, ignores: Sequence[Ignore], findings: Iterable[Diagnostic], *, unseen: Collection[str], across: bool
) -> list[Diagnostic]:
    """Return the findings not hidden by an ignore, and a finding for each ignore without effect; sorted.

    An ignore is reported as unused only if its code was checked for: codes ``unseen`` were not, those of rules across
    issues only if ``across``, and those of links, of config.yaml, and those that pass by themselves are exempt.
    """
    if not ignores:
        return in_order(findings)
    found = set(findings)
    silent = hidden(ignores, found)
    kept = [finding for finding in found if finding not in silent]
    met = {_spot(finding) for finding in silent}
    idle = [ignore for ignore in ignores if (ignore.code, ignore.place.path, ignore.line) not in met]
    if idle:
        away = {code.name for rule in rules(config) if rule.compare and not across for code in rule.codes}
        kept += with_levels(config.checks.levels, _unused(config, idle, {*unseen, *away, *LINK_CODES, *PASSING}))
    return in_order(kept)


def _unused(config: Config, ignores: Iterable[Ignore], unseen: set[str]) -> Iterator[Diagnostic]:
    known = codes(config)

    @cache
    def unknown(code: str) -> Fault:
        near = difflib.get_close_matches(code, known, 2)
        advice = say("delete the ignore, or mend its code")
        advice = say("write {near}, or delete the ignore", near=either(near)) if near else advice
        return Fault(UNUSED_IGNORE, say("there is no code {code}", code=code), advice)

    for ignore in ignores:
        if ignore.code not in known:
            yield unknown(ignore.code).at(ignore.place)
        elif known[ignore.code].fixed:
            message = say("{code} prevents building or guards readers: it cannot be ignored", code=ignore.code)
            yield UNUSED_IGNORE.at(ignore.place, message, help=say("delete the ignore, and mend what is found"))
        elif ignore.code not in unseen:
            message = say("line {line} has no finding {code} to ignore", line=ignore.line, code=ignore.code)
            yield UNUSED_IGNORE.at(ignore.place, message, help=say("delete the ignore"))
