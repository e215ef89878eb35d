"""The alternative text is a file's name, or says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Place, Severity, define, say

CODE = define("alt-is-file-name", Severity.WARNING)
_FILE = re.compile(r"\S+\.(png|jpe?g|gif|webp|avif|svg|heic|bmp|tiff?)", re.IGNORECASE)
_CAMERA = re.compile(r"(img|dsc|dscn|pict|photo|image|screenshot|mmexport|wechatimg|微信图片)[ _-]?\d+", re.IGNORECASE)
_NOTHING = {
    "image",
    "picture",
    "photo",
    "cover",
    "logo",
    "img",
    "图片",
    "圖片",
    "图",
    "封面",
    "配图",
    "照片",
    "画像",
    "写真",
}


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the words of every picture."""
    for alt, image, place in _pictures(context):
        said = alt.strip()
        stem = PurePosixPath(image).stem
        if _FILE.fullmatch(said) or _CAMERA.fullmatch(said) or said.casefold() in _NOTHING or (said and said == stem):
            yield CODE.at(
                place,
                say("the alternative text “{said}” does not say what the picture shows", said=said),
                help=say("describe it"),
            )


def _pictures(context: Context) -> Iterator[tuple[str, str, Place]]:
    issue = context.issue
    if issue.cover:
        yield issue.cover.alt, issue.cover.image, issue.places.of("cover", "alt")
    for item in issue.items:
        if item.image:
            yield item.image.alt, item.image.image, item.places.of("image", "alt")
    for text in context.texts:
        for picture in text.parts.pictures:
            yield picture.alt or "", picture.source, picture.place
