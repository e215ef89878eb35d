"""Marks that other tools read and this Markdown does not: a wiki's links, callouts, formulas, short codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import HAN, Context
from publisher.diagnostics import Diagnostic, Sentence, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.regex import regex

OTHER_TOOLS = define("markdown-of-other-tools", Severity.WARNING)
_MARKS = regex(
    r"(?P<embed>!\[\[[^\[\]\n]+\]\])"
    rf"|(?P<wiki>(?<![A-Za-z0-9_\]\[!])\[\[(?=[^\[\]\n]*{HAN.pattern})[^\[\]\n]+\]\])"
    r"|(?P<highlight>(?<![\w=!<>])==(?=[^\s=])[^=\n]+(?<=[^\s=])==(?![\w=]))"
    r"|^(?P<callout>\[!(?:note|tip|important|warning|caution|info|abstract|question|quote|example)\][-+]?)"
    r"(?=[ \t]*$|[ \t]+[^\n。.！!？?]{1,40}\n)"
    r"|(?P<aside>(?<![\w%])%%(?=[^\s%])(?=[^%\n]*[ \u3400-\u9fff])[^%\n]*[^\s%]%%(?![\w%])"
    r"|^%%[ \t][^%\n]+%%(?=[ \t]*$))"
    r"|^(?P<admonition>(?:!!!|\?\?\?)\+? (?:note|tip|important|warning|danger|info|question|quote|example)\b.*)"
    r"|^(?P<contents>\[toc\]|@\[toc\])[ \t]*$"
    r"|(?P<attributes>\{(?<!\)\{):?[ ]?[#.][A-Za-z_][\w. #:-]*\}(?=[ \t]*$)|^\{:[^{}\n]+\}(?=[ \t]*$))"
    r"|(?P<lower>~(?<=[A-Za-z)]~)\d{1,3}~)"
    r"|(?P<raised>\^(?<=[A-Za-z\d)]\^)(?:[+−-](?<!(?-i:[a-z]{2})\^.)|[+−-]?\d{1,3}|n|th|st|nd|rd)\^(?!\w))"
    r"|(?P<inserted>\+\+(?<![\w+]\+\+)(?!(?P<same>\w+)\b[^+\n]*\b(?P=same)\+)"
    r"(?=[^\s+*|)）])[^+\n]{1,80}(?<=[^\s+*|(（])\+\+(?![\w+]))"
    r"|(?P<shortcode>\{\{[<%][^{}\n]*[%>]\}\}|^\{%-?[ ](?:include|youtube|vimeo|bilibili|video|embed|figure|gallery"
    r"|gist|raw|endraw|(?:end)?highlight|link|post_url|post_link|twitter|asset_img|img|image|note|endnote)\b[^{}\n]*%\}"
    r"(?=[ \t]*$))"
    r"|(?P<field>Error! (?:Reference source|Bookmark)(?= not (?:found|defined))"
    r"|错误[!！]\s?未(?:找到引用源|定义书签)[。.])"
    r"|(?P<formula>\$\$[^$\n]+\$\$"
    r"|(?<![\w$\\])\$(?=[^$\n]*\\[A-Za-z]{2})[^$\s](?:[^$\n]*[^$\s])?\$(?![\w$])"
    r"|\\\((?>(?:(?!\\\))[^\n]){0,200}?(?:\\[A-Za-z]{2}|(?<=[\w)}\]])(?:\^|(?<![A-Za-z]{2})_)(?=[\w{(\\+-])))[^\n]{0,200}?\\\)"
    r"|\\\[(?>(?:(?!\\\])[^\n]){0,200}?(?:\\[A-Za-z]{2}|(?<=[\w)}\]])(?:\^|(?<![A-Za-z]{2})_)(?=[\w{(\\+-])))[^\n]{0,200}?\\\])",
    re.MULTILINE | re.IGNORECASE,
)
_SIGN = re.compile(r"\[[\[!]|==|%%|!!!|\?\?\?|\[toc|[{~^$]|\+\+|error!|错误[!！]|\\[(\[]", re.IGNORECASE)
_CALLOUT = say("write ::: callout and its text, then a line of :::")
_ADVICE: dict[str, Sentence] = {
    "embed": say("write ![words](images/NAME)"),
    "wiki": say("write [words](../SLUG/)"),
    "highlight": say("write **words**, or <mark>words</mark>"),
    "callout": _CALLOUT,
    "aside": say("write <!-- words --> for what readers are not to see"),
    "admonition": _CALLOUT,
    "contents": say("delete it: a long issue lists its items by itself"),
    "attributes": say("delete it"),
    "lower": say("write <sub>2</sub>"),
    "raised": say("write <sup>2</sup>"),
    "inserted": say("write **words**, or <mark>words</mark>"),
    "shortcode": say("delete it, or write a link"),
    "field": say("delete it"),
    "formula": say("write it in letters and <sup>, or make a picture of it"),
}


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at what is written outside of code, links and pictures."""
    for text in context.texts:
        for words, place in text.written:
            for found in _MARKS.finditer(words) if _SIGN.search(words) else ():
                kind = found.lastgroup or ""
                message = say(
                    "{found} stays as it is written: other tools read it, not mail", found=shortened(found[kind])
                )
                yield OTHER_TOOLS.at(place(*found.span(kind)), message, help=_ADVICE[kind])
