"""Parser of Markdown items: front matter, body, and optionally a commentary in its container."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt

from publisher.diagnostics import Code, Diagnostic, Place, Sentence, Span, listed, say
from publisher.documents import Mapping, Node, TextFile, parse_mapping, parse_yaml
from publisher.issue import codes
from publisher.issue.folder import is_markdown
from publisher.issue.lines import lines_of_file
from publisher.issue.markdown.boxes import CONTAINERS
from publisher.issue.model import Prose

_KEYS_AND_VALUES, _WRITE_ONE = say("the front matter has to be keys and values"), say("write headline: …")
RULE = re.compile(r"---[ \t]*")
_KEY = re.compile(r"\s*[\w-]+\s*[:：]")
_FEW = 30  # maximum of lines searched above the front matter
# Both take linear time: no two neighbouring repetitions may share a long run of blanks.
_COLONS = re.compile(r" {0,3}(?P<marks>:{3,}+)[ \t]*+(?P<name>(?:.*[^ \t:])?)[ \t:]*+")
_ALMOST = re.compile(
    r" {0,3}(?:(?=::|:*：)[:：]++[ \t\u3000]*+(?P<name>commentary|点评|點評)?[ \t\u3000]*+[:：]*+"
    rf"|(?:::(?![:：])|(?=:*：)[:：]{{2,}}+)[ \t\u3000]*+(?P<box>{'|'.join(CONTAINERS)})(?![A-Za-z]).*)"
)
_IN_ITEM = re.compile(
    rf"[ \t]*(?:[-+*]|\d{{1,2}}[.)])[ \t]+:{{3,}}[ \t]*(?:{'|'.join(CONTAINERS)})(?![A-Za-z]).*", re.DOTALL
)
"""A container in an entry of a list, whose end may stand at the margin of the entry."""
COMMENTS = re.compile(r"(?:\s|(?><!--.*?-->))*+", re.DOTALL)


class ItemFile(NamedTuple):
    """Parts of a Markdown item. ``body_at`` is the line after the front matter, where an empty body is reported."""

    matter: Mapping
    body: Prose
    body_at: int
    commentary: Prose | None
    commentary_at: int | None


@lru_cache(maxsize=256)
def read_item_file(file: TextFile) -> tuple[ItemFile | None, tuple[Diagnostic, ...]]:
    """Split a Markdown item into its parts. The result is None if there is no valid front matter."""
    lines = file.lines
    if not RULE.fullmatch(lines[0]):
        return None, (_no_front_matter(file),)
    end = next((number for number, line in enumerate(lines[1:], 2) if RULE.fullmatch(line)), None)
    if end is None:
        message = say("the front matter that begins here is not closed")
        advice = say("write --- on a line of its own after the keys")
        return None, (codes.FRONT_MATTER_OPEN.at(_line(file, 1), message, help=advice),)
    matter, findings = parse_mapping(file, _KEYS_AND_VALUES, _WRITE_ONE, 2, end - 1)
    split = _Splitter(file, end + 1)
    split.run()
    found = (*findings, *split.findings)
    return ItemFile(matter, split.body, end + 1, split.commentary, split.opened) if matter is not None else None, found


def keys_of(file: TextFile) -> Node | None:
    """Return the YAML of a file of an issue, or of its front matter; None if it cannot be parsed."""
    if not is_markdown(file.path):
        return parse_yaml(file)[0]
    parts, _ = read_item_file(file)
    return parts.matter if parts else None


def _no_front_matter(file: TextFile) -> Diagnostic:
    number = next((number for number, line in enumerate(file.lines, 1) if line.strip()), 1)
    line = file.lines[number - 1].strip()
    if number > 1 and line == "---":
        message, advice = say("the front matter does not begin on the first line"), say("delete the lines above ---")
        return codes.NO_FRONT_MATTER.at(Place(file.path), message, help=advice)
    if line != "---" and (begin := _begin_of_matter(file)):
        message = say("the front matter does not begin on the first line")
        advice = say("delete the lines above line {line}, which is ---", line=begin)
        if line.startswith(("```", "~~~")):
            advice = say("delete the line {line}, and the one that closes it at the end", line=line[:20])
        return codes.NO_FRONT_MATTER.at(_line(file, number), message, help=advice)
    if line and set(line) <= set("-–—－─_="):
        message = say("the front matter begins with three hyphens, not with {line}", line=line[:8])
        return codes.NO_FRONT_MATTER.at(_line(file, number), message, help=say("write --- here, and after the keys"))
    advice = say("begin with ---, headline: …, ---, each on its line")
    return codes.NO_FRONT_MATTER.at(Place(file.path), say("the item does not begin with front matter"), help=advice)


def _begin_of_matter(file: TextFile) -> int:
    """The line of the first --- near the start that is followed by a key; 0 if there is none."""
    for number, (line, after) in enumerate(pairwise(file.lines[:_FEW]), 1):
        if line.strip() == "---" and _KEY.match(after):
            return number
    return 0


def _line(file: TextFile, number: int) -> Place:
    text = file.lines[number - 1]
    start = len(text) - len(text.lstrip())
    return Place(file.path, Span(number, start + 1, number, max(len(text.rstrip()), start) + 1))


class _Splitter:
    """Splits the lines after the front matter into body and commentary."""

    def __init__(self, file: TextFile, first: int) -> None:
        self.file, self.first, self.last = file, first, len(file.lines)
        self.findings: list[Diagnostic] = []
        self.opened: int | None = None
        self._closed: int | None = None
        self._refused = self._in_items = 0
        self._box: tuple[int, int] | None = None  # of the open container in the body: line, colons
        self._told_after = False

    @property
    def body(self) -> Prose:
        return lines_of_file(self.file, self.first, (self.opened or self.last + 1) - 1)

    @property
    def commentary(self) -> Prose | None:
        if self.opened is None:
            return None
        return lines_of_file(self.file, self.opened + 1, (self._closed or self.last + 1) - 1)

    @property
    def _inside(self) -> bool:
        return self.opened is not None and self._closed is None

    def run(self) -> None:
        code, comments, open_fence = _verbatim(self.file.lines[self.first - 1 :], self.first)
        if open_fence:
            message = say("the code fence that opens here is not closed")
            advice = say("write the same fence on a line after the code")
            self._find(codes.FENCE_OPEN, open_fence, message, advice)
        for number in range(self.first, self.last + 1):
            line = self.file.lines[number - 1]
            marked = number not in code | comments and ("::" in line or "：" in line)
            match = _COLONS.fullmatch(line) if marked else None
            if match:
                self._colons(number, match["name"], len(match["marks"]))
            elif marked and _IN_ITEM.fullmatch(line):
                self._in_items += 1
            elif marked and (almost := _ALMOST.fullmatch(line)):
                self._almost(number, almost["box"] or (almost["name"] and "commentary") or "")
            elif self._closed and not self._told_after and line.strip() and number not in comments:
                self._told_after = True
                advice = say("move it before ::: commentary, or inside it")
                self._find(codes.TEXT_AFTER_CONTAINER, number, say("there is text after the commentary"), advice)
        if self._box and not self._refused:
            message, advice = say("the container that opens here is not closed"), say("write ::: on a line of its own")
            self._find(codes.CONTAINER_OPEN, self._box[0], message, advice)
        if self.opened and not self._closed and not self._refused:
            message = say("the commentary that opens here is not closed")
            advice = say("write ::: on a line of its own after the commentary")
            self._find(codes.CONTAINER_OPEN, self.opened, message, advice)

    def _colons(self, number: int, name: str, marks: int) -> None:
        """Handle a line of colons; the end of a refused container is ignored, so that one mistake is reported once."""
        if not name:
            self._end(number, marks)
            return
        if self._inside:
            advice = say("close the commentary with ::: first, or delete the line")
            self._find(codes.CONTAINER_NESTED, number, say("a container begins inside the commentary"), advice)
        elif self._box:
            advice = say("close the first with ::: before it, or delete the line")
            self._find(codes.CONTAINER_NESTED, number, say("a container begins inside another"), advice)
        elif name.split()[0] in CONTAINERS and not self.opened:
            self._box = number, marks
            return
        elif name.split()[0] in CONTAINERS:
            self._told_after = True
            advice = say("move it before ::: commentary, or inside it")
            self._find(codes.TEXT_AFTER_CONTAINER, number, say("there is text after the commentary"), advice)
        elif name != "commentary":
            message = say("there is no container {name}", name=name)
            names = ("commentary", *CONTAINERS)
            near = ["commentary"] if name in {"点评", "點評"} else get_close_matches(name.split()[0].lower(), names, 1)
            advice = say("write ::: and one of {names}", names=listed(names))
            advice = say("write {words}", words=f"::: {near[0]}") if near else advice
            self._find(codes.CONTAINER_UNKNOWN, number, message, advice)
        elif self.opened:
            self._told_after = True
            message, advice = say("the item has a commentary already"), say("join the two in one container")
            self._find(codes.CONTAINER_SECOND, number, message, advice)
        else:
            self.opened = number
            return
        self._refused += 1

    def _almost(self, number: int, name: str) -> None:
        """Handle a line that was probably meant as three colons."""
        if name or self._inside:
            wanted = f"::: {name}".rstrip()
            message = say("a container is written with three plain colons: {wanted}", wanted=wanted)
            self._find(codes.CONTAINER_UNKNOWN, number, message, say("write {words}", words=wanted))
        if name:
            self._refused += 1
        elif self._inside or self._refused:
            self._end(number)

    def _end(self, number: int, marks: int = 3) -> None:
        if self._refused:
            self._refused -= 1
        elif self._box:
            if marks >= self._box[1]:  # as in the parser: fewer colons than at the start do not close
                self._box = None
        elif self._inside:
            self._closed = number
        elif self._in_items:
            self._in_items -= 1
        else:
            self._find(codes.CONTAINER_STRAY_END, number, say("no container is open here"), say("delete the line"))

    def _find(self, code: Code, number: int, message: Sentence, help: Sentence) -> None:
        self.findings.append(code.at(_line(self.file, number), message, help=help))


_BLOCKS = MarkdownIt("commonmark").disable(["inline"])


def _verbatim(lines: Sequence[str], first: int) -> tuple[set[int], set[int], int | None]:
    """The lines of code and of comments, in which colons have no meaning; the line of an unclosed fence."""
    code: set[int] = set()
    comments: set[int] = set()
    open_fence, text = None, "\n".join(lines)
    colons = "<!--" in text and any(_COLONS.fullmatch(line) or _ALMOST.fullmatch(line) for line in lines)
    for token in _BLOCKS.parse(text) if colons or "```" in text or "~~~" in text else ():
        start, end = token.map or (0, 0)
        numbers = range(first + start, first + end)
        if token.type == "fence":
            code.update(numbers)
            if not _closed(lines[start:end], token.markup):
                open_fence = first + start
        elif token.type == "html_block" and COMMENTS.fullmatch(token.content):
            comments.update(numbers)
    return code, comments, open_fence


def _closed(lines: Sequence[str], markup: str) -> bool:
    """Whether the last line of a fence closes it, ignoring quote and list markers before it."""
    last = lines[-1].lstrip(" >\t").rstrip(" \t") if len(lines) > 1 else ""
    return set(last) == {markup[0]} and len(last) >= len(markup)
