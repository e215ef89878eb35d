"""What the search page's script looks through: the full text of every issue, a file a year.

Plain substrings find Chinese without a dictionary, and a page with ``default-src 'self'`` may run the script, as it may
not run a search engine in WebAssembly. A reader downloads it only when searching, the newest year first; one edit
changes one file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from publisher.edition.model import Edition, EditionItem
from publisher.site.archive import Group
from publisher.site.paths import issue_path

if TYPE_CHECKING:
    from publisher.site.words import SiteWords

_NOISE = re.compile(r"\s*[(<（]?https?://[^\s>)）]+[)>）]?|\s+")


def search_file(
    editions: Sequence[Edition], tags: Callable[[Edition], Sequence[Group]], words: Callable[[str], SiteWords]
) -> bytes:
    """``search/<year>.json``: the year's issues, the newest first, each with its items."""
    rows = [_row(edition, tags(edition), words(edition.language)) for edition in editions]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _row(edition: Edition, tags: Sequence[Group], words: SiteWords) -> dict[str, object]:
    return {
        "title": edition.title,
        "url": issue_path(edition.slug),
        "date": words.day(edition),
        "language": edition.language,
        **({"of": edition.translation_of} if edition.translation_of else {}),
        "tags": [tag.name for tag in tags],
        "items": [[story.anchor, story.headline, _text(story)] for story in edition.stories],
    }


def _text(story: EditionItem) -> str:
    """What of an item is worth finding: its words without addresses, on one line."""
    return _NOISE.sub(" ", story.text).strip()
