"""A picture in the text is fetched from another site."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.parts import PictureUse
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue import codes
from publisher.issue.pictures import PictureFile, linked_picture

CODE = define("remote-image-in-text", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at ``![alt](path)`` and at ``<img>`` alike: each is there, in the repository, and has its words."""
    for text in context.texts:
        for picture in text.parts.pictures:
            yield from _fault(context, picture)


def _fault(context: Context, picture: PictureUse) -> Iterator[Diagnostic]:
    place, source = picture.place, picture.source
    if picture.alt is None:
        message = say("the picture has no alternative text")
        yield codes.IMAGE_WITHOUT_ALT.at(place, message, help=say("say what it shows: ![a chip at dusk](images/NAME)"))
    if not source.strip():
        message = say("the picture names no file: it has no src")
        yield codes.IMAGE_MISSING.at(place, message, help=say("save the picture to images/ and name it: images/NAME"))
        return
    found = linked_picture(context.config.root, context.issue.folder, source)
    if not isinstance(found, PictureFile):
        code, message, advice = found
        yield (CODE if code is codes.IMAGE_REMOTE else code).at(place, message, help=advice)
