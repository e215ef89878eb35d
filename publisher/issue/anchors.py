"""The part of a page's address that is one story's own: short, stable, unique in its issue."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

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


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(slug) <= MAX_LENGTH:
        return slug
    return slug[: MAX_LENGTH + 1].rpartition("-")[0] or slug[:MAX_LENGTH]
