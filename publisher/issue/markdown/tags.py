"""Angle brackets that are not HTML: ``Vec<T>``, ``<branch-name>``, ``a<b and c>d`` are kept as text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from html import unescape
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_NAMES = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br button"
    " canvas caption center cite code col colgroup content data datalist dd del details dfn dialog dir div dl dt"
    " element em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup"
    " hr html i iframe image img input ins isindex kbd keygen label legend li link main map mark marquee math menu"
    " menuitem meta meter multicol nav nobr noframes noscript object ol optgroup option output p param picture pre"
    " progress q rb rp rt rtc ruby s samp script search section select shadow slot small source spacer span strike"
    " strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var"
    " video wbr"
)
_ELEMENTS = frozenset(_NAMES.split())
_DIVIDE = (
    "address article aside body center dialog dir fieldset footer head header hgroup html legend main menu nav"
    " optgroup option search"
)
DIVISIONS = frozenset(_DIVIDE.split())
"""Elements that begin a new line and are not kept: each becomes a ``div``, so that words on both sides stay apart."""
_NO_VALUE = (
    "alt allowfullscreen async autofocus autoplay checked compact controls default defer disabled download hidden"
    " inert ismap itemscope loop multiple muted noshade novalidate nowrap open playsinline readonly required reversed"
    " selected"
)
_ALONE = "br col dd dt hr img input li option p tbody td tfoot th thead tr wbr"  # void, or closed implicitly
NOT_NESTED = frozenset(_ALONE.split())
_VALUELESS = frozenset(_NO_VALUE.split())
TAG = re.compile(r"""</?(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<attributes>(?:\s(?:[^<>"']|"[^"<>]*"|'[^'<>]*')*)?)/?>""")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
HEADING = re.compile("h[1-6]")
_RAW = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]*(?::[a-zA-Z0-9]+)?)(?P<rest>(?:[\s/](?:[^<>"']|"[^"]*"|'[^']*')*)?)>|<!--.*?(?:-->|\Z)""",
    re.DOTALL | re.ASCII,
)
_ATTRIBUTE = re.compile(r"""([a-zA-Z][a-zA-Z0-9:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""", re.ASCII)
# ``&copy=2`` in an attribute is unchanged: a name without semicolon is decoded only at the end (HTML, 13.2.5.73).
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*)(?:;|(?![=a-zA-Z0-9]))")
WITH_COLON = re.compile(
    r"</?(?!(?:https?|mailto|tel|data|file|javascript|vbscript):)[a-z][\w.+-]*:(?!//|\s)[^<>@]*>",
    re.IGNORECASE | re.ASCII,
)
"""A name in brackets that is no address: ``<std::string>``, ``<o:p>``."""
_LONG = 100  # characters; shorter HTML is usually one tag that several callers parse, so it is cached
_QUOTED = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")  # does not occur in a sentence
_VALUE = re.compile(r"""(?<!\s)\s*=\s*[^\s"']+""")


def is_words(tag: re.Match[str]) -> bool:
    """Whether an apparent tag is text: no element has that name, or its attributes are words."""
    return _says(tag["name"].lower(), tag["attributes"].rstrip("/ \t\n"))


@lru_cache(maxsize=1024)
def _says(name: str, attributes: str) -> bool:
    if name not in _ELEMENTS:
        return True
    if _QUOTED.search(attributes):
        return False
    bare = _VALUE.sub("=", attributes).lower().split() if attributes else ()
    return any(word not in _VALUELESS and not word.endswith("=") and not word.startswith("data-") for word in bare)


class RawTag(NamedTuple):
    """Tag of raw HTML, with names in lower case and decoded values. Offsets are relative to the fragment."""

    name: str
    closing: bool
    attributes: dict[str, str]
    start: int
    end: int


def raw_tags(html: str) -> Iterable[RawTag]:
    """The tags of raw HTML outside of comments, in order, without words in angle brackets."""
    return _known_tags(html) if len(html) < _LONG else _raw_tags(html)


@lru_cache(maxsize=1024)
def _known_tags(html: str) -> tuple[RawTag, ...]:
    return tuple(_raw_tags(html))


def _raw_tags(html: str) -> Iterator[RawTag]:
    for tag in _RAW.finditer(html):
        if tag["name"] and not ((words := TAG.fullmatch(tag[0])) and is_words(words)):
            attributes: dict[str, str] = {}
            for name, *values in _ATTRIBUTE.findall(tag["rest"]):
                attributes.setdefault(name.lower(), _ENTITY.sub(lambda entity: unescape(entity[0]), "".join(values)))
            yield RawTag(tag["name"].lower(), bool(tag["end"]), attributes, tag.start(), tag.end())


def shallow(html: str, most: int) -> str:
    """Remove the tags of elements nested deeper than ``most``: nesting takes the HTML parser quadratic time."""
    depth = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth
        if not tag["name"] or tag["name"].lower() in NOT_NESTED:
            return tag[0]
        before, depth = depth, max(0, depth + (-1 if tag["end"] else 1))
        return tag[0] if max(before, depth) <= most else ""

    return _RAW.sub(kept, html)


def deepest(tokens: Sequence[Token]) -> int:
    """The line, from 0, with the deepest nesting of raw HTML."""
    depth = most = found = 0
    for block in tokens:
        for token in block.children or (block,):
            for tag in raw_tags(token.content) if token.type in {"html_inline", "html_block"} else ():
                depth += 0 if tag.name in NOT_NESTED else -1 if tag.closing else 1
                if depth > most:
                    before = block.content if token.type == "html_inline" else token.content
                    at = token.meta["at"][0] if token.type == "html_inline" else tag.start
                    most, found = depth, (block.map or [0])[0] + before.count("\n", 0, at)
    return found


def escaped(html: str) -> str:
    """Escape the angle brackets of words in raw HTML."""
    return TAG.sub(lambda tag: f"&lt;{tag[0][1:]}" if is_words(tag) else tag[0], html)


def tags_plugin(md: MarkdownIt) -> None:
    """Keep words in angle brackets as text."""
    autolink = next(rule.fn for rule in md.inline.ruler.__rules__ if rule.name == "autolink")
    inline = next(rule.fn for rule in md.inline.ruler.__rules__ if rule.name == "html_inline")
    at = next(rule for rule in md.block.ruler.__rules__ if rule.name == "html_block")
    block, alternatives = at.fn, at.alt

    def html_inline(state: StateInline, silent: bool) -> bool:
        tag = TAG.match(state.src, state.pos) if state.src[state.pos] == "<" else None
        return not (tag and is_words(tag)) and bool(inline(state, silent))

    def html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
        tag = TAG.match(line) if line.startswith("<") else None
        return not (tag and is_words(tag)) and bool(block(state, start, end, silent))

    def address(state: StateInline, silent: bool) -> bool:
        return not WITH_COLON.match(state.src, state.pos) and bool(autolink(state, silent))

    md.inline.ruler.at("autolink", address)
    md.inline.ruler.at("html_inline", html_inline)
    md.block.ruler.at("html_block", html_block, {"alt": alternatives})
