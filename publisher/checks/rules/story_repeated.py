"""A story has already run in an earlier issue.

## Why it matters

Readers remember, and a story twice is a promise broken: that each issue is the news since the last. Sometimes it is
meant, as a follow-up; then say so in the headline, or turn the rule off for the item.

## Example

Two issues whose items have the same source, `https://example.com/report`, or headlines that are alike to 80% of their
pairs of characters.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urldefrag

from publisher.checks.addresses import sources
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.issue import Issue

CODE = define("story-repeated", Severity.WARNING, __doc__)
ALIKE = 0.8  # Dice coefficient of two sets of character pairs
_SHORTEST = 6  # pairs; two short headlines are alike by accident


_FEW = 4  # issues that are compared with all others, story by story, sooner than an index is made


class _Story(NamedTuple):
    """A headline as its set of character pairs."""

    slug: str
    day: str
    place: Place
    pairs: frozenset[str]


Told = tuple[str, str, tuple[tuple[Place, str, tuple[tuple[Place, str], ...]], ...]]
"""An issue's slug, its day, and of each story the headline's place and characters, and its sources."""


def gather(issue: Issue) -> Told:
    """The stories of an issue."""
    stories = tuple(
        (
            item.places.of("headline"),
            "".join(c for c in unicodedata.normalize("NFKC", item.headline).casefold() if c.isalnum()),
            tuple((link.place, _address(link.url)) for link in sources(item)),
        )
        for item in issue.items
    )
    return issue.slug, issue.date.isoformat(), stories


def compare(gathered: Sequence[Told], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """Compare the stories of the issues ``wanted`` with those of issues of an earlier date."""
    ordered = sorted(gathered, key=lambda told: (told[1], told[0]))
    yield from _same_source(ordered, wanted)
    stories = [
        _Story(slug, day, place, frozenset(map("".join, pairwise(text))))
        for slug, day, told in ordered
        for place, text, _ in told
    ]
    if wanted is not None and len(wanted) <= _FEW:
        for story in stories:
            if story.slug in wanted:
                yield from _finding(story, stories)
    else:
        yield from _alike(stories, wanted)


def _address(url: str) -> str:
    try:
        return urldefrag(url).url.rstrip("/")
    except ValueError:  # no address at all: another finding says so
        return url


def _same_source(ordered: Sequence[Told], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    first: dict[str, tuple[str, str]] = {}
    for slug, day, stories in ordered:
        for _, _, links in stories:
            for place, url in links:
                ran, where = first.setdefault(url, (day, slug))
                if ran < day and (wanted is None or slug in wanted):
                    message = f"a story from this source already ran in {where}"
                    yield CODE.at(place, message, help="drop it, or say in the headline what is new")


def _alike(stories: Sequence[_Story], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """Near-identical headlines, found by their rarest pairs (prefix filtering: Chaudhuri et al., ICDE 2006)."""
    common = Counter(pair for story in stories for pair in story.pairs)
    bits = {pair: 1 << number for number, pair in enumerate(common)}
    index: dict[str, list[int]] = {}
    masks: list[int] = []
    for number, story in enumerate(stories):
        # A set as an integer: what two have in common is one AND and one count of bits.
        mask, size = sum(bits[pair] for pair in story.pairs), len(story.pairs)
        masks.append(mask)
        rarest = sorted(story.pairs, key=lambda pair: (common[pair], pair))
        rarest = rarest[: size - int(ALIKE / (2 - ALIKE) * size) + 1]
        if wanted is None or story.slug in wanted:
            near = {other for pair in rarest for other in index.get(pair, ())}
            alike = [
                stories[other]
                for other in near
                if 2 * (mask & masks[other]).bit_count() >= ALIKE * (size + len(stories[other].pairs))
            ]
            yield from _finding(story, alike)
        for pair in rarest:
            index.setdefault(pair, []).append(number)


def _finding(story: _Story, others: Iterable[_Story]) -> Iterator[Diagnostic]:
    """What is most like the story among those of an earlier date, if anything is like it."""
    size = len(story.pairs)
    if size < _SHORTEST:
        return
    earlier = (other for other in others if other.day < story.day)
    alike = ((2 * len(story.pairs & other.pairs) / (size + len(other.pairs)), other.slug) for other in earlier)
    likeness, slug = max(alike, default=(0.0, ""))
    if likeness >= ALIKE:
        kind = "the same headline" if likeness == 1 else f"a headline {likeness:.0%} alike"
        message = f"{kind} already ran in {slug}"
        yield CODE.at(story.place, message, help="drop it, or say in the headline what is new")
