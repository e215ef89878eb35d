"""The picture is larger than any reader needs.

## Why it matters

It is fetched by every reader who opens the message, many of them on a phone and by the megabyte. Shown 640 px wide, a
picture is sharp on every screen at 1,280 px; 2,560 px and 1 MB leave room for the archive.

## Example

A photograph of 6,000 × 4,000 pixels, 8 MB, as it left the camera.

Scale it to 1,280 to 2,560 px and save it as JPEG or WebP.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("picture-too-large", Severity.WARNING, __doc__)
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
