"""The pictures of an issue, opened, each with the place that names it."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Place
from publisher.issue.pictures import Fault, PictureFile, linked_picture, picture_file


def pictures(context: Context, *, cover_only: bool = False) -> Iterator[tuple[PictureFile, Place]]:
    """Every picture of the issue that opens; what does not is another rule's finding."""
    for found, place in _named(context, cover_only):
        if isinstance(found, PictureFile):
            yield found, place


def _named(context: Context, cover_only: bool) -> Iterator[tuple[PictureFile | Fault, Place]]:
    issue, root = context.issue, context.config.root
    if issue.cover:
        yield picture_file(root, issue.folder, issue.cover.image), issue.places.of("cover", "image")
    if cover_only:
        return
    for item in issue.items:
        if item.image:
            yield picture_file(root, issue.folder, item.image.image), item.places.of("image", "image")
    for text in context.texts:
        for picture in text.parts.pictures:
            yield linked_picture(root, issue.folder, picture.source), picture.place
