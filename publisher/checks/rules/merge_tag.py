"""A merge tag of another tool stands in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from publisher.checks.context import Context
from publisher.checks.html import without_comments
from publisher.checks.lines import fields
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.documents.yaml_typos import shortened

CODE = define("merge-tag", Severity.WARNING)
_PERSON = r"(?:first|last|full|given|sur|user)[ _-]?name|[fl]name|name|first|last|e-?mail(?:[ _-]?address)?"
_WAY = (
    r"un(?:subscribe|sub)(?:[ _-]?(?:url|link|me))?|(?:view|read)_in_browser(?:_url)?|web_?version(?:_?(?:url|link))?"
)
_OF = r"(?:recipient|subscriber|contact|user|member|person|customer|profile)s?[._]"
_NAME = rf"(?:(?:{_OF})?(?:{_PERSON}|{_WAY})|(?:recipient|subscriber|contact)\.[a-z_]+)"
_REST = r"\s*(?:[|,:=][^{}%\[\]<>\n]{0,60})?"
_TAG = re.compile(
    r"\*\|(?:[A-Z][A-Z0-9_]*:)?[A-Z][A-Z0-9_]*\|\*"
    rf"|\{{\{{\{{?\s*[$.@]?{_NAME}{_REST}\}}\}}\}}?"
    rf"|\{{\$\s*{_NAME}{_REST}\}}"
    rf"|\{{(?:{_WAY})\}}"
    rf"|%%{_NAME}%%|(?<![\w%])%{_NAME}%(?![\w%])"
    rf"|\[\[\s*{_NAME}{_REST}\]\]"
    rf"|\[(?:[FL]NAME|(?:FIRST|LAST)_?NAME|EMAIL_?ADDRESS|UNSUBSCRIBE(?:_URL)?|WEBVERSION)\]"
    rf"|<%=\s*@?{_NAME}\s*%>",
    re.IGNORECASE,
)
_CASED = re.compile(r"\*\|[^a-z]*\|\*|\[[^a-z\[\]]*\]|[^*\[].*|\[\[.*", re.DOTALL)
_WAYS = re.compile(_WAY, re.IGNORECASE)
_ABOUT = re.compile(
    r"templat|jinja|\bvue|mustache|handlebars|liquid|twig|django|angular|svelte|blade|\bhelm\b|ansible|interpolat"
    r"|placeholder|variable|merge tag|模板|插值|变量|變數|占位|テンプレート|変数",
    re.IGNORECASE,
)
_CODE = re.compile(r"<(code|kbd|pre|samp)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
Written = tuple[str, Callable[[int, int], Place]]


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the fields of plain text, then at each text and at the addresses in it; not at code."""
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
            if not any(
                each.span.line == span.line and each.span.column in range(span.column, span.end_column) for each in told
            ):
                yield _told(found[0], link.place)


def _written(text: Text) -> Iterator[Written]:
    yield from text.written
    for piece in text.raw:
        if piece.token.type == "html_block":
            yield _CODE.sub(lambda code: " " * len(code[0]), without_comments(piece.words)), piece.place


def _tags(words: str, place: Callable[[int, int], Place]) -> Iterator[Diagnostic]:
    for found in _TAG.finditer(words):
        if _CASED.fullmatch(found[0]):
            yield _told(found[0], place(found.start(), found.end()))


def _told(tag: str, place: Place) -> Diagnostic:
    message = say("{tag} is a merge tag of another tool: readers would get it as it is written", tag=shortened(tag))
    way = say("delete it: each message has links to unsubscribe and to its page")
    return CODE.at(
        place, message, help=way if _WAYS.search(tag) else say("write words for every reader, or put it in backticks")
    )
