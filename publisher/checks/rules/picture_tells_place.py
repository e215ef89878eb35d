"""The picture tells where it was taken.

## Why it matters

A photograph from a phone carries its coordinates, often those of somebody's home. The file is published as it is, and
anybody who saves it can read them.

## Example

A `cover.jpg` straight from a phone, with GPS coordinates in its EXIF data.

Save it without location: in most programs *export without metadata*, or `exiftool -gps:all= cover.jpg`.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("picture-tells-place", Severity.WARNING, __doc__)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look into the metadata of each picture."""
    for picture, place in pictures(context):
        if picture.located:
            message = "the picture carries the coordinates of where it was taken"
            yield CODE.at(place, message, help="save it without location, then commit it")
