"""Allow-list for raw HTML, used both to remove other markup and to report it.

It is the same for email and archive. Allowed elements cannot run code, load a page, take input or position themselves.
"""

import re
from html.parser import HTMLParser
from typing import NamedTuple

from publisher.diagnostics import Code, Fault, Sentence, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.links import SCHEMES
from publisher.issue.markdown.tags import COMMENT, TAG, is_words

_TAGS = (
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure"
    " h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub summary"
    " sup table tbody td tfoot th thead time tr u ul var wbr"
)
TAGS: frozenset[str] = frozenset(_TAGS.split())

ATTRIBUTES: dict[str, frozenset[str]] = {element: frozenset(names.split()) for element, names in {
    "*": "title lang dir", "a": "href rel", "abbr": "title", "blockquote": "cite", "col": "span", "colgroup": "span",
    "del": "cite datetime", "details": "open", "img": "src alt width height", "ins": "cite datetime", "li": "value",
    "ol": "start reversed", "q": "cite", "td": "colspan rowspan align", "th": "colspan rowspan scope align",
    "time": "datetime",
}.items()}  # fmt: skip

_ACTIVE = "script style iframe object embed applet noframes noscript template svg math form textarea select title"
ACTIVE: frozenset[str] = frozenset(_ACTIVE.split())
"""Elements that are removed with their content."""
_RUNS = "script iframe object embed applet frame frameset svg math base meta link noscript template"
RUNS = frozenset(_RUNS.split())
"""Elements that run code, load code, or redirect the page."""
_URLS = frozenset({"href", "src", "cite", "action", "formaction", "xlink:href", "background", "poster", "srcset"})
_UNSEEN = frozenset({"target", "loading", "decoding", "fetchpriority", "referrerpolicy"})
"""Attributes that can be removed without visible effect."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_IGNORED_IN_SCHEMES = re.compile(r"[\x00-\x20]")

COMMENT_UNCLOSED = define("comment-unclosed", Severity.ERROR, fixed=True)
REMOVED_ACTIVE = define("removed-active-content", Severity.ERROR, fixed=True)
REMOVED_HTML = define("removed-html", Severity.WARNING)
TEXT_SWALLOWED = define("text-swallowed", Severity.ERROR, fixed=True)
_NOT_CLOSED = Fault(COMMENT_UNCLOSED, say("the comment that opens here is not closed"), say("write --> at its end"))
_SECTION = re.compile(r"<!\[cdata(?![-_.a-z0-9])", re.IGNORECASE)


class Removal(NamedTuple):
    """Markup that is removed. ``start`` and ``end`` are offsets in the fragment."""

    fault: Fault
    start: int
    end: int


def _fault(code: Code, what: Sentence, shows: str = "") -> Fault:
    """``shows``: the URL of the content that the reader would have seen."""
    link = say("write a link to it: [words]({url})", url=shows) if shows else None
    if code is REMOVED_ACTIVE:
        return Fault(code, say("{what} is active content, which is removed", what=what), link or say("delete it"))
    return Fault(code, say("{what} is not kept", what=what), link or say("use Markdown, or delete it"))


class _Scanner(HTMLParser):
    """Parses a fragment as browsers do, tag by tag."""

    def __init__(self, fragment: str) -> None:
        super().__init__(convert_charrefs=True)
        self.removals: list[Removal] = []
        self._starts = [0]
        for line in fragment.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._fragment = fragment
        self.feed(fragment)
        if self.rawdata.startswith("<"):  # unclosed markup
            start, (tag, _, lost) = len(fragment) - len(self.rawdata), self.rawdata.partition("\n")
            if tag.startswith("<!--"):
                self.removals.append(Removal(_NOT_CLOSED, start, start + 4))
            elif lost.strip():
                lost, close = shortened(" ".join(lost.split())), say("write &lt; for its <, or delete it")
                message = say("{tag} has no end, and swallows what follows: “{lost}”", tag=shortened(tag), lost=lost)
                self.removals.append(Removal(Fault(TEXT_SWALLOWED, message, close), start, start + len(tag)))
            else:
                self.removals.append(Removal(_fault(REMOVED_HTML, say("the tag without >")), start, len(fragment)))

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def _remove(self, what: Sentence, length: int, code: Code = REMOVED_HTML, shows: str = "") -> None:
        """Record the removal of ``length`` characters from the parser's position."""
        start = self._offset()
        self.removals.append(Removal(_fault(code, what, shows), start, start + length))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start, text = self._offset(), self.get_starttag_text() or ""
        if tag not in TAGS:
            kind = REMOVED_ACTIVE if tag in RUNS else REMOVED_HTML
            self._remove(say("<{tag}>", tag=tag), len(text), kind, _player(tag, attrs))
        written, at = text.lower(), 1 + len(tag)
        for name, value in attrs:
            at = max(written.find(name, at), at)
            if code := removed_attribute(tag, name, value or ""):
                fault = _fault(code, say("the attribute {name}", name=name))
                self.removals.append(Removal(fault, start + at, start + at + len(name)))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Parse CDATA; browsers treat other sections as comments, and the library fails on them."""
        read = super().parse_marked_section if _SECTION.match(self.rawdata, i) else self.parse_bogus_comment
        return read(i, report)

    def handle_decl(self, decl: str) -> None:
        self._remove(say("the declaration"), len(decl) + 3)

    def unknown_decl(self, data: str) -> None:
        words = shortened(data.partition("[")[2] or data)
        self._remove(say("the CDATA section with “{words}”", words=words), len(data) + 5)

    def handle_pi(self, data: str) -> None:
        self._remove(say("the processing instruction “{data}”", data=shortened(data)), len(data) + 3)

    def handle_comment(self, data: str) -> None:
        if not self._fragment.startswith("<!--", self._offset()):  # browsers parse unknown declarations as comments
            self._remove(say("the declaration “{data}”", data=shortened(data)), len(data) + 3)


def _player(tag: str, attributes: list[tuple[str, str | None]]) -> str:
    """The URL that a video, audio or frame element would have shown; empty if there is none."""
    if tag not in {"iframe", "embed", "video", "audio"}:
        return ""
    url = (dict(attributes).get("src") or "").strip()
    url = f"https:{url}" if url.startswith("//") else url
    return url if url.startswith(("https://", "http://")) and not re.search(r"[\s()<>]", url) else ""


def removed_attribute(tag: str, name: str, value: str) -> Code | None:
    """Return the code of the finding if an attribute is removed, otherwise None."""
    if name.startswith("on") or name in {"srcdoc", "formaction"}:
        return REMOVED_ACTIVE
    if name in _URLS and (tag, name) != ("img", "src"):  # pictures and links have their own rules
        match = _SCHEME.match(_IGNORED_IN_SCHEMES.sub("", value))
        if match and match[1].lower() in {"javascript", "vbscript", "data", "livescript", "mocha"}:
            return REMOVED_ACTIVE
        if match and match[1].lower() not in SCHEMES and (tag, name) != ("a", "href"):
            return REMOVED_HTML
    if tag in TAGS and name not in ATTRIBUTES["*"] | ATTRIBUTES.get(tag, frozenset()) | _UNSEEN:
        return REMOVED_HTML
    return None


def removals(fragment: str) -> list[Removal]:
    """Return the parts that are removed from a fragment of raw HTML."""
    return _Scanner(TAG.sub(lambda tag: f"‹{tag[0][1:]}" if is_words(tag) else tag[0], fragment)).removals


def without_comments(fragment: str) -> str:
    """Replace comments by spaces."""
    return COMMENT.sub(lambda comment: " " * len(comment[0]), fragment)
