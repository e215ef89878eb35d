"""The part of a page's address that is one story's own: short, stable, unique in its issue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from publisher.issue.model import Item

MAX_LENGTH = 60
_ORDERING = re.compile(r"^\d{1,3}[-_. ]+")
_HAN_OR_KANA = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]")


def anchor_of_file(name: str, position: int) -> str:
    """From the file's name without its ordering number: ``01-openai-pbc.md`` → ``openai-pbc``."""
    stem = PurePosixPath(name).stem
    return _slug(_ORDERING.sub("", stem, count=1)) or f"item-{position}"


def anchor_of_headline(headline: str, position: int) -> str:
    """From a Latin headline; a Chinese one gives ``item-N``, for its position (from 1)."""
    if _HAN_OR_KANA.search(headline):
        return f"item-{position}"
    return _slug(headline) or f"item-{position}"


def numbered_anchors(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items, with anchors that nobody wrote numbered where another item has the same: ``openai``, ``openai-2``."""
    taken = {item.anchor for item in items if ("anchor",) in item.places.values}
    numbers: dict[str, int] = {}  # of each anchor, the last number given, so that many alike cost no search
    numbered = []
    for item in items:
        if ("anchor",) not in item.places.values:
            anchor, number = item.anchor, numbers.get(item.anchor, 1)
            while anchor in taken:
                number += 1
                anchor = f"{item.anchor}-{number}"
            numbers[item.anchor] = number
            taken.add(anchor)
            item = replace(item, anchor=anchor) if anchor != item.anchor else item
        numbered.append(item)
    return tuple(numbered)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(slug) <= MAX_LENGTH:
        return slug
    return slug[: MAX_LENGTH + 1].rpartition("-")[0] or slug[:MAX_LENGTH]
