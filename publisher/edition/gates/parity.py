"""The text part says what the HTML part says: every headline, every link, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from selectolax.lexbor import LexborHTMLParser

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.model import Edition, Slot, Slotted
from publisher.issue.model import Issue

TEXT_INCOMPLETE = define("text-part-incomplete", Severity.ERROR)
NO_WAY_OUT = define("no-way-out", Severity.ERROR, fixed=True)
_SAME = say("take it out of the theme's email templates, or write it in an issue: both parts say the same")
_SPACE = re.compile(r"\s+")


def check(edition: Edition, issue: Issue, _config: Config) -> list[Diagnostic]:
    """Findings where the parts of an edition differ."""
    return find(
        edition.html, edition.text, [item.headline for item in issue.items[: edition.mailed]], issue.places.of()
    )


def find(html: Slotted, text: Slotted, headlines: Iterable[str], place: Place) -> list[Diagnostic]:
    """Findings where the two parts differ."""
    found = []
    for part, name in ((html, "HTML"), (text, say("text"))):
        if Slot.UNSUBSCRIBE_URL not in part.slots:
            found.append(
                NO_WAY_OUT.at(
                    place,
                    say("the {name} part has no unsubscribe link", name=name),
                    help=say("put slots.unsubscribe_url into the theme's template"),
                )
            )
    plain = text.fill(lambda _: "")
    packed = _SPACE.sub("", plain)
    found += [
        TEXT_INCOMPLETE.at(
            place, say("the text part lacks the headline “{headline}”", headline=headline[:40]), help=_SAME
        )
        for headline in headlines
        if _SPACE.sub("", headline) not in packed
    ]
    markup = html.fill(lambda _: "")
    found += [
        TEXT_INCOMPLETE.at(place, say("the text part lacks the link {url}", url=url), help=_SAME)
        for url in dict.fromkeys(_links(markup))
        if url not in plain
    ]
    return found


def _links(html: str) -> list[str]:
    """The web and mail addresses that the HTML links to, in order."""
    return [
        href.removeprefix("mailto:")
        for node in LexborHTMLParser(html).css("a[href]")
        if (href := node.attributes.get("href") or "").startswith(("http://", "https://", "mailto:"))
    ]
