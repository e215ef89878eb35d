"""Links: valid URLs, anchors within the issue, link texts, tracking parameters."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from posixpath import join, normpath
from urllib.parse import quote, unquote

from markdown_it.common.normalize_url import normalizeLink

from publisher.checks.context import Context
from publisher.checks.rules.references import MEANT, is_words
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, listed, say
from publisher.issue.links import HIDDEN, fault_of_link, split
from publisher.issue.load import date_of_slug
from publisher.regex import regex

LINK_TO_FILE = define("link-to-file", Severity.ERROR)
MISSING_ANCHOR = define("link-to-missing-anchor", Severity.ERROR)
NAMES_ANOTHER = define("link-names-another", Severity.WARNING)
TRACKING = define("tracking-parameter", Severity.WARNING)
UNKNOWN_CLASS = define("unknown-class", Severity.WARNING)
VAGUE_TEXT = define("vague-link-text", Severity.WARNING)
_WITHIN = regex(r"(\.{0,2}/(?!/)|#).*", re.DOTALL)
"""URLs within the archive; others are checked by :func:`fault_of_link`."""
_FILE = regex(
    r"(?:\.{1,2}/|/issues/)?(?![^/?#]*:|/)[^?#]*\.(?:md|markdown|ya?ml)(?:[?#].*)?", re.DOTALL | re.IGNORECASE
)
"""Source file of an issue, as linked by an editor, without a host."""
_PICTURE = regex(r"(?:images/)?[^/:?#]+\.(?:png|jpe?g|gif|webp|avif|heic|svg)", re.IGNORECASE)
_VAGUE = {
    "click here", "here", "click", "link", "this link", "this", "read more", "more", "learn more", "details",
    "more info", "more information",
    "点击这里", "点击此处", "点这里", "点此", "这里", "此处", "戳这里",
    "链接", "原文链接", "详情", "查看详情", "查看更多", "点我", "阅读更多", "了解更多", "阅读全文", "阅读原文",
    "查看原文",
    "點擊這裡", "點擊此處", "這裡", "連結", "詳情",
    "こちら", "ここ", "ここをクリック", "こちらをクリック", "リンク", "詳細", "続きを読む",
}  # fmt: skip
_TRACKING = regex(
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|msclkid|yclid|igshid|igsh|twclid|ttclid|li_fat_id|mc_[ce]id|mkt_tok|_hs(enc|mi)"
    r"|vero_(id|conv)|oly_(anon|enc)_id|s_cid|wickedid|spm|scm|share_(token|source|from)|from_source|isappinstalled",
    re.IGNORECASE,
)
_LIKE_CLASS = regex(r"\{:?[ ]?(?:[.#][\w. #-]+|[a-z]+=[^{}\n]+)\}")
_CLASS = regex(rf"(!\[[^\[\]\n]*)?\]\((?:[^()\n]|\([^()\n]*\))*\)({_LIKE_CLASS.pattern})")
_HOST = regex(r"\s*https?://(?P<host>[\w-]+(?:\.[\w-]+)+)(?:[/?#:]\S*)?\s*", re.IGNORECASE)
_OWNER = regex(r"[^.]+\.(?:(?:ac|co|com|edu|go|gov|ltd|ne|net|or|org)\.[a-z]{2}|[^.]+)$")
_MOST = 60  # maximum of anchors listed in a finding
_TRIM = regex(r"^[\W_]+|[\W_]+$")


def check(context: Context) -> Iterator[Diagnostic]:
    """Check each link of the texts, and the query of every URL."""
    anchors = dict.fromkeys(item.anchor for item in context.issue.items)
    for text, link in ((one, link) for one in context.texts for link in one.parts.links):
        url = unquote(link.url)  # decode what the parser has encoded
        if _FILE.fullmatch(url):
            message = say("the link leads to a source file of an issue, which is not published")
            yield LINK_TO_FILE.at(link.place, message, help=_page_of(url, context))
        elif not _WITHIN.fullmatch(link.url) and (fault := fault_of_link(_as_written(link.url, text.prose.text))):
            better = _meant(url, link.words)
            advice = _written(better) if better else fault.help
            if is_words(url) and any(one["href"] == link.url for one in text.env.get("references", {}).values()):
                advice = MEANT
            yield fault.code.at(link.place, fault.message, help=advice)
        # An item that cannot be read may have the anchor.
        if context.whole and url.startswith("#") and url[1:] not in anchors:
            message = say("the issue has no anchor {url}", url=link.url if "\ufffd" in url else url)
            yield no_anchor(link.place, message, url[1:], list(anchors))
        if _TRIM.sub("", link.words).casefold() in _VAGUE:
            message = say("the link's text “{words}” does not say where it leads", words=link.words.strip())
            yield VAGUE_TEXT.at(link.place, message, help=say("make the words that name the target the link"))
        line = link.place.span.line
        if not link.words.strip() and all(picture.place.span.line != line for picture in text.parts.pictures):
            advice = _written(f"[…]({unquote(link.url)})")
            yield VAGUE_TEXT.at(link.place, say("the link has no words: readers would not see it"), help=advice)
        shown, led = _HOST.fullmatch(link.words), split(link.url)
        if shown and led and led.hostname and _site(shown["host"]) != _site(led.hostname):
            message = say("the link's text names {named}, but it leads to {led}", named=shown["host"], led=led.hostname)
            yield NAMES_ANOTHER.at(link.place, message, help=say("write the address that is meant in both places"))
    yield from _tracking(context)
    yield from _classes(context)


def no_anchor(place: Place, message: Sentence, anchor: str, known: Sequence[str]) -> Diagnostic:
    """Return the finding for a link to an anchor that is not among the ``known`` ones of an issue."""
    if near := get_close_matches(anchor, known, 1, 0.7):
        return MISSING_ANCHOR.at(place, message, help=say("write {words}", words=f"#{near[0]}"))
    named = listed([*known[:_MOST], *["…"][: len(known) > _MOST]])
    return MISSING_ANCHOR.at(place, message, help=say("the anchors are {anchors}", anchors=named))


def _site(host: str) -> str:
    """The registrable domain of a host in A-labels: two labels, or three under ``co.uk``, ``com.cn`` and the like."""
    host = (host if host.isascii() else normalizeLink(f"//{host}")[2:]).lower()
    return match[0] if (match := _OWNER.search(host)) else host


def _page_of(url: str, context: Context) -> Sentence:
    """The help for a link to a source file: the item's anchor in this issue, or the page of another issue."""
    issue = context.issue
    path = normpath(join("/", issue.folder, re.split("[?#]", url)[0])).rpartition("/issues/")[2]
    for item in issue.items:
        if item.anchor and item.places.path == f"issues/{path}":
            return _written(f"#{item.anchor}")
    slug, inside, _ = path.partition("/")
    if slug and inside and slug != issue.slug:
        return _written(f"../{slug}/")
    return say("write ../SLUG/ for an issue, #ANCHOR for an item of this one, https://… for a web address")


