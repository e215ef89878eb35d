"""Links of the email whose clicks are counted (``newsletter.tracking: clicks``). No link identifies a recipient.

Pages, plain text, previews and gates keep the original addresses; only the HTML that is mailed has the counted ones.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from itertools import count

from publisher.config import Config
from publisher.edition.model import CountedLinks, Slotted
from publisher.issue.folder import SERIES

_LINK = re.compile(r"""(<a\s(?:[^>"]|"[^"]*")*?\bhref=")(https?://[^"]+)(?=")""", re.IGNORECASE)


def links_of(html: Slotted, config: Config, slug: str, known: Iterable[tuple[int, str]] = ()) -> CountedLinks | None:
    """Return the links to web pages in the order of the HTML; None if clicks are not counted.

    The link to subscribe is left out: it is for people to whom the email was forwarded. ``known`` are the links of
    the preceding variants: a number stands for the same address in every variant.
    """
    if config.newsletter.tracking == "off" or slug.startswith(f"{SERIES}/"):
        return None  # a step of a series has no page in the archive, under which its links could be published
    service, free = config.service.url, dict(known)
    fresh, links = count(len(free) + 1), []
    for link in (link for part in html.parts if type(part) is str for link in _LINK.finditer(part)):
        if (target := unescape(link[2])).partition("?")[0] != f"{service}subscribe":
            number = next((number for number, to in free.items() if to == target), None) or next(fresh)
            free.pop(number, None)
            links.append((number, target))
    return CountedLinks(f"{service or config.newsletter.url}r/{slug}/", tuple(links))


def counted(html: Slotted, clicks: CountedLinks | None) -> Slotted:
    """Return the HTML with counted links, as it is mailed."""
    if clicks is None:
        return html
    left = list(clicks.links)

    def number(link: re.Match[str]) -> str:
        if not left or unescape(link[2]) != left[0][1]:
            return link[0]
        return f"{link[1]}{escape(clicks.base)}{left.pop(0)[0]}"

    return Slotted(tuple(_LINK.sub(number, part) if type(part) is str else part for part in html.parts))
