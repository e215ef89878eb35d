"""Detection of typical typing errors in YAML, which the parser's own messages do not help to correct.

They are searched for only after parsing has failed, so that valid text never causes a finding.
"""

import re
from collections.abc import Callable

from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, Span, define, say
from publisher.documents.text import TextFile
from publisher.regex import regex

_KEY = r"(?P<head>[ \t]*(?:- +)?)(?P<key>[A-Za-z_]+)"
_FULL_COLON = regex(_KEY[:-1] + r"|(?<![ \t-])[\u4e00-\u9fff]{2})[ \t]*(?P<at>：)(?P<rest>.*)")
_NO_SPACE = regex(_KEY + r"(?P<at>:)(?=[^\s/:\]}])(?P<rest>.*)")
_ODD_SPACE = regex(r"(?:" + _KEY + r":)?[ \t]*(?P<at>[\u00a0\u3000\u2002-\u200a\u202f]+)(?P<rest>.*)")
_TWO_COLONS = regex(_KEY + r":[ \t]+(?P<value>[^\s\"'|>\[{#&*!].*?(?P<at>:)(?:[ \t].*|$))")
_QUOTED = r"\"(?>(?:[^\"\\]|\\.)*)\"|'(?>(?:[^']|'')*)'|\[[^\]]*\]|\{[^{}]*\}"
_AFTER_QUOTED = regex(_KEY + r":[ \t]+(?P<value>(?P<at>" + _QUOTED + r")[ \t]*[^\s,#].*)")
_ENTRY_AFTER_QUOTED = regex(r"[ \t]*- +(?P<value>(?P<at>" + _QUOTED + r")[ \t]*[^\s,#:].*)")
_ENTRY = regex(r"[ \t]*(?P<at>-(?=[^\s-])|[－–—•·])(?P<rest>.*)")
_FULL_COMMA = regex(r"[^#]*?[{\[][^}\]]*?(?P<at>，).*")
_FULL_SEMICOLON = regex(r"[^#]*?\{[^}]*?(?P<at>[；、])(?=\s*[A-Za-z_]+:\s).*")
_HASH = regex(r"(?:" + _KEY + r":)?[ \t]*[\[{](?:[^#'\"]*[,:])?[ \t]*(?P<at>#[^#\s,\]}]+).*")
_HASH_IN_FLOW = regex(r"[^#'\"]*[\[{][^#'\"]*[ \t](?P<at>#).*[\]}][ \t]*")
_IN_FLOW = regex(
    r"[^#'\"]*[{,][ \t]*(?P<key>[A-Za-z_]+):[ \t]+"
    r"(?P<value>[^\s,{}\[\]\"'][^,{}\[\]]*?(?P<at>:(?=[ \t])|[{\[])[^,]*?)[ \t]*(?:,.*|\}[ \t]*)"
)
_LINK = regex(r"\[([^\[\]]+)\]\((https?://[^\s()]+)\)")
_CONFLICT = regex(r"(?P<at><{7}|={7}|>{7})(?: .*)?")


_LONGEST = 2_000
"""Longest line that is searched, in characters: the patterns need quadratic time."""
_Slips = tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[Sentence, Sentence]]], ...]

SYNTAX = define("yaml-syntax", Severity.ERROR, fixed=True)


def typo_in(file: TextFile, first: int, last: int) -> Diagnostic | None:
    """Return the most likely typo in lines ``first`` to ``last``, which are not a valid mapping, or None."""
    return _typo(_SLIPS, file, first, last)


def typo_at(file: TextFile, number: int) -> Diagnostic | None:
    """Like :func:`typo_in`, for patterns that are errors only in the line at which parsing failed."""
    return _typo(_SLIPS_THERE, file, number, number)


def _typo(slips: _Slips, file: TextFile, first: int, last: int) -> Diagnostic | None:
    for pattern, told in slips:
        for number, line in enumerate(file.lines[first - 1 : last], first):
            if len(line) <= _LONGEST and (match := pattern.fullmatch(line)):
                message, advice = told(match)
                place = Place(file.path, Span(number, match.start("at") + 1, number, match.end("at") + 1))
                return SYNTAX.at(place, message, help=advice)
    return None


def _colon(message: Sentence) -> Callable[[re.Match[str]], tuple[Sentence, Sentence]]:
    def told(match: re.Match[str]) -> tuple[Sentence, Sentence]:
        return message, say("write {key}: {rest}", key=match["key"], rest=shortened(match["rest"].strip()))

    return told


def _quoted(match: re.Match[str]) -> tuple[Sentence, Sentence]:
    value = match["value"].strip()
    told = say('the text holds ": ", which YAML takes for the end of a key')
    if (link := _LINK.fullmatch(value)) and match.groupdict().get("key") == "source":
        advice = say("write {words}", words=f"source: {{name: {link[1]}, url: {link[2]}}}")
        return say("a source is not written as a Markdown link"), advice
    if match["at"] in {"[", "{"}:
        told = say("the text contains {at}, which YAML reads as the beginning of a list or a mapping", at=match["at"])
    elif match["at"] != ":":
        told = say("text follows what {at} begins and {at2} ends", at=match["at"][0], at2=match["at"][-1])
    mark = '"' if "'" in value and not set('"\\') & set(value) else "'"
    inside = shortened(value).replace("'", "''") if mark == "'" else shortened(value)
    if "key" not in match.re.groupindex:
        return told, say("quote the whole text: {mark}{inside}{mark}", mark=mark, inside=inside)
    return told, say("quote the whole text: {key}: {mark}{inside}{mark}", key=match["key"], mark=mark, inside=inside)


def _entry(match: re.Match[str]) -> tuple[Sentence, Sentence]:
    advice = say("write - {rest}", rest=shortened(match["rest"].strip()))
    return say("an entry of a list begins with a plain hyphen and a space"), advice


def _hash(match: re.Match[str]) -> tuple[Sentence, Sentence]:
    word = shortened(match["at"])
    return say("YAML reads what follows {word} as a comment", word="#"), say('quote it: "{word}"', word=word)


def shortened(text: str) -> str:
    """The text for use in a message, cut to 40 characters."""
    return text if len(text) <= 40 else f"{text[:40]}…"


_SLIPS: _Slips = (
    (_CONFLICT, lambda _: (say("a merge conflict is not resolved"),
                           say("keep one of the two versions, and delete the lines of <, = and >"))),
    (_FULL_COLON, _colon(say("the colon is a full-width one"))),
    (_ODD_SPACE, lambda space: (say("the space here is not a plain one (U+{at:04X})", at=ord(space["at"][0])),
                                say("write plain spaces"))),
    (_NO_SPACE, _colon(say("a space is missing after the colon"))),
    (_AFTER_QUOTED, _quoted), (_TWO_COLONS, _quoted), (_HASH, _hash),
)  # fmt: skip
_SLIPS_THERE: _Slips = (
    (_ENTRY_AFTER_QUOTED, _quoted), (_ENTRY, _entry),
    (_FULL_COMMA, lambda _: (say("the comma is a full-width one"), say("write a plain comma and a space"))),
    (_FULL_SEMICOLON, lambda match: (say("{mark} does not separate keys in YAML", mark=match["at"]),
                                     say("write a plain comma and a space"))),
    (_HASH_IN_FLOW, lambda _: (say("YAML reads what follows {word} as a comment", word="#"), say("quote the text"))),
    (_IN_FLOW, _quoted),
)  # fmt: skip
