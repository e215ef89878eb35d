"""The texts of an issue to fill in: ``publisher new`` writes them, a ready issue may not keep them."""

from __future__ import annotations

import re

from publisher.language import Locale
from publisher.language.locale import every

ITEM = "01-first-story.md"
PLACEHOLDERS = ("title", "intro", "point", "headline", "body", "commentary")
"""The words of the starter that an editor replaces; the others stand in comments."""
_ISSUE = """\
# yaml-language-server: $schema=../../schema/issue.json
title: {title}
date: {date}
{number}status: draft # {on_status}
# publish_at: {date}T08:00:00 # {on_publish_at}
# subject: {on_subject}
# preheader: {on_preheader}
# authors: [{authors}]
# tags: [weekly]
# cover: {image: images/cover.jpg, alt: {cover_alt}, caption: {cover_caption}, credit: {cover_credit}}

intro: |
  {intro}

key_points:
  - {point}

# {on_order}
# items:
#   - 01-first-story.md
"""
_ITEM = """\
---
headline: {headline}
# source: {name: {source_name}, url: https://example.com/}
# tags: [{item_tag}]
---
{body}

::: commentary
{commentary}
:::
"""


def starter_files(locale: Locale, date: str, number: int | None) -> dict[str, str]:
    """The files of a new issue, by name. ``date`` as ``2024-12-29``."""
    given = {"date": date, "number": f"number: {number}\n" if number is not None else ""}

    def word(place: re.Match[str]) -> str:
        return given[place[1]] if place[1] in given else locale.word("starter", place[1])

    return {name: re.sub(r"\{(\w+)\}", word, text) for name, text in (("issue.yaml", _ISSUE), (ITEM, _ITEM))}


def placeholders() -> tuple[str, ...]:
    """Every text that an editor is to replace, in every language."""
    return tuple(text for name in PLACEHOLDERS for text in every("starter", name))
