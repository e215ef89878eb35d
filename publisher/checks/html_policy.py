"""What raw HTML an author may write: one allow-list, used to report what is removed and to remove it.

Mail clients and the archive get the same elements. Nothing here can run, load a page, take input or position itself.
"""

from __future__ import annotations

_TAGS = (
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure"
    " h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub summary"
    " sup table tbody td tfoot th thead time tr u ul var wbr"
)
TAGS: frozenset[str] = frozenset(_TAGS.split())

ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": frozenset({"title", "lang", "dir"}),
    "a": frozenset({"href", "rel"}),
    "abbr": frozenset({"title"}),
    "blockquote": frozenset({"cite"}),
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "del": frozenset({"cite", "datetime"}),
    "details": frozenset({"open"}),
    "img": frozenset({"src", "alt", "width", "height"}),
    "ins": frozenset({"cite", "datetime"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"start", "reversed"}),
    "q": frozenset({"cite"}),
    "td": frozenset({"colspan", "rowspan", "align"}),
    "th": frozenset({"colspan", "rowspan", "scope", "align"}),
    "time": frozenset({"datetime"}),
}

SCHEMES: frozenset[str] = frozenset({"http", "https", "mailto", "tel"})
"""Where a link may lead."""

_ACTIVE = "script style iframe object embed applet noscript template svg math form textarea select title"
ACTIVE: frozenset[str] = frozenset(_ACTIVE.split())
"""Elements that are removed with everything in them."""
