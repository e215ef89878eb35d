"""The text part says what the HTML part says: every headline, every link, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.gates.stylesheet import tree
from publisher.edition.model import Slot, Slotted

TEXT_INCOMPLETE = define("text-part-incomplete", Severity.ERROR)
NO_WAY_OUT = define("no-way-out", Severity.ERROR, fixed=True)
_SAME = say("write it in the theme's email/issue.txt.j2 or email/_footer.txt.j2 too: both parts say the same")


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
    plain = text.fill(lambda _: "#")
    packed = "".join(plain.split())
    heads = {"".join(headline.split()): headline for headline in headlines}
    found += [
        TEXT_INCOMPLETE.at(
            place, say("the text part lacks the headline “{headline}”", headline=heads[head][:40]), help=_SAME
        )
        for head in _lacking(heads, packed)
    ]
    markup = html.fill(lambda _: "#")
    found += [
        TEXT_INCOMPLETE.at(place, say("the text part lacks the link {url}", url=url), help=_SAME)
        for url in _lacking(dict.fromkeys(_links(markup)), plain)
    ]
    return found


def _lacking(parts: Iterable[str], text: str) -> Iterator[str]:
    """Those of ``parts`` that the text lacks. They mostly follow each other: each is looked for from the last on."""
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
    """The web and mail addresses that the HTML links to, in order."""
    return [
        href.removeprefix("mailto:")
        for node in tree(html).css("a[href]")
        if (href := node.attributes.get("href") or "").startswith(("http://", "https://", "mailto:"))
    ]
