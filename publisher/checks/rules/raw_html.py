"""Raw HTML: markup and text that is removed, unclosed comments, Markdown in HTML, and angle brackets."""

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import ACTIVE, COMMENT_UNCLOSED, RUNS, TAGS, TEXT_SWALLOWED, without_comments
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.markdown.tags import COMMENT, NOT_NESTED, TAG, WITH_COLON, is_words, raw_tags
from publisher.regex import regex

ANGLE_BRACKETS = define("angle-brackets", Severity.WARNING)
MARKDOWN_IN_HTML = define("markdown-in-html", Severity.WARNING)
_SWALLOWS = ACTIVE - TAGS - RUNS
_TAG = regex(rf"<(/?)({'|'.join(sorted(_SWALLOWS))})\b[^<>]*>", re.IGNORECASE)
_ANY = regex(rf"</?(?:{'|'.join(sorted(_SWALLOWS))})\b", re.IGNORECASE)
_OPEN_QUOTE = regex(r"<[A-Za-z][A-Za-z0-9]*\s[^<>\"']*=\s*[\"'][^<>\"'\n]*>")
_SWALLOWED = regex(rf"{_OPEN_QUOTE.pattern}(?=[^\"'<>]*<)")
"""A tag whose last value is not closed; ``alt="a > b"`` is not matched."""
_NO_END = "area basefont br col frame hr image img input isindex keygen param source spacer track wbr"
_VOID = frozenset(_NO_END.split())
_NAMEABLE = _VOID | {"p"}  # that need no end
_ELEMENT = regex(r" (?:tag|element)s?\b(?!:)| ?(?:标签|标记|標籤|元素|タグ|要素)(?![:：])")
_CELLS = frozenset({"caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"})
_PARENTS = ("ul", "ol", "dl", "menu", "table", "ruby")  # within these the ends of their parts may be left out
_OPEN_COMMENT = regex(r"<!--(?<!\\<!--)")
_MARKUP = regex(r"<[^<>]*>")
_VERBATIM = regex(r"<(code|pre|kbd|samp|tt|script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_MARKS = regex(
    r"!?(?<![\w\])])\[[^\[\]\n]*\]\([^()\s]*[./#:][^()\s]*\)"
    r"|(?<![\w\])])\[(?=[^\[\]\n]*[^\W\d])[^\[\]\n]+\]\[[^\[\]\n]+\](?![\[(:])"
    r"|(?<![A-Za-z0-9*\\])\*\*(?![\s*])[^*\n]*?(?<!\s)\*\*(?![A-Za-z0-9*])"
    r"|(?<![A-Za-z0-9`\\])`[^`\n]+`(?![A-Za-z0-9`])"
)
_CLOSE = say("close its quote before the >")
_END = say("write --> at its end")
_NEARLY_COMMENT = regex(
    r"[<＜](?:\s?[!！]\s?(?=-[^-]|- -|[—–-]+ ?[^-]|--)|(?<!\w.)(?<!\w .)(?=-- ?[^->]))"
    r"[-—–]{1,4}(?!>)[^<>＜＞|\n]{1,300}?[-—–]{1,4}[>＞]"
)
"""``<!- words ->``, ``<-- words -->``, and ``<!— words —>``, which typing aids make of ``<!--``.

Not arrows, as in ``A <-- both --> B`` and ``<-- back | on -->``.
"""
_NO_SCHEME = regex(
    r"<(?<!\w<)(?!example\.|socket\.io>)(?:www\.)?[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|dev|io|ai|app|edu|gov|cn|de|fr|jp|kr|uk|eu)(?:/[^\s<>]*)?>"
)
_WITH_BAR = regex(r"<(?P<url>(?:https?://|mailto:)[^\s<>|?]+)\|(?P<words>[^<>|\n]+)>")  # as in Slack
_IN_CODE = say("write --> before the empty line, or the sign in backticks: `<!--`")
_HIDES = say("the comment that opens here is not closed before another begins: it hides “{lost}”")


