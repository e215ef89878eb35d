"""The cover is too tall or too flat.

## Why it matters

The cover fills the width of a phone: one that is taller than wide pushes the issue off the screen, and one that is
flatter than 3 to 1 shows nothing. Shared links crop it to about 1.91 to 1.

## Example

A screenshot of a phone, 1,170 × 2,532 pixels, as `cover`.

Crop it to between 4:3 and 3:1; 1.91:1 suits every place it is shown in.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("cover-ratio", Severity.WARNING, __doc__)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the cover alone."""
    for picture, place in pictures(context, cover_only=True):
        ratio = picture.width / picture.height
        if not 1.3 <= ratio <= 3.05:
            message = f"the cover is {picture.width} × {picture.height} pixels, {ratio:.2f} to 1"
            yield CODE.at(place, message, help="crop it to between 4:3 and 3:1")
