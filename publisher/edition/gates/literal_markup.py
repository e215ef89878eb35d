"""Markdown that was not recognised, so that readers see its signs: ``**``, a backtick or underscores in the text."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from publisher.checks.rules.inventions import SURNAMES
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.markdown import parsed
from publisher.issue.model import Issue, Prose
from publisher.issue.personal import opens_code
from publisher.regex import regex

LITERAL_MARKUP = define("literal-markup", Severity.WARNING)
_WIDE = r"[\u3001-\u3011\u3040-\u30ff\u3400-\u9fff\uff01-\uff0f\uff1a-\uff1f]"
_LITERAL = regex(r"(?<![A-Za-z0-9*])\*\*|\*\*(?![A-Za-z0-9*])")  # not 2**64, not f**k
_TICK = regex(r"(?<![\w`])`(?=[\w./$-])(?![^`\n]*')|(?<=[\w./)-])`(?![\w`])")  # not `quotation', not Hawai`i
_UNDER = regex(
    rf"(?<!\w)(_{{1,2}})(?=[^\s_])[^_\n]+(?<={_WIDE})\1(?={_WIDE})"
    rf"|(?<={_WIDE})(_{{1,2}})(?={_WIDE})[^_\n]+(?<=\S)\2(?!\w)"
    rf"|(?<={_WIDE})__(?!\s|(?:init|main|name|file|all|new|call|proto|version)__)[^_\n，。；！？、]{{2,}}(?<!\s)__(?={_WIDE})"
)
_NAMES = f"{SURNAMES}高马丁夏某"
_FULL = regex(
    rf"(?<![＊{_NAMES}])(＊＊)(?![＊\s、])[^＊\n，。；！？]{{2,}}(?<![\s{_NAMES}])\1(?![＊\d])"
    r"|(｀)\w[\w ./$=-]*\w\2|^｀{3}|^＞(?![^\n]{0,4}＜)(?=\s?\w)|^·{3}[a-z]+(?![^\n])"
)
"""Full-width signs of Markdown, but for masked names (张＊＊、欧阳＊＊) and numbers, and emoticons (｀ω｀); and the
··· that a Chinese keyboard writes for ```.
"""
_TILDES = regex(
    r"(?<=[^\s~] )~~ [^~\n]*[^~\s] ~~(?!~)|(?<![~\w])~~ [^~\n]*[^~\s] ~~(?= ?\w)|(?<=\w)~~ [^~\n]*[^~\s] ~~(?=\w)"
)
"""Not a line of decoration, nor waves after words (``你好~~ 大家 ~~ 好``)."""
_SIGN = regex(r"\*\*|`|_|~~|＊＊|｀|＞|···|\\[ \t]*(?:\n|\Z)")
_LEFT = regex(r"(?<=[\s。，；：！？.,;:!?\u3400-\u9fff])\\[ \t]*\Z")
_MEANT = regex(r"\\[*_`~]|&(?:#42|#x2a|ast|midast);", re.IGNORECASE)
_CENSORED = regex(r"(?<![A-Za-z*])[A-Za-z]{1,3}\*{3,}(?!\*)")  # f***
_NO_EMPHASIS = say("the asterisks here do not become emphasis")
_CLOSE = say("close the emphasis, without a space inside it; write \\*\\* for asterisks that are meant")
_SIGNS = (
    (_TICK, say("this backtick does not mark code: readers see it"),
        say("write ` where the code begins and where it ends, or \\` for a sign that is meant")),
    (_UNDER, say("the underscores here do not become emphasis"),
        say("write * in place of _ beside Chinese characters; \\_ for a sign that is meant")),
    (_TILDES, say("the tildes here strike nothing out"),
        say("write ~~words~~, without a space inside it; \\~~ for tildes that are meant")),
    (_FULL, say("these full-width signs are not Markdown: readers see them"),
        say("write the half-width ones: **, ` or >")),
)  # fmt: skip
"""Signs that were not recognised, each with the finding's message and advice."""


