"""Characters that Markdown interprets but the author did not mean as markup: unmarked code, of which parts are lost;
and syntax of other tools, which is shown literally: wiki links, callouts, formulas, short codes.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from html import unescape

from publisher.checks.context import HAN, Context
from publisher.checks.markdown import Text
from publisher.checks.rules.inventions import SURNAMES
from publisher.diagnostics import Diagnostic, Sentence, Severity, define, listed, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.codes import CONTAINER_OPEN
from publisher.issue.markdown.boxes import CONTAINERS
from publisher.regex import regex

NOT_MARKED = define("code-not-marked", Severity.WARNING)
_HAN = "[\u4e00-\u9fff]"
_CODE = regex(
    r"(?<![\w\\])__(?P<name>[a-z]+(?:_[a-z]+)*)__(?:\.py\b)?(?!\w)"
    r"|(?<![\w*\\.])(?:\d+(?:\.\d+)?|[a-z])(?:\*(?:\d+(?:\.\d+)?|[a-z])){2,}(?![\w*])"
    r"|(?<![\w\\])(?:[A-Z]:|\\\\[\w.-]+)(?:\\[\w.@~*-]+)+"
    r"|(?P<masked>(?<![A-Za-z\d*\\])[A-Za-z\d]+\*{1,4}(?=[A-Za-z\d]+[^A-Za-z\d*])"
    r"(?:[^*\n]|\n(?![ \t>]*(?:\n|[-+*] |\d+[.)] )))*(?<=[A-Za-z\d])\*{1,4}[A-Za-z\d]+(?![A-Za-z\d*])"
    rf"|[{SURNAMES}]\*{{1,3}}{_HAN}{{0,2}}[、，,；;/\s和与及]{{1,2}}{_HAN}?[{SURNAMES}]\*{{1,3}}{_HAN}?"
    r"|(?<![A-Za-z\d*\\])\d{2,}\*{2,}\d{2,}(?![A-Za-z\d*]))"
)
"""A Python dunder name, a product, a Windows path; two products, masked words, numbers or names (``f*ck and sh*t``)."""
_TIMES = regex(rf"\*(?<=[\dA-Za-z]\*)\**[\dA-Za-z]|\*(?<=[{SURNAMES}]\*)")
_NEAR = 200  # characters before a match that are searched for the start of a URL
_OWN = frozenset({
    "init", "str", "repr", "len", "eq", "ne", "lt", "le", "gt", "ge", "getitem", "setitem", "delitem", "getattr",
    "setattr", "getattribute", "contains", "iter", "aiter", "anext", "aenter", "aexit", "del", "bool", "pycache",
    "proto", "destruct", "dirname", "typename", "qualname",
})  # fmt: skip
_WORDS = frozenset({
    "main", "name", "file", "all", "new", "call", "class", "next", "exit", "enter", "add", "sub", "mul", "and", "or",
    "dict", "hash", "doc", "version", "author", "future", "get", "set", "module", "path", "import", "format",
    "bytes", "slots", "annotations", "construct", "filename",
})  # fmt: skip
"""Dunder names that are normal words too, and may be meant as bold."""
_ABOUT = regex(
    r"python|dunder|javascript|\bphp\b|\.py\b|(?:=\s?|\w[(.])['\"]?__|__['\"]?(?:\s?=|\(|\.\w)|代码|模块|方法|函数|变量",
    re.IGNORECASE,
)
OTHER_TOOLS = define("markdown-of-other-tools", Severity.WARNING)
_NOTE = (
    r"(?-i:\d{4}-\d\d-\d\d[\w|'’ .-]*"
    r"|(?!(?:First|Last|Full)[ _-]?Name)[A-Z][\w'’&#.-]*[ |][\w'’&#.| -]*\w)"
)
"""What stands in a wiki link without Chinese: several words, or the folder of an issue."""
_MARKS = regex(
    r"(?P<embed>!\[\[[^\[\]\n]+\]\])"
    rf"|(?P<wiki>(?<![A-Za-z0-9_\]\[!])\[\[(?=[^\[\]\n]*{HAN.pattern}|{_NOTE}\]\])[^\[\]\n]+\]\])(?![(\[:])"
    r"|(?P<highlight>(?<![a-z0-9_=!<>])==(?=[^\s=”’」』），。、；：！？])[^=\n]+(?<=[^\s=])==(?![a-z0-9_=]))"
    r"|^(?P<callout>\[!(?:note|tip|important|warning|caution|info|abstract|question|quote|example)\][-+]?)"
    r"(?=[ \t]*$|[ \t]+[^\n。.！!？?]{1,40}\n)"
    r"|(?P<aside>(?<![a-z0-9_%])%%(?=[^\s%])(?=[^%\n]*[ \u3400-\u9fff])[^%\n]*[^\s%]%%(?![a-z0-9_%])"
    r"|^%%[ \t][^%\n]+%%(?=[ \t]*$))"
    r"|^(?P<admonition>(?:!!!|\?\?\?)\+? (?:note|tip|important|warning|danger|info|question|quote|example)\b.*)"
    r"|^(?P<abbreviation>\*\[[^\[\]\n]+\]:[ \t].*)"
    r"|^(?P<contents>@?\[toc\]|\[\[_?toc_?\]\])[ \t]*$"
    r"|(?P<attributes>\{(?<!\)\{):?[ ]?[#.][A-Za-z_][\w. #:-]*\}(?=[ \t]*$)|^\{:[^{}\n]+\}(?=[ \t]*$)"
    r"|\{(?<=\]\{)\.[A-Za-z][\w-]*\})"
    r"|(?P<bracketed>\[(?P<tag>b|i|u|s|url|img|quote|color|size|code|center|caption|embed|button)(?:[ =][^\[\]\n]*)?\]"
    r"(?=[^\n]{0,400}\[/(?P=tag)\])|\[(?:gallery|playlist|audio|video|caption|embed)[ ][a-z]+=[^\[\]\n]*\])"
    r"|(?P<lower>~(?<=[A-Za-z)]~)\d{1,3}~)"
    r"|(?P<raised>\^(?<=[A-Za-z\d)]\^)(?<!(?:haha|hehe|hihi)\^)(?:[+−-](?<!(?-i:[a-z]{2})\^.)|[+−-]?\d{1,3}|n|th|st|nd|rd)\^(?![a-z0-9_]))"
    r"|(?P<inserted>\+\+(?<![a-z0-9_+]\+\+)(?!(?P<same>\w+)\b[^+\n]*\b(?P=same)\+)"
    r"(?=[^\s+*|)），。、；：！？])[^+\n]{1,80}(?<=[^\s+*|(（])\+\+(?![a-z0-9_+]))"
    r"|(?P<shortcode>\{\{[<%][^{}\n]*[%>]\}\}|^\{%-?[ ]?(?:include|pdf|youtube|vimeo|bilibili|video|embed|figure"
    r"|gallery|gist|raw|endraw|(?:end)?highlight|link|post_url|post_link|twitter|asset_img|img|image|note|endnote)\b[^{}\n]*"
    r"%\}(?=[ \t]*$))"
    r"|(?<![\w:/.-])(?P<emoji>:(?-i:[a-z]{2,}(?:_[a-z0-9]+)*|\+1):)(?![\w:/`-])"
    r"|(?P<field>Error! (?:Reference source|Bookmark)(?= not (?:found|defined))"
    r"|错误[!！]\s?未(?:找到引用源|定义书签)[。.])"
    r"|(?P<formula>\$\$[^$\n]+\$\$|^\$\$\n[^$]+\n\$\$$"
    r"|(?<![a-z0-9_$\\])\$(?=[^$\n]*\\[A-Za-z]{2})[^$\s](?:[^$\n]*[^$\s])?\$(?![a-z0-9_$])"
    r"|\\\((?>(?:(?!\\\))[^\n]){0,200}?(?:\\[A-Za-z]{2}|(?<=[\w)}\]])(?:\^|(?<![A-Za-z]{2})_)(?=[\w{(\\+-])))[^\n]{0,200}?\\\)"
    r"|\\\[(?>(?:(?!\\\])[^\n]){0,200}?(?:\\[A-Za-z]{2}|(?<=[\w)}\]])(?:\^|(?<![A-Za-z]{2})_)(?=[\w{(\\+-])))[^\n]{0,200}?\\\])",
    re.MULTILINE | re.IGNORECASE,
)
_SIGN = regex(
    r"\[(?:[\[!]|[Tt][Oo][Cc]|/[a-z]+\]|(?:gallery|playlist|audio|video)[ ])"
    r"|\*\[|==|%%|!(?:!!|(?<=[Rr][Rr][Oo][Rr]!))|\?\?\?|\{|~|\^|\$|\+\+"
    r"|:(?<![\w:/.-]:)[A-Za-z_0-9+]+:|错误[!！]|\\[(\[]"
)
"""What a text with a mark has. Each alternative begins with a literal character: others are skipped at once."""
_ENTITY = regex(
    r"&(?:(?:nbsp|amp|quot|apos|hellip|[lr][ds]quo|[mn]dash|#\d{2,5}|#x[0-9a-f]{2,5});"
    r"|(?:nbsp|amp|copy|quot|[lg]t)(?![\w;=]))",
    re.IGNORECASE,
)
_ABOUT_HTML = regex(r"html|entit|escap|encod|字符|实体|實體|转义|轉義|編碼|编码|エスケープ|実体", re.IGNORECASE)
_COLONS = re.compile(r"[ \t>]*+(?:(?:[-+*]|\d{1,2}[.)])[ \t]+)?[ \t>]*+(:{3,}(.*))")
_OWN_LINE = re.compile(" {0,3}:::")
_END = say("write ::: on a line of its own")
_COMMENTARY = say("write it as the key commentary, beside body")
_CALLOUT = say("write ::: callout and its text, then a line of :::")
_ADVICE: dict[str, Sentence] = {
    "embed": say("write ![words](images/NAME)"), "wiki": say("write [words](../SLUG/)"),
    "highlight": say("write **words**, or <mark>words</mark>"), "callout": _CALLOUT, "admonition": _CALLOUT,
    "aside": say("write <!-- words --> for what readers are not to see"), "attributes": say("delete it"),
    "contents": say("delete it: a long issue lists its items by itself"), "lower": say("write <sub>2</sub>"),
    "raised": say("write <sup>2</sup>"), "inserted": say("write **words**, or <mark>words</mark>"),
    "shortcode": say("delete it, or write a link"), "emoji": say("write the picture itself, such as 🎉"),
    "abbreviation": say("delete the line, and write the words in full where they first occur"),
    "bracketed": say("write it in Markdown, or delete it"),
    "field": say("delete it"), "formula": say("write it in letters and <sup>, or make a picture of it"),
}  # fmt: skip


def check(context: Context) -> Iterator[Diagnostic]:
    """Check for unmarked code, and for syntax of other tools outside of code, links and pictures."""
    yield from _code(context)
    for text in context.texts:
        if ":::" in text.prose.text and not text.inline:
            yield from _containers(text)
        for words, place in text.written:
            for found in _MARKS.finditer(words) if _SIGN.search(words) else ():
                kind = found.lastgroup or ""
                if kind in {"wiki", "attributes"} and found[kind] not in text.words:  # a reference, or a button
                    continue
                written = shortened(found[kind])
                message = say("{found} stays as it is written: other tools read it, not mail", found=written)
                yield OTHER_TOOLS.at(place(*found.span(kind)), message, help=_ADVICE[kind])
        for words, place in text.plain() if "&" in text.prose.text and not _ABOUT_HTML.search(text.words) else ():
            for found in _ENTITY.finditer(words):
                if f"\\{found[0]}" in text.prose.text:
                    continue  # it is meant
                message = say("readers see {found} as it is written", found=found[0])
                meant = unescape(found[0]).replace("\u00a0", " ").strip()
                advice = say("write {words}", words=meant or say("a plain space"))
                yield OTHER_TOOLS.at(place(*found.span()), message, help=advice)


def _containers(text: Text) -> Iterator[Diagnostic]:
    """Unclosed containers, and lines of colons that do not form one: in YAML, a quote or a list. Those at the margin
    of a Markdown item are reported when it is read.
    """
    lines, known, item = text.prose.lines, False, text.prose.origins[0][1] == 1
    for token in text.tokens:
        row, end = token.map or (0, 0)
        opens = token.type.startswith("container_") and token.nesting == 1
        for at in [row] if opens else range(row, end) if token.type == "inline" else ():
            found = _COLONS.match(lines[at])
            if not found or (item and _OWN_LINE.match(lines[at])) or (opens and ":::" in "".join(lines[end : end + 1])):
                continue
            place, name = text.prose.place(at, found.start(1), len(lines[at].rstrip())), found[2].strip()
            if opens:
                yield CONTAINER_OPEN.at(place, say("the container that opens here is not closed"), help=_END)
            elif name or not known:
                message = say("{found} stays as it is written: it is not a container", found=shortened(found[1]))
                names = listed(CONTAINERS)
                advice = _COMMENTARY if name == "commentary" else say("write ::: and one of {names}", names=names)
                yield OTHER_TOOLS.at(place, message, help=advice if name else say("delete the line"))
            known = True


def _code(context: Context) -> Iterator[Diagnostic]:
    for text in context.texts:
        written = text.prose.text
        if "__" not in written and "\\" not in written and not _TIMES.search(written):
            continue
        lost = Counter(map(re.Match.group, _CODE.finditer(written)))
        lost.subtract(Counter(map(re.Match.group, _CODE.finditer(text.words))))
        for words, place in text.written if +lost else ():
            about = cache(partial(_ABOUT.search, words))
            for found in _CODE.finditer(words):
                if lost[found[0]] > 0 and _is_code(found, words, about):
                    message = say("readers see {found} with signs missing: Markdown takes them", found=found[0])
                    meant = found[0].replace("*", "\\*") if found["masked"] else f"`{found[0]}`"
                    advice = say("write {words}", words=shortened(meant))
                    yield NOT_MARKED.at(place(*found.span()), message, help=advice)


def _is_code(found: re.Match[str], words: str, about: Callable[[], object]) -> bool:
    before = words[max(0, found.start() - _NEAR) : found.start()].rpartition(" ")[2]
    if "://" in before or "](" in before:  # within a URL
        return False
    name = found["name"]
    if name is None or name in _OWN or "_" in name or found[0].endswith(".py"):
        return True
    return name in _WORDS and about() is not None
