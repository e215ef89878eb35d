"""The picture is larger than any reader needs."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("picture-too-large", Severity.WARNING)
BYTES = 1_000_000
PIXELS = 2_560


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the bytes and pixels of each picture."""
    for picture, place in pictures(context):
        if picture.bytes > BYTES:
            message = f"the picture has {picture.bytes / 1e6:.1f} MB"
            yield CODE.at(place, message, help="scale it down, or save it as JPEG or WebP: below 1 MB")
        elif max(picture.width, picture.height) > PIXELS:
            message = f"the picture has {picture.width} × {picture.height} pixels"
            yield CODE.at(place, message, help=f"scale it to {PIXELS} pixels or fewer")