def check(issue: Issue) -> Iterator[Diagnostic]:
    """Check each paragraph, heading and cell, as parsed for its page."""
    lines = (issue.attribution, *(issue.key_points.points if issue.key_points else ()))
    texts = (issue.intro, *(prose for item in issue.items for prose in (item.body, item.commentary)))
    for inline, proses in (False, texts), (True, lines):
        for prose in proses:
            if prose and _SIGN.search(prose.text):
                yield from _in_tokens(prose, parsed(prose.text, inline=inline).tokens)


def _in_tokens(prose: Prose, tokens: Iterable[Token]) -> Iterator[Diagnostic]:
    """Yield a finding per line with an unpaired ``**``, or for the first ``**``; one for a lone backtick or ``_``."""
    for token in tokens:
        if not _SIGN.search(token.content) or not _SIGN.search(words := "\n".join(_seen(token))):
            continue
        rows = range(*token.map) if token.map else range(len(prose.lines))
        if _LITERAL.search(words):
            found = [(row, spots) for row in rows if (spots := _spots(prose.lines[row], alone=True))]
            if token.type == "inline" and not found and not _MEANT.search(token.content):
                found = [(row, spots) for row in rows if (spots := _spots(prose.lines[row], alone=False))][:1]
            for row, spots in found:  # one finding per line: both halves of a pair are one mistake
                yield LITERAL_MARKUP.at(prose.place(row, spots[0], spots[-1] + 2), _NO_EMPHASIS, help=_CLOSE)
        if token.type == "inline" and _LEFT.search(words) and (left := _LEFT.search(prose.lines[rows[-1]])):
            message = say("this backslash breaks no line, for none follows: readers see it")
            yield LITERAL_MARKUP.at(prose.place(rows[-1], *left.span()), message, help=say("delete it"))
        for sign, message, advice in _SIGNS:
            if sign.search(words) and not _MEANT.search(token.content):
                spot = ((row, one) for row in rows if (one := sign.search(_without_code(prose.lines[row]))))
                for row, one in islice(spot, 1):
                    yield LITERAL_MARKUP.at(prose.place(row, *one.span()), message, help=advice)


def _seen(token: Token) -> Iterator[str]:
    """The visible texts of a token, without code."""
    if token.type == "html_block":
        tree = LexborHTMLParser(token.content)
        tree.strip_tags(["code", "pre"])
        yield tree.text()
    code = 0  # depth of nesting in code or in an autolink
    for child in token.children or ():
        code += opens_code(child) + (child.nesting if child.info == "auto" else 0)
        if child.type == "text" and not code:
            yield child.content


def _without_code(line: str) -> str:
    """Replace code and escaped signs in a line by blanks."""
    return re.sub(r"(?<!`)(`++)(?:(?!\1).)*+\1(?!`)|\\[*_`~]", lambda code: " " * len(code[0]), line)


def _spots(written: str, *, alone: bool) -> list[int]:
    """Columns of each ``**`` in a line outside code; with ``alone``, only of those without a sound partner."""
    censored = _CENSORED.sub(lambda found: " " * len(found[0]), written)
    line = written if _LITERAL.search(censored) else censored
    pairs = _sound_pairs(line) if alone else {}
    return [found.start() for found in _LITERAL.finditer(_without_code(line)) if not pairs.get(found.start(), alone)]


def _sound_pairs(line: str) -> dict[int, bool]:
    """Map the column of each ``**`` to whether it is half of a pair around text without spaces at its ends."""
    marks = [found.start() for found in _LITERAL.finditer(line)]
    sound = dict.fromkeys(marks, False)
    for first, last in zip(marks[::2], marks[1::2], strict=False):
        inside = line[first + 2 : last]
        sound[first] = sound[last] = bool(inside) and not inside[0].isspace() and not inside[-1].isspace()
    return sound
