"""A picture in the text is fetched from another site.

## Why it matters

Somebody else can change or remove it after the message is in the inbox, and learns who opened the message and when.

## Example

    ![A chip at dusk](https://example.com/chip.jpg)

Save the picture to `images/` and write `![A chip at dusk](images/chip.jpg)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import elements
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.issue import codes
from publisher.issue.pictures import PictureFile, linked_picture

CODE = define("remote-image-in-text", Severity.WARNING, __doc__)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at ``![alt](path)`` and at ``<img>`` alike: each is there, in the repository, and has its words."""
    for text in context.texts:
        for spot in text.of("image"):
            yield from _fault(context, spot.place, str(spot.token.attrs.get("src", "")), spot.token.content)
        for fragment, place in text.html():
            for element in elements(fragment):
                if element.tag == "img":
                    where = place(element.start, element.end)
                    given = element.attributes
                    alt = "decoration" if given.get("alt") == "" else given.get("alt", "")  # alt="" says: not for ears
                    yield from _fault(context, where, given.get("src", ""), alt)


def _fault(context: Context, place: Place, source: str, alt: str) -> Iterator[Diagnostic]:
    if not alt.strip():
        message = "the picture has no alternative text"
        yield codes.IMAGE_WITHOUT_ALT.at(place, message, help="say what it shows: ![a chip at dusk](images/NAME)")
    if not source.strip():
        message = "the picture names no file: it has no src"
        yield codes.IMAGE_MISSING.at(place, message, help="save the picture to images/ and name it: images/NAME")
        return
    found = linked_picture(context.config.root, context.issue.folder, source)
    if not isinstance(found, PictureFile):
        code, message, advice = found
        yield (CODE if code is codes.IMAGE_REMOTE else code).at(place, message, help=advice)
