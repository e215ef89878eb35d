"""Requirements for both parts of an email: a structure that screen readers can follow, no unfilled slot, and in the
text part every headline, every link and the unsubscribe link.
"""

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.footer import footer
from publisher.edition.gates.stylesheet import tree
from publisher.edition.markdown.raw_text import readable
from publisher.edition.model import Edition, Slot, Slotted
from publisher.language import Locale

INACCESSIBLE = define("inaccessible-structure", Severity.ERROR)
SLOT_LEFT = define("slot-left", Severity.ERROR, fixed=True)
TEXT_INCOMPLETE = define("text-part-incomplete", Severity.ERROR)
NO_WAY_OUT = define("no-way-out", Severity.ERROR, fixed=True)
_SAME = say("write it in the theme's email/issue.txt.j2 or email/_footer.txt.j2 too: both parts say the same")
_MARKER = re.compile(r"slot[0-9a-f]{40}", re.IGNORECASE)


def check(edition: Edition, config: Config, html: str, place: Place) -> Iterator[Diagnostic]:
    """Check the structure of the HTML part, whose text is ``html``, and look for slot markers left in both parts."""
    own = footer(config, Locale.of(edition.language, config.labels))
    authored = f"{edition.web}{own.html if own else ''}"
    written = len(_bare_tables(LexborHTMLParser(authored))) if "<table" in authored else 0
    yield from find(html, place, written)
    for name, text in (("HTML", html), (say("text"), edition.text.fill(lambda _: ""))):
        if b"slot" in text.encode("utf-8", "surrogatepass").lower() and _MARKER.search(text):
            message = say("a slot in the {name} part was not recognised", name=name)
            yield SLOT_LEFT.at(place, message, help=say("use slots without filters"))


def find(html: str, place: Place, written: int = 0) -> Iterator[Diagnostic]:
    """Yield findings for an email's HTML. ``written``: number of the author's tables without role or header cells."""
    email = tree(html)
    root = email.root
    attributes = root.attributes if root is not None else {}
    faults = [say("<html> has no {name}", name=name) for name in ("lang", "dir") if not attributes.get(name)]
    sources = [picture.attributes.get("src") or "<img>" for picture in email.css("img:not([alt])")[:3]]
    faults += [say("the picture {source} has no alt", source=source) for source in sources]
    if len(_bare_tables(email)) > written:
        faults.append(say("a layout table has no role=presentation"))
    if (count := len(email.css("h1"))) != 1:
        faults.append(say("there are {count} headings of level 1, and there has to be one", count=count))
    for fault in faults:
        yield INACCESSIBLE.at(place, fault, help=say("put it back into the theme's template"))


def _bare_tables(html: LexborHTMLParser) -> list[LexborNode]:
    """Tables with neither a ``role`` nor header cells."""
    return [table for table in html.css("table:not([role])") if not table.css("th")]


def differences(html: Slotted, text: Slotted, headlines: Iterable[str], place: Place) -> Iterator[Diagnostic]:
    """Yield findings for unsubscribe links, headlines and links that a part lacks."""
    for part, name in ((html, "HTML"), (text, say("text"))):
        if Slot.UNSUBSCRIBE_URL not in part.slots:
            message = say("the {name} part has no unsubscribe link", name=name)
            yield NO_WAY_OUT.at(place, message, help=say("put slots.unsubscribe_url into the theme's template"))
    plain = text.fill(lambda _: "#")
    heads = {_letters(headline): headline for headline in headlines}
    for head in _lacking(heads, _letters(plain)):
        message = say("the text part lacks the headline “{headline}”", headline=heads[head][:40])
        yield TEXT_INCOMPLETE.at(place, message, help=_SAME)
    for url in _lacking(dict.fromkeys(_links(html.fill(lambda _: "#"))), plain):
        if readable(url) not in plain:
            yield TEXT_INCOMPLETE.at(place, say("the text part lacks the link {url}", url=url), help=_SAME)


def _letters(text: str) -> str:
    """A text without white space and direction marks."""
    return "".join(text.split()).replace("\u200e", "").replace("\u200f", "")


def _lacking(parts: Iterable[str], text: str) -> Iterator[str]:
    """Yield the ``parts`` not found in the text. They are mostly in order: each search starts at the previous match."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            found = text.find(part, 0, at + len(part))
        if found < 0:
            yield part
        else:
            at = found


def _links(html: str) -> list[str]:
    """The web and mail addresses of the links in the HTML, in order."""
    return [
        href.removeprefix("mailto:")
        for node in tree(html).css("a[href]")
        if (href := node.attributes.get("href") or "").startswith(("http://", "https://", "mailto:"))
    ]
