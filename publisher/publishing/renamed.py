"""An issue that was mailed and whose folder bears another name now: to the ledger, which goes by names, it is new.

Whether what readers had of an issue that is gone from the repository stands in one that is due is asked of the texts:
the content as it was then, to the letter, or most sentences of the letter that was frozen, for a name and a headline
are often changed in one commit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import Connection

from publisher.delivery import mailings
from publisher.edition.model import Edition
from publisher.publishing.store import Publication

RECENT = timedelta(days=31)
"""Letters older than this are not read: who prunes old issues would read them all, at each run."""
_MOST = 0.5  # of the letters of all its sentences
_SHORTEST = 8  # letters; shorter ones stand in any issue
_SENTENCES = re.compile(r"[\n。！？!?]|\.\s")
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Gone:
    """What readers had of an issue that is no longer there: the content, where it is known; the letter's letters."""

    slug: str
    content: str | None
    letter: str = ""


def mailed_and_gone(
    connection: Connection, publications: Mapping[str, Publication], here: Sequence[str]
) -> tuple[Gone, ...]:
    """The issues that somebody may have been mailed and that are not among those ``here``, the newest mailing first."""
    known, since, gone = set(here), datetime.now(UTC) - RECENT, []
    for one in sorted(mailings.every_newest(connection), key=lambda mailing: mailing.id, reverse=True):
        if one.slug in known or "/" in one.slug or not one.audience:
            continue  # a step, or a month's edition, is no folder of issues/
        html = str(mailings.letter_of(connection, one.id).html) if one.frozen_at > since else ""
        body = LexborHTMLParser(html).body
        content = found.mailed_content if (found := publications.get(one.slug)) else None
        gone.append(Gone(one.slug, content, _letters(body.text()) if body else ""))
    return tuple(gone)


def mailed_as(edition: Edition, content: str, gone: Sequence[Gone]) -> str | None:
    """The issue under whose name readers had this one."""
    sentences = [] if all(one.content == content or not one.letter for one in gone) else list(_sentences(edition))
    most = _MOST * sum(map(len, sentences))
    for one in gone:
        if one.content == content or 0 < most <= sum(len(words) for words in sentences if words in one.letter):
            return one.slug
    return None


def _sentences(edition: Edition) -> Iterator[str]:
    for story in edition.stories[: edition.mailed]:
        for words in map(_letters, (story.headline, *_SENTENCES.split(story.text))):
            if len(words) >= _SHORTEST:
                yield words


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", text).casefold())
