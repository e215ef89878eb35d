"""What the search page's script looks through: the full text of every issue, a file a year.

Plain substrings find Chinese without a dictionary, and a page with ``default-src 'self'`` may run the script, as it may
not run a search engine in WebAssembly. A reader downloads it only when searching, the newest year first; one edit
changes one file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from publisher.edition.model import Edition, EditionItem
from publisher.site.archive import Archive
from publisher.site.model import SiteFile
from publisher.site.paths import issue_path
from publisher.site.words import SiteWords

_NOISE = re.compile(r"\s*[(<（]?https?://[^\s>)）]+[)>）]?|\s+")


def search_files(archive: Archive, words: Callable[[str], SiteWords]) -> Iterator[SiteFile]:
    """``search/<year>.json``: its issues, the newest first, each with its items."""
    for year, editions in archive.years:
        rows = [_row(edition, archive, words(edition.language)) for edition in editions]
        text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        yield SiteFile(f"search/{year}.json", text.encode("utf-8", "replace") + b"\n")


def _row(edition: Edition, archive: Archive, words: SiteWords) -> dict[str, object]:
    return {
        "title": edition.title,
        "url": issue_path(edition.slug),
        "date": words.day(edition),
        "language": edition.language,
        "tags": [tag.name for tag in archive.tags_of(edition)],
        "items": [[story.anchor, story.headline, _text(story)] for story in edition.stories],
    }


def _text(story: EditionItem) -> str:
    """What of an item is worth finding: its words without addresses, on one line."""
    return _NOISE.sub(" ", story.text).strip()