def check(context: Context) -> Iterator[Diagnostic]:
    """Check the raw HTML of each text."""
    for text in context.texts:
        lost = [*_swallowed(text)]
        spans = {finding.span for finding in lost}
        lost += (finding for finding in _unpaired(text) if finding.span not in spans)
        yield from lost
        yield from _angle_brackets(text)
        yield from _marks(text)
        told = {finding.span for finding in lost}
        yield from (finding for finding in text.removed if finding.span not in told)
        for piece in text.raw if "<!--" in text.prose.text else ():
            for comment in COMMENT.finditer(piece.words):
                if "<!--" in (said := comment[0][4:]) and comment[0].endswith("-->"):
                    message = say(_HIDES, lost=shortened(" ".join(said.partition("<!--")[0].split())))
                    yield COMMENT_UNCLOSED.at(piece.place(comment.start(), comment.start() + 4), message, help=_END)


def _marks(text: Text) -> Iterator[Diagnostic]:
    """Markdown in an HTML block, which is shown literally: the block extends to the next empty line."""
    for piece in text.raw:
        if piece.token.type == "html_block" and _MARKS.search(piece.words):
            words = without_comments(piece.words)
            for hidden in (_VERBATIM, _MARKUP):
                words = hidden.sub(lambda found: "\ufffc" * len(found[0]), words)
            for found in _MARKS.finditer(words):
                written = shortened(piece.words[found.start() : found.end()])
                message = say("{found} stays as it is written: an HTML tag begins this paragraph", found=written)
                advice = say("put an empty line between the tag and the text, or write it in HTML")
                yield MARKDOWN_IN_HTML.at(piece.place(*found.span()), message, help=advice)


def _swallowed(text: Text) -> Iterator[Diagnostic]:
    """Text within elements that are removed with their content."""
    if not _ANY.search(text.prose.text):
        return
    opened: tuple[str, Place] | None = None
    words: list[str] = []
    for piece in text.pieces:
        if not piece.raw:
            words.append(piece.words if opened else "")
            continue
        said, last = without_comments(piece.words), 0
        for tag in _TAG.finditer(said):
            name = tag[2].lower()
            if opened and tag[1] and name == opened[0]:
                words.append(said[last : tag.start()])
                if name != "style":
                    yield from _told(*opened, words, _REMOVED)
                opened, words = None, []
            elif not opened and not tag[1]:
                opened, words = (name, piece.place(tag.start(), tag.end())), []
                last = tag.end()
        words.append(said[last:] if opened else "")
    if opened:
        yield from _told(*opened, words, _SWALLOWS_ALL)


def _unpaired(text: Text) -> Iterator[Diagnostic]:
    """Tags without an end, and ends without a beginning: often the name of an element in a sentence."""
    opened: dict[str, list[Place | None]] = {}
    for piece in text.raw:
        written = piece.rows.token.content if piece.token.type == "html_inline" else ""
        for tag in raw_tags(piece.words):
            begun, place = opened.setdefault(tag.name, []), piece.place(tag.start, tag.end)
            if tag.name in _CELLS and not (tag.closing or opened.get("table")):
                message = say("<{name}> is outside of a table: readers do not see it", name=tag.name)
                advice = say("write <table> before it, or `<{name}>` in backticks for the word", name=tag.name)
                yield ANGLE_BRACKETS.at(place, message, help=advice)
                begun.append(None)
            elif tag.name == "rp" and not (tag.closing or opened.get("ruby")):
                message = say("<{name}> is outside of <ruby>: readers would not see what follows it", name=tag.name)
                advice = say("write it in backticks, `<{name}>`, or &lt;{name}>", name=tag.name)
                yield TEXT_SWALLOWED.at(place, message, help=advice)
                begun.append(None)
            elif tag.name in _NAMEABLE and not tag.attributes and _ELEMENT.match(written, piece.begin + tag.end):
                message = say("<{name}> is taken for HTML: readers do not see it", name=tag.name)
                advice = say("write `<{name}>` in backticks for the word", name=tag.name)
                yield ANGLE_BRACKETS.at(place, message, help=advice)
            elif tag.name in _VOID or (tag.name in RUNS and not tag.closing):
                continue
            elif not tag.closing:
                within = piece.token.type == "html_block" or any(map(opened.get, _PARENTS))
                begun.append(None if tag.name == "p" or (within and tag.name in NOT_NESTED | {"rt", "rp"}) else place)
            elif begun:
                begun.pop()
            elif tag.name != "p" and _count(f"</{tag.name}", text) > _count(f"<{tag.name}", text):
                message = say("</{name}> ends nothing: readers do not see it", name=tag.name)
                advice = say("delete it, or write `</{name}>` in backticks for the word", name=tag.name)
                yield ANGLE_BRACKETS.at(place, message, help=advice)
    for name, places in opened.items():
        message = say("<{name}> has no end: readers do not see it", name=name)
        advice = say("write </{name}> where it ends, or `<{name}>` in backticks for the word", name=name)
        code = ANGLE_BRACKETS
        if name == "details" and "summary" not in opened:  # the name of an element in a sentence
            code, message = TEXT_SWALLOWED, say("<{name}> has no end: it folds all that follows away", name=name)
        yield from (code.at(place, message, help=advice) for place in places if place)


