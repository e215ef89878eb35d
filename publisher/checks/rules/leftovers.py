"""Leftovers that should have been removed before publishing: merge conflicts, template texts, merge tags of other
tools, remarks of a chatbot.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from publisher.checks.context import Context, fields
from publisher.checks.html import without_comments
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Fault, Place, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.model import Prose, Status
from publisher.issue.personal import PLACEHOLDER
from publisher.language.locale import every
from publisher.regex import regex

CONFLICT = define("merge-conflict", Severity.ERROR)
PLACEHOLDER_LEFT = define("placeholder-left", Severity.ERROR)
PLACEHOLDERS = ("title", "intro", "point", "headline", "body", "commentary")
"""Keys of the template texts in a new issue that an editor replaces; other template texts are comments."""
ADDED = ("added_body", "added_commentary")
"""Keys of the template texts of ``publisher add``, which are reported in drafts too."""
CHAT_REMARK = define("chat-remark", Severity.WARNING)
UNFINISHED = define("unfinished-text", Severity.WARNING)
_UNFINISHED = regex(
    r"^(?:[（(\[【]?(?:TODO|TBD|FIXME|待补充?|待补齐|待写|待完善|此处(?:填写|补充)[^\n。]{0,12})[）)\]】。]?|(?:TODO|TBD|FIXME|待补充)[:：][^\n]*"
    r"|[Ll]orem ipsum dolor\b[^\n]*)[ \t]*$",
    re.MULTILINE,
)
_NOTES = ("TODO", "TBD", "FIXME", "待补", "待写", "待完善", "此处", "orem ipsum")
MERGE_TAG = define("merge-tag", Severity.WARNING)
_PERSON = r"(?:first|last|full|given|sur|user)[ _-]?name|[fl]name|name|first|last|e-?mail(?:[ _-]?address)?"
_WAY = (
    r"un(?:subscribe|sub)(?:[ _-]?(?:url|link|me))?|(?:view|read)_in_browser(?:_url)?|web_?version(?:_?(?:url|link))?"
)
_OF = r"(?:recipient|subscriber|contact|user|member|person|customer|profile)s?[._]"
_NAME = rf"(?:(?:{_OF})?(?:{_PERSON}|{_WAY})|(?:recipient|subscriber|contact)\.[a-z_]+)"
_REST = r"\s*(?:[|,:=][^{}%\[\]<>\n]{0,60})?"
_TAG = regex(
    r"\*\|(?:[A-Z][A-Z0-9_]*:)?[A-Z][A-Z0-9_]*\|\*"
    rf"|\{{\{{\{{?\s*[$.@]?{_NAME}{_REST}\}}\}}\}}?"
    rf"|\{{\$\s*{_NAME}{_REST}\}}|\$\{{{_NAME}\}}"
    rf"|\{{(?:{_WAY})\}}"
    rf"|%%{_NAME}%%|(?<![A-Za-z0-9_%])%{_NAME}%(?![A-Za-z0-9_%])"
    rf"|\[\[\s*{_NAME}{_REST}\]\]"
    rf"|\[(?:[FL]NAME|(?:FIRST|LAST)_?NAME|EMAIL_?ADDRESS|UNSUBSCRIBE(?:_URL)?|WEBVERSION)\]"
    rf"|<%=\s*@?{_NAME}\s*%>",
    re.IGNORECASE,
)
_SIGN = regex(r"\{|%|\[(?:\[|[A-Z_]{5,}\])|\*\|")  # first characters of merge tags; each begins with a literal one
_CASED = regex(r"\*\|[^a-z]*\|\*|\[[^a-z\[\]]*\]|[^*\[].*|\[\[.*", re.DOTALL)
_WAYS = regex(_WAY, re.IGNORECASE)
_ABOUT = regex(
    r"templat|jinja|\bvue|mustache|handlebars|liquid|twig|django|angular|svelte|blade|\bhelm\b|ansible|interpolat"
    r"|placeholder|variable|merge tag|模板|插值|变量|變數|占位|テンプレート|変数",
    re.IGNORECASE,
)
_CODE = regex(r"<(code|kbd|pre|samp)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_CHAT = regex(
    r"【\d+(?::\d+)?†[^【】\n]*】|[:：]contentReference\[oaicite:\d+\](?:\{index=\d+\})?|\bcite(?:turn\d+[a-z]+\d+)+"
    r"|^(?:(?:certainly|sure|of course|absolutely)[!,.] here(?:'s|’s| is) (?:an?|the|your) (?:[\w-]+ )?"
    r"|here(?:'s|’s| is) (?:an?|the|your) (?:polished|rewritten|improved|revised|translated) )"
    r"(?:version|draft|summary|translation|text)\b[^\n]*:[ \t]*$"
    r"|\A(?:i(?:'|’| a)m sorry, (?:but )?)?as an ai (?:language )?model, i\b[^\n]*"
    r"|^would you like me to (?:rewrite|refine|revise|shorten|polish|adjust) (?:this|that|it)\b[^\n]*$"
    r"|^(?:(?:好的|当然(?:可以)?|没问题)[，,！!。]\s*)?(?:以下|下面)是我?[为给][您你](?:生成|撰写|改写|润色)[^\n]*[:：]$"
    r"|^如果[您你](?:需要|愿意|希望)，我(?:还|也)?可以(?:继续|进一步)[为帮给替][您你][^\n，]*$"
    r"|^希望(?:这|以上)对您有所帮助[！!。.]?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
"""Citation marks of chatbots, and sentences addressed to their user; “Here is the list:” is addressed to readers."""
_CHAT_SIGNS = ("†", "oaicite", "citeturn", "here's", "here’s", "here is", "as an ai", "like me to", "您", "你")
Written = tuple[str, Callable[[int, int], Place]]


_REPLACE = say("replace it, or delete it; or leave the issue a draft")


def check(context: Context) -> Iterator[Diagnostic]:
    """Check for all kinds of leftovers; template texts of a new issue only if it is ready."""
    yield from _conflicts(context)
    yield from _placeholders(context)
    yield from _merge_tags(context)
    yield from _chat(context)


def _chat(context: Context) -> Iterator[Diagnostic]:
    """A chatbot's sentences to its user, and its citation marks, which are dead. Text that is also quoted is exempt."""
    for text in context.texts:
        whole = text.prose.text.lower()
        if not any(sign in whole for sign in _CHAT_SIGNS):
            continue
        lines = (line.strip() for line in text.prose.text.split("\n"))
        quoted = {line.lstrip("> ") for line in lines if line.startswith(">")}
        for words, place in text.written:
            for found in _CHAT.finditer(words):
                if (said := found[0].strip()) not in quoted:
                    message = say("“{words}” is what a chat leaves, not a text for readers", words=shortened(said))
                    yield CHAT_REMARK.at(place(*found.span()), message, help=say("delete it"))


