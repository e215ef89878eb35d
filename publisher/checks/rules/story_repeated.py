"""A story has already run in an earlier issue."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from difflib import SequenceMatcher
from hashlib import blake2s
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urlsplit

from publisher.checks.context import sources
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, say
from publisher.issue import Issue, Item

CODE = define("story-repeated", Severity.WARNING)
ALIKE = 0.8  # Dice coefficient of two sets of character pairs
COLUMN = 3  # issues with one headline or source, above other text, make a column of it
WINDOW = (
    100  # issues before one in which alike headlines are looked for: the cost grows with the archive, not its square
)
_SHORTEST = 6  # pairs; two short headlines are alike by accident
_NAME = 4  # Han or kana characters; what is longer is no name
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|[\u3040-\u30ff\u3400-\u9fff]")
_HELP = say("drop it, or say in the headline what is new")

At = Sequence[Any]  # path, line, column, end line, end column
Told = Sequence[Any]
"""An issue's slug, its day, and of each story the headline's place and words, a digest of its text, its sources: plain
values, as a cache holds them."""


class _PastHeadline(NamedTuple):
    """A headline in its issue. ``rank`` is the place of the issue's day among all days."""

    slug: str
    rank: int
    at: At
    words: str
    text: str
    pairs: frozenset[str]


def gather(issue: Issue) -> Told:
    """The stories of an issue."""
    return issue.slug, issue.date.isoformat(), tuple(_story(item) for item in issue.items if not item.sponsored)


def _story(item: Item) -> tuple[Any, ...]:
    text = blake2s(_letters(item.body.text).encode(), digest_size=8).hexdigest()
    links = tuple((_at(link.place), _address(link.url)) for link in sources(item))
    return _at(item.places.of("headline")), unicodedata.normalize("NFKC", item.headline), text, links


def _at(place: Place) -> tuple[Any, ...]:
    return (place.path, *astuple(place.span))


def _place(at: At) -> Place:
    return Place(at[0], Span(*at[1:]))


def compare(gathered: Sequence[Told], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """Compare the stories of the issues ``wanted`` with those of issues of an earlier date."""
    ordered = sorted(gathered, key=lambda told: (told[1], told[0]))
    yield from _same_source(ordered, wanted)
    ranks = {day: rank for rank, day in enumerate(dict.fromkeys(day for _, day, _ in ordered))}
    issues = [
        [
            _PastHeadline(slug, ranks[day], place, words, text, frozenset(map("".join, pairwise(_letters(words)))))
            for place, words, text, _ in stories
        ]
        for slug, day, stories in ordered
    ]
    yield from _same_headline(issues, wanted)


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _address(url: str) -> str:
    """The address without its fragment; empty for a home page, where any story may come from."""
    try:
        parts = urlsplit(urldefrag(url).url)
    except ValueError:  # no address at all: another finding says so
        return url
    return "" if parts.path in {"", "/"} and not parts.query else parts.geturl().rstrip("/")


def _same_source(ordered: Sequence[Told], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    ran: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)  # of a source: its issues, with the text
    for slug, day, stories in ordered:
        for _, _, text, links in stories:
            for _, url in links:
                if url:
                    ran[url].setdefault((day, slug), text)
    for slug, day, stories in ordered:
        for _, _, text, links in stories if wanted is None or slug in wanted else ():
            for place, url in links:
                earlier = [(issue, other) for issue, other in list(ran[url].items())[:COLUMN] if issue[0] < day]
                column = len(ran[url]) >= COLUMN and text not in (other for _, other in earlier)
                if earlier and not column:
                    message = say("a story from this source already ran in {slug}", slug=earlier[0][0][1])
                    yield CODE.at(_place(place), message, help=_HELP)


def _same_headline(issues: Sequence[Sequence[_PastHeadline]], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """The same headline anywhere before, else an alike one among the last issues."""
    known: defaultdict[str, list[_PastHeadline]] = defaultdict(list)
    for stories in issues:
        for key, story in {_letters(story.words): story for story in stories}.items():
            known[key].append(story)
    near = _Near(story for stories in issues for story in stories)
    for stories in issues:
        for story in stories if stories and (wanted is None or stories[0].slug in wanted) else ():
            same = known[_letters(story.words)]
            earlier = [other for other in same[:WINDOW] if other.rank < story.rank]
            if len(story.pairs) < _SHORTEST or (
                len(same) >= COLUMN and story.text not in {other.text for other in earlier}
            ):
                continue
            if earlier:
                yield CODE.at(
                    _place(story.at), say("the same headline already ran in {slug}", slug=earlier[-1].slug), help=_HELP
                )
            elif alike := near.to(story):
                message = say("a headline {share:.0%} alike already ran in {slug}", share=alike[0], slug=alike[1])
                yield CODE.at(_place(story.at), message, help=_HELP)
        near.add(stories)


class _Near:
    """The last issues' headlines by their rarest pairs (prefix filtering: Chaudhuri et al., ICDE 2006)."""

    def __init__(self, stories: Iterator[_PastHeadline]) -> None:
        self._common = Counter(pair for story in stories for pair in story.pairs)
        self._index: defaultdict[str, deque[_PastHeadline]] = defaultdict(deque)
        self._kept: deque[Sequence[_PastHeadline]] = deque()

    def to(self, story: _PastHeadline) -> tuple[float, str] | None:
        """How alike the most alike headline of an earlier day is, and its issue."""
        size, best = len(story.pairs), (0.0, "")
        for other in {tuple(other.at): other for pair in self._rare(story) for other in self._index[pair]}.values():
            likeness = 2 * len(story.pairs & other.pairs) / (size + len(other.pairs))
            if likeness >= ALIKE and other.rank < story.rank and not _another(story.words, other.words):
                best = max(best, (likeness, other.slug))
        return best if best[0] else None

    def add(self, stories: Sequence[_PastHeadline]) -> None:
        """Take in an issue, and forget the oldest."""
        self._kept.append(stories)
        for story in stories:
            for pair in self._rare(story):
                self._index[pair].append(story)
        for story in self._kept.popleft() if len(self._kept) > WINDOW else ():
            for pair in self._rare(story):
                self._index[pair].popleft()  # in the order in which they came

    def _rare(self, story: _PastHeadline) -> list[str]:
        rarest = sorted(story.pairs, key=lambda pair: (self._common[pair], pair))
        return rarest[: len(rarest) - int(ALIKE / (2 - ALIKE) * len(rarest)) + 1]


def _another(one: str, two: str) -> bool:
    """Whether two headlines differ in a number, or in one name alone: Rust 1.80 is not Rust 1.81."""
    first, second = _TOKEN.findall(one), _TOKEN.findall(two)
    if Counter(filter(_digits, first)) != Counter(filter(_digits, second)):
        return True
    match = SequenceMatcher(None, [t.casefold() for t in first], [t.casefold() for t in second], autojunk=False)
    changes = [change for change in match.get_opcodes() if change[0] != "equal"]
    if len(changes) != 1 or changes[0][0] != "replace":
        return False
    _, a, b, c, d = changes[0]
    return all(_is_name(tokens) for tokens in (first[a:b], second[c:d]))


def _digits(token: str) -> bool:
    return token[0].isdecimal()


def _is_name(tokens: Sequence[str]) -> bool:
    if all(token[0].isascii() or token[0].isupper() for token in tokens):
        return all(token[0].isupper() or _digits(token) for token in tokens)
    return len(tokens) <= _NAME