def _meant(url: str, words: str) -> str:
    """The probable meaning of a URL without scheme; empty if unknown."""
    if date_of_slug(url):
        return f"../{url.rstrip('/')}/"
    return f"![{words}]({url})" if _PICTURE.fullmatch(url) else ""


def _as_written(url: str, text: str) -> str:
    """The URL with the invisible characters of the text, which the parser has encoded."""
    for hidden in set(HIDDEN.findall(text)):
        url = url.replace(quote(hidden), hidden)
    return url


def _written(address: str) -> Sentence:
    return say("write {words}", words=address)


def _classes(context: Context) -> Iterator[Diagnostic]:
    for text in context.texts:
        if "){" not in text.prose.text:
            continue
        shown = {found for words, _ in text.plain() for found in _LIKE_CLASS.findall(words)}
        for number, line in enumerate(text.prose.lines):
            for found in _CLASS.finditer(line):
                if found[2] in shown and (found[1] or found[2] != "{.button}"):
                    message = say("{words} is not a class of a link: readers would see it", words=found[2])
                    advice = say("write {.button}, or delete it")
                    if found[1]:
                        message = say("a picture takes no {words}: readers would see it", words=found[2])
                        advice = say("delete it")
                    yield UNKNOWN_CLASS.at(text.prose.place(number, *found.span(2)), message, help=advice)


def _tracking(context: Context) -> Iterator[Diagnostic]:
    for link in context.links:
        parts = None if link.sponsored else split(link.url)  # invalid URLs have their own finding
        pairs = parts.query.split("&") if parts else []
        tracking = [name for name in (pair.partition("=")[0] for pair in pairs) if _TRACKING.fullmatch(unquote(name))]
        if parts and tracking:
            kept = "&".join(pair for pair in pairs if pair.partition("=")[0] not in tracking)
            clean = parts._replace(query=kept).geturl()
            message = say("the link carries trackers: {tracking}", tracking=listed(dict.fromkeys(tracking)))
            yield TRACKING.at(link.place, message, help=say("write {words}", words=clean))