def _conflicts(context: Context) -> Iterator[Diagnostic]:
    """The markers of a git merge conflict, in order."""
    for text in (text for text in context.texts if "<<<<<<< " in text.prose.text):
        opened, parted = None, False
        for number, line in enumerate(text.prose.lines):
            if opened is None and line.startswith("<<<<<<< "):
                opened, parted = number, False
            elif opened is not None and line == "=======":
                parted = True
            elif opened is not None and parted and line.startswith(">>>>>>> "):
                place, opened = text.prose.place(opened, 0, 7), None
                advice = say("keep one version; delete the lines of <, = and >")
                yield CONFLICT.at(place, say("a merge conflict is not resolved"), help=advice)


def _placeholders(context: Context) -> Iterator[Diagnostic]:
    """Template texts: of ``publisher new`` in a ready issue, of ``publisher add`` in any."""
    issue, written = context.issue, "\n".join(text.prose.text for text in context.texts)
    added = tuple(text for text in _every(ADDED) if text in written)
    for place in (place for text in context.texts if (place := _place(text.prose, added))):
        message = say("this text is still to be written")
        yield PLACEHOLDER_LEFT.at(place, message, help=say("write it, or delete it"))
    if issue.status is not Status.READY:
        return
    texts = _every(PLACEHOLDERS)
    plain = [(issue.title, issue.places.of("title")), *((i.headline, i.places.of("headline")) for i in issue.items)]
    found = [place for text, place in plain if text in texts]
    texts = tuple(text for text in texts if text in written)  # usually empty
    found += [place for text in context.texts if (place := _place(text.prose, texts))]
    for place in found:
        message = say("this text is still to be filled in, and the issue is ready")
        yield PLACEHOLDER_LEFT.at(place, message, help=_REPLACE)
    titles = (line for line in fields(context) if line.key in {"title", "headline"})
    places = [line.whole for line in titles if _UNFINISHED.fullmatch(line.text)]
    places += [
        place(*found.span())
        for text in context.texts
        if any(sign in text.prose.text for sign in _NOTES)
        for words, place in text.written
        for found in _UNFINISHED.finditer(words)
    ]
    for place in places:
        yield UNFINISHED.at(place, say("this text is not finished, and the issue is ready"), help=_REPLACE)


def _every(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for name in names for text in every("starter", name))


def _place(prose: Prose, texts: tuple[str, ...]) -> Place | None:
    for number, line in enumerate(prose.lines if texts else ()):
        for text in texts:
            if text in line:
                start = line.index(text)
                return prose.place(number, start, start + len(text))
    return None


def _merge_tags(context: Context) -> Iterator[Diagnostic]:
    """Check plain-text fields, texts without code, and the URLs in them."""
    heads = [item.headline for item in context.issue.items]
    for line in fields(context):
        found = list(_tags(line.text, line.place))
        yield from found if found and not _ABOUT.search(line.text) else ()
    for text in context.texts:
        if "{" in text.prose.text or "%" in text.prose.text or "[" in text.prose.text or "*|" in text.prose.text:
            about = text.prose.text + (heads[text.item] if text.item is not None else "")
            found = list(_of_text(text))
            yield from found if found and not _ABOUT.search(about) else ()


def _of_text(text: Text) -> Iterator[Diagnostic]:
    told = [finding for words, place in _written(text) for finding in _tags(words, place)]
    yield from told
    for link in text.parts.links:
        span = link.place.span
        for found in _TAG.finditer(unquote(link.url)):
            if not PLACEHOLDER.fullmatch(found[0]) and not any(
                each.span.line == span.line and each.span.column in range(span.column, span.end_column) for each in told
            ):
                yield _told(found[0]).at(link.place)


def _written(text: Text) -> Iterator[Written]:
    yield from text.written
    for piece in text.raw:
        if piece.token.type == "html_block":
            yield _CODE.sub(lambda code: " " * len(code[0]), without_comments(piece.words)), piece.place


def _tags(words: str, place: Callable[[int, int], Place]) -> Iterator[Diagnostic]:
    for found in _TAG.finditer(words) if _SIGN.search(words) else ():
        if _CASED.fullmatch(found[0]) and not PLACEHOLDER.fullmatch(found[0]):
            yield _told(found[0]).at(place(found.start(), found.end()))


@lru_cache(maxsize=256)
def _told(tag: str) -> Fault:
    message = say("{tag} is a merge tag of another tool: readers would get it as it is written", tag=shortened(tag))
    way = say("delete it: each message has links to unsubscribe and to its page")
    advice = way if _WAYS.search(tag) else say("write words for every reader, or put it in backticks")
    return Fault(MERGE_TAG, message, advice)
