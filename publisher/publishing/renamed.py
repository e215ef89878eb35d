"""An issue that was mailed and whose folder bears another name now: to the ledger, which goes by names, it is new.

Whether what readers had of an issue that is gone from the repository stands in one that is due is asked of the texts:
the content as it was then, to the letter, or most sentences of the letter that was frozen, for a name and a headline
are often changed in one commit. What stands in several letters, a greeting or a sponsor's words, tells nothing.
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
from publisher.delivery.mailings import Mailing
from publisher.edition.model import Edition
from publisher.publishing.store import Publication

RECENT = timedelta(days=31)
"""Letters older than this are not read: who prunes old issues would read them all, at each run."""
_MOST = 0.5  # of the letters of its sentences
_BESIDE = 5  # letters of issues that are still there, to know what newsletters repeat
_SHORTEST = 8  # letters; shorter ones stand in any issue
_SENTENCES = re.compile(r"[\n。！？!?]|\.\s")
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Gone:
    """What readers had of an issue that is no longer there: the content, where it is known; the letter's letters."""

    slug: str
    content: str | None
    letter: str = ""
    still_here: bool = False  # after all: its letter is one more to compare with


def mailed_and_gone(
    connection: Connection, publications: Mapping[str, Publication], here: Sequence[str]
) -> tuple[Gone, ...]:
    """The issues that somebody may have been mailed and that are not among those ``here``, the newest mailing first."""
    known, since, gone, beside = set(here), datetime.now(UTC) - RECENT, list[Gone](), list[Mailing]()
    for one in sorted(mailings.every_newest(connection), key=lambda mailing: mailing.id, reverse=True):
        if "/" in one.slug or not one.audience:
            continue  # a step, or a month's edition, is no folder of issues/
        if one.slug in known:
            beside.append(one)
            continue
        content = found.mailed_content if (found := publications.get(one.slug)) else None
        gone.append(Gone(one.slug, content, _letter(connection, one) if one.frozen_at > since else ""))
    if any(one.letter for one in gone):
        gone += [Gone(one.slug, None, _letter(connection, one), still_here=True) for one in beside[:_BESIDE]]
    return tuple(gone)


def _letter(connection: Connection, mailing: Mailing) -> str:
    body = LexborHTMLParser(str(mailings.letter_of(connection, mailing.id).html)).body
    return _letters(body.text()) if body else ""


def mailed_as(edition: Edition, content: str, gone: Sequence[Gone]) -> str | None:
    """The issue under whose name readers had this one."""
    letters = [one.letter for one in gone if one.letter]
    sentences = [words for words in _sentences(edition) if sum(words in letter for letter in letters) < 2]
    most = _MOST * sum(map(len, sentences))
    for one in gone:
        same = not one.still_here and 0 < most <= sum(len(words) for words in sentences if words in one.letter)
        if one.content == content or same:
            return one.slug
    return None


def _sentences(edition: Edition) -> Iterator[str]:
    for story in edition.stories[: edition.mailed]:
        for words in map(_letters, (story.headline, *_SENTENCES.split(story.text))):
            if len(words) >= _SHORTEST:
                yield words


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", text).casefold())
