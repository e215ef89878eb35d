"""The picture tells where it was taken."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.images import pictures
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("picture-tells-place", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look into the metadata of each picture."""
    for picture, place in pictures(context):
        if picture.located:
            message = say("the picture carries the coordinates of where it was taken")
            yield CODE.at(place, message, help=say("save it without location, then commit it"))
