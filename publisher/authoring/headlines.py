"""Find the headlines of a pasted text: Markdown headings, otherwise bold lines, otherwise lines numbered from 1,
otherwise short lines without final punctuation above longer ones with it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

BOLD = re.compile(r"(?P<mark>\*\*|__)(?P<text>(?:(?!\*\*|__).)+)(?P=mark)")
NUMBERED = re.compile(r"(?:(?P<digits>\d{1,2})|(?P<han>[一二三四五六七八九十]{1,3}))[.、．)）][ \t\u3000]*(?=\D)")
ENDED = re.compile(r"[。！？.!?…][”’」』）)\]\"'*_]*$")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}(?!.*`)|~{3,})(?P<rest>.*)")
_OPEN_END = re.compile(r"[。！？.!?…；;，,、：:]$")
_NO_HEADING = re.compile(
    r"[-*+>|•●·(（]|\d{1,2}[.、．)）]|https?://|:{3}|!\[|(?:文|作者|编辑|来源|责编)[:：]|By |"
    r"\d{4}[-年/.]\s?\d{1,2}[-月/.]"
)
_LONGEST = 60
_DIGITS = "一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class PastedLine:
    """A line of the pasted text, and its number."""

    number: int
    text: str

    @property
    def words(self) -> str:
        """The text without surrounding white space."""
        return self.text.strip()


@dataclass(frozen=True, slots=True)
class Signs:
    """Properties of the lines of a text, by line number.

    ``code``: lines inside fences. ``levels``: levels of Markdown headings. ``label``: how a commentary begins.
    ``spaced``: whether blank lines separate the paragraphs; otherwise each line is a paragraph.
    """

    code: frozenset[int]
    levels: Mapping[int, int]
    label: re.Pattern[str]
    spaced: bool

    def match(self, shape: re.Pattern[str], line: PastedLine) -> re.Match[str] | None:
        """Match the pattern at the start of a line outside code."""
        return None if line.number in self.code else shape.match(line.words)

    def is_label(self, line: PastedLine) -> bool:
        """Whether a line holds only the label of a commentary: as a heading, in bold or in brackets."""
        bare = line.words.strip("#*_【】[]:： \u3000")
        marked = line.number in self.levels or line.words[:1] in {"【", "[", "*", "_"}
        return line.number not in self.code and marked and bool(self.label.fullmatch(f"{bare}："))


def headlines(lines: Sequence[PastedLine], signs: Signs) -> dict[int, bool]:
    """Map the number of each headline to whether it names a section."""
    levels = {line.number: signs.levels[line.number] for line in lines if line.number in signs.levels}
    levels = {line.number: levels[line.number] for line in lines if line.number in levels and not signs.is_label(line)}
    written = [line for line in lines if line.words]
    if levels:
        # Stories have the lowest level at which several headings are followed directly by text; a heading above them
        # that is not names a section.
        filled = {one.number for one, two in pairwise(written) if one.number in levels and two.number not in levels}
        several = [level for level, count in Counter(levels[number] for number in filled).items() if count > 1]
        level = min(several or [levels[number] for number in filled] or levels.values())
        # Text directly below a deeper heading belongs to the heading above.
        filled = {one.number for one, two in pairwise(written) if levels.get(two.number, level + 1) > level}
        return {number: own < level and number not in filled for number, own in levels.items() if own <= level}
    bold = [line for line in written if BOLD.fullmatch(line.words) and not signs.is_label(line)]
    found = [line.number for line in bold if line.number not in signs.code]
    return dict.fromkeys(found or _in_order(written, signs) or _plain(lines, signs), False)


def value(match: re.Match[str]) -> int:
    """The number of a numbered line; 0 if it has none."""
    if match["digits"]:
        return int(match["digits"])
    tens, ten, ones = match["han"].rpartition("十")
    if len(ones) > 1 or len(tens) > 1:
        return 0
    return (10 * (_DIGITS.find(tens) + 1 if tens else 1) if ten else 0) + (_DIGITS.find(ones) + 1 if ones else 0)


def _in_order(written: Sequence[PastedLine], signs: Signs) -> list[int]:
    """The lines numbered from 1 upwards, each followed by text."""
    found: list[int] = []
    for line, after in pairwise([*written, PastedLine(0, "1. ")]):
        match = signs.match(NUMBERED, line)
        if match and value(match) == len(found) + 1:
            if NUMBERED.match(f"{after.words}x") or len(line.words) > 2 * _LONGEST:
                return []
            found.append(line.number)
    return found if len(found) > 1 else []


def _plain(lines: Sequence[PastedLine], signs: Signs) -> list[int]:
    found = {line.number for index, line in enumerate(lines) if _may_head(lines, index, signs)}
    labels = [-1, *(index for index, line in enumerate(lines) if signs.match(signs.label, line))]
    for one, two in pairwise(labels):
        between = range(one + 1, two)
        if not any(lines[index].number in found for index in between):  # two commentaries belong to two stories
            likely = [lines[index] for index in between if _may_head(lines, index, signs, strictly=False)]
            found.update(line.number for line in sorted(likely, key=lambda line: len(line.text))[:1])
    return sorted(found)


def _may_head(lines: Sequence[PastedLine], index: int, signs: Signs, *, strictly: bool = True) -> bool:
    line, text = lines[index], lines[index].words
    if not text or len(text) > _LONGEST * (2 if text.isascii() else 1) or line.number in signs.code:
        return False
    if signs.match(_NO_HEADING, line) or signs.match(signs.label, line) or (strictly and _OPEN_END.search(text)):
        return False
    below = (lines[at].words for at in range(index + 1, len(lines)))
    after = next(filter(None, below), "")
    if not ENDED.search(after) or (not strictly and len(after) <= len(text)):
        return False
    before = lines[index - 1] if index else PastedLine(0, "")
    if not signs.spaced:
        return not before.words or bool(ENDED.search(before.words)) or before.number != line.number - 1
    if before.words:
        return False
    block = [*takewhile(bool, (lines[at].words for at in range(index + 1, len(lines))))]
    return all(map(ENDED.search, block)) and (not block or len(text) < len(block[0]))


def fenced(lines: Iterable[PastedLine]) -> frozenset[int]:
    """The lines of fenced code, which are not interpreted; empty if a fence is not closed."""
    inside, opened = set(), ""
    for line in lines:
        found = _FENCE.match(line.text)
        if opened or found:
            inside.add(line.number)
        if not opened and found:
            opened = found["mark"]
        elif found and found["mark"].startswith(opened) and not found["rest"]:
            opened = ""
    return frozenset() if opened else frozenset(inside)
