"""The issues before one: what ``theme.parts.previous`` lists in mail. Only the heads of the others are read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from publisher.config import Config
from publisher.edition.brand import Brand
from publisher.issue.folder import ISSUES
from publisher.issue.translations import head_of
from publisher.language.tags import canonical

LISTED = 3


class Head(NamedTuple):
    """What a list needs of an issue."""

    day: date
    slug: str
    title: str
    language: str
    ready: bool


Heads = Mapping[str, Head]
"""The heads of a newsletter's issues by slug."""


def heads_of(config: Config) -> Heads:
    """The heads of all issues; none where the theme lists no previous issues."""
    if not Brand.of(config).parts.get("previous"):
        return {}
    with suppress(OSError):
        names = os.listdir(config.root / ISSUES)  # noqa: PTH208 - thousands of names
        return {name: head for name in names if (head := _head(config, name))}
    return {}


def listed(heads: Heads, slug: str) -> tuple[Head, ...]:
    """The last issues of an earlier day in the language of ``slug`` that are ready, newest first: an edition follows
    from them.
    """
    own = heads.get(slug)
    before = [one for one in heads.values() if own and one.ready and one.day < own.day and one.language == own.language]
    return tuple(sorted(before, reverse=True)[:LISTED])


def _head(config: Config, slug: str) -> Head | None:
    for name in ("issue.yaml", "issue.yml"):
        with suppress(OSError):
            status = (config.root / ISSUES / slug / name).stat()
            return _read(config.root, slug, name, config.newsletter.language, status.st_mtime_ns, status.st_size)
    return None


@cache
def _read(root: Path, slug: str, name: str, language: str, *_state: int) -> Head | None:
    texts = head_of(root, f"{ISSUES}/{slug}/{name}")
    own = texts.get("language") or language
    with suppress(KeyError, ValueError):  # an issue that is not whole is told of elsewhere
        day, title = date.fromisoformat(texts["date"]), " ".join(texts["title"].split())
        return Head(day, slug, title, canonical(own) or own, texts.get("status") == "ready")
    return None