def _count(tag: str, text: Text) -> int:
    """How often a tag is written, also where a fault keeps it from being one."""
    return len(re.findall(rf"{tag}\b", text.prose.text, re.IGNORECASE))


_REMOVED = say("<{name}> is removed with all that is in it: readers would not see “{lost}”")
_SWALLOWS_ALL = say("<{name}> has no end, and swallows all that follows: readers would not see “{lost}”")


def _told(name: str, place: Place, words: list[str], fate: Sentence) -> Iterator[Diagnostic]:
    """The finding at the opening tag, if text is lost."""
    if lost := " ".join(_MARKUP.sub(" ", "".join(words)).split()):
        message = say(fate, name=name, lost=shortened(lost))
        advice = say("write it in backticks, `<{name}>`, or &lt;{name}>", name=name)
        yield TEXT_SWALLOWED.at(place, message, help=advice)


def _angle_brackets(text: Text) -> Iterator[Diagnostic]:
    """Tags of unknown elements, and tags whose attributes are words."""
    blocks = [(without_comments(piece.words), piece.place) for piece in text.raw]
    signs = [(words, place) for words, place in text.written if "<" in words or "＜" in words]
    for words, place in (*signs, *blocks):
        for tag in TAG.finditer(words):
            if is_words(tag) and not words.endswith("\\", 0, tag.start()):
                message = say("{tag} is not an HTML tag: readers see it as text", tag=shortened(tag[0]))
                advice = say("write it in backticks, or &lt;{tag}", tag=shortened(tag[0][1:]))
                yield ANGLE_BRACKETS.at(place(tag.start(), tag.end()), message, help=advice)
    for words, place in blocks:
        for tag in _SWALLOWED.finditer(words):
            message = say("a quote in {tag} has no end, and swallows what follows", tag=shortened(tag[0]))
            yield TEXT_SWALLOWED.at(place(tag.start(), tag.end()), message, help=_CLOSE)
    for words, place in signs:
        for found in _OPEN_COMMENT.finditer(words):
            message, advice = say("a comment must end in its own paragraph: readers see this one as text"), _IN_CODE
            yield ANGLE_BRACKETS.at(place(*found.span()), message, help=advice)
        for found in _NEARLY_COMMENT.finditer(words):
            message = say("this is not a comment: readers see it as text")
            yield ANGLE_BRACKETS.at(place(*found.span()), message, help=say("write <!-- before it and --> after it"))
        for found in _NO_SCHEME.finditer(words):
            message = say("{tag} is no link: readers see it as text", tag=shortened(found[0]))
            advice = say("write {words}", words=shortened(f"<https://{found[0][1:]}"))
            yield ANGLE_BRACKETS.at(place(*found.span()), message, help=advice)
        for found in _WITH_BAR.finditer(words):
            message = say("{tag} is no link: readers see it as text", tag=shortened(found[0]))
            advice = say("write {words}", words=shortened(f"[{found['words']}]({found['url']})"))
            yield ANGLE_BRACKETS.at(place(*found.span()), message, help=advice)
        for tag in _OPEN_QUOTE.finditer(words):
            message = say("{tag} is not an HTML tag: readers see it as text", tag=shortened(tag[0]))
            yield ANGLE_BRACKETS.at(place(tag.start(), tag.end()), message, help=_CLOSE)
        for tag in (found for found in WITH_COLON.finditer(words) if not words.endswith("](", 0, found.start())):
            message = say("{tag} is not an HTML tag: readers see it as text", tag=shortened(tag[0]))
            office = tag[0].lstrip("</")[1] == ":"  # <o:p>
            advice = say("write it in backticks, or &lt;{tag}", tag=shortened(tag[0][1:]))
            yield ANGLE_BRACKETS.at(place(tag.start(), tag.end()), message, help=say("delete it") if office else advice)
