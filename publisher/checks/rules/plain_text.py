"""Plain-text fields: Markdown and entities, which are shown literally, and invisible bidirectional marks."""

import re
import unicodedata
from collections.abc import Iterator
from functools import partial
from html import unescape

from publisher.checks.context import Context, Line, fields
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.markdown.boxes import BOXES
from publisher.issue.model import Prose

DIRECTION_MARK = define("direction-mark", Severity.WARNING)
MARKUP = define("markup-in-plain-text", Severity.WARNING)
_TITLED = {f"container_{name}_open" for name in BOXES}
_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_OVERRIDES = {"\u202d": say("shows what follows in its own order"), "\u202e": say("shows what follows in reverse")}
_CLOSES = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys("\u2066\u2067\u2068", "\u2069")
_NEAR = 200  # characters searched for text after a mark
_LATE = {"R", "AL"}  # bidirectional classes of right-to-left letters (UAX #9, 3.2)
_ALONE = r"(?<![A-Za-z0-9])"  # excludes 2**64 and f**k
_MARKUP = re.compile(
    r"(?P<entity>&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);)"
    r"|^(?:#{2,6} ?|# (?!of\b))(?P<heading>[^\s#\d].*)"
    rf"|!?(?<![A-Za-z0-9_\])])\[(?P<link>[^\[\]]+)\]\([^()\s]+\)"
    rf"|{_ALONE}(?P<mark>\*\*|~~)(?P<strong>(?![\s*~])[^*~]*?(?<!\s))(?P=mark)(?![A-Za-z0-9])"
    rf"|{_ALONE}\*(?P<emphasis>(?![a-z]+\*)\w(?:[^*~]*[\w.!?…。！？])?)\*(?![A-Za-z0-9*])"
    rf"|(?<![A-Za-z0-9`])(?P<ticks>`++)(?P<code>(?![\s`])[^`]*?(?<!\s))(?P=ticks)(?![A-Za-z0-9`])"
    r"|<(?P<tag>a|b|code|em|font|i|mark|small|span|strong|sub|sup|u)(?:\s[^<>=]*=[^<>]*)?>(?P<element>[^<>]+)</(?P=tag)>"
    r"|(?<![A-Za-z0-9=])==(?P<marked>[^=\s](?:[^=]*[^=\s])?)==(?![A-Za-z0-9=])|\\(?P<escaped>[*#\[\]])"
    r"|(?<![\w:/.-])(?P<emoji>:(?:[a-z]{2,}(?:_[a-z0-9]+)*|\+1):)(?![\w:/`-])"
    r"|<img\s[^<>=]*=[^<>]*>|(?<=\S)<br ?/?>(?=\S)"
    r"|<!--.*?(?:-->|$)|\[\^(?:\d{1,3}|[\u3400-\u9fff]+)\]"
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Check each plain-text field, and each text as a whole, because markup may separate a pair of marks."""
    for line in fields(context):
        yield from _look([line])
        yield from _markup(line)
    for text in context.texts:
        for token in text.tokens if ":::" in text.prose.text else ():
            if token.type in _TITLED and token.map and (title := token.info.partition(" ")[2].strip()):
                begin = text.prose.lines[token.map[0]].rfind(title)
                yield from _markup(Line(title, partial(_in_row, text.prose, token.map[0], begin)))
        if _MARKS.search(text.prose.text):
            yield from _look([Line(*run) for run in text.plain()])


def _in_row(prose: Prose, row: int, begin: int, start: int, end: int) -> Place:
    """The place of a range of a container's title, which begins at ``begin`` in its row."""
    return prose.place(row, begin + start, begin + end)


def _look(lines: list[Line]) -> Iterator[Diagnostic]:
    if not any(_MARKS.search(line.text) for line in lines):
        return
    signs = (sign for line in lines for sign in _MARKS.sub("", line.text))
    mixed = any(unicodedata.bidirectional(sign) in _LATE for sign in signs)
    opened: list[tuple[Line, int]] = []
    for line in lines:
        for found in _MARKS.finditer(line.text):
            at, sign = found.start(), found[0]
            if sign in _OVERRIDES:
                yield _finding(line, at, _OVERRIDES[sign])
            if sign in _CLOSES:
                opened.append((line, at))
            elif sign not in _CLOSES.values():
                if not mixed:
                    yield _finding(line, at, say("has nothing to do in a text of one direction"))
            elif opened and _CLOSES[opened[-1][0].text[opened[-1][1]]] == sign:
                opened.pop()
            else:
                yield _finding(line, at, say("closes what nothing opened"))
    for line, at in opened:
        if line.text[at] not in _OVERRIDES:  # others are reported already
            yield _finding(line, at, say("opens a direction that is never closed"))


def _finding(line: Line, at: int, what: Sentence) -> Diagnostic:
    sign = line.text[at]
    after = _MARKS.sub("", line.text[at : at + _NEAR]).strip()[:20]
    mark = f"U+{ord(sign):04X} ({unicodedata.name(sign).lower()})"
    message = say("{mark}, which nobody sees, {what}, at the end", mark=mark, what=what)
    if after:
        message = say("{mark}, which nobody sees, {what}: “{after}”", mark=mark, what=what, after=after)
    closing = _CLOSES.get(sign)
    advice = say("delete it")
    if closing and sign not in _OVERRIDES:
        advice = say("delete it, or write U+{point} where it ends", point=f"{ord(closing):04X}")
    return DIRECTION_MARK.at(line.place(at, at + 1), message, help=advice)


def _markup(line: Line) -> Iterator[Diagnostic]:
    for found in _MARKUP.finditer(line.text):
        named = (
            found[name]
            for name in ("heading", "link", "strong", "emphasis", "code", "element", "marked", "escaped")
            if found[name] is not None
        )
        meant = next(named, unescape(found[0]))
        comment = found[0].startswith(("<", "[^")) and found["element"] is None
        if comment or found["emoji"] or meant != found[0]:
            message = say("{found} stays as it is written: this is a field of plain text", found=shortened(found[0]))
            advice = say("write {words}", words=shortened(meant.strip()) or say("a plain space"))
            advice = say("write the picture itself, such as 🎉") if found["emoji"] else advice
            place = line.place(found.start(), found.end())
            yield MARKUP.at(place, message, help=say("delete it") if comment else advice)
