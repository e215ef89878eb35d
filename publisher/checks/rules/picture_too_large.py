"""The picture is larger than any reader needs."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("picture-too-large", Severity.WARNING)
BYTES = 1_000_000
PIXELS = 2_560


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the bytes and pixels of each picture."""
    for picture, place in pictures(context):
        if picture.bytes > BYTES:
            message = say("the picture has {size:.1f} MB", size=picture.bytes / 1e6)
            yield CODE.at(place, message, help=say("scale it down, or save it as JPEG or WebP: below 1 MB"))
        elif max(picture.width, picture.height) > PIXELS:
            message = say("the picture has {width} × {height} pixels", width=picture.width, height=picture.height)
            yield CODE.at(place, message, help=say("scale it to {pixels} pixels or fewer", pixels=PIXELS))
