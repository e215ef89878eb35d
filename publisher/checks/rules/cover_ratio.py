"""The cover is too tall or too flat."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("cover-ratio", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the cover alone."""
    for picture, place in pictures(context, cover_only=True):
        ratio = picture.width / picture.height
        if not 1.3 <= ratio <= 3.05:
            message = say(
                "the cover is {width} × {height} pixels, {ratio:.2f} to 1",
                width=picture.width,
                height=picture.height,
                ratio=ratio,
            )
            yield CODE.at(place, message, help=say("crop it to between 4:3 and 3:1"))
