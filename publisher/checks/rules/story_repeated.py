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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urldefrag

from publisher.checks.addresses import sources
from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.issue import Item

CODE = define("story-repeated", Severity.WARNING, __doc__)
ALIKE = 0.8  # Dice coefficient of two sets of character pairs
_SHORTEST = 6  # pairs; two short headlines are alike by accident


@dataclass(frozen=True, slots=True)
class _Story:
    """A headline as its set of character pairs."""

    slug: str
    day: str
    item: Item
    pairs: frozenset[str]


def check_all(contexts: Sequence[Context]) -> Iterator[Diagnostic]:
    """Compare every item with those of issues of an earlier date."""
    ordered = sorted(contexts, key=lambda context: (context.issue.date, context.issue.slug))
    yield from _same_source(ordered)
    yield from _alike(ordered)


def _same_source(contexts: Sequence[Context]) -> Iterator[Diagnostic]:
    first: dict[str, tuple[str, str]] = {}
    for context in contexts:
        day, slug = context.issue.date.isoformat(), context.issue.slug
        for item in context.issue.items:
            for link in sources(item):
                url = urldefrag(link.url).url.rstrip("/")
                ran, where = first.setdefault(url, (day, slug))
                if ran < day:
                    message = f"a story from this source already ran in {where}"
                    yield CODE.at(link.place, message, help="drop it, or say in the headline what is new")


def _alike(contexts: Sequence[Context]) -> Iterator[Diagnostic]:
    """Near-identical headlines, found by their rarest pairs (prefix filtering: Chaudhuri et al., ICDE 2006)."""
    stories = [_story(context, item) for context in contexts for item in context.issue.items]
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
        likeness, best = 0.0, ""
        for other in {other for pair in rarest for other in index.get(pair, ())}:
            earlier = stories[other]
            alike = 2 * (mask & masks[other]).bit_count() / (size + len(earlier.pairs))
            if alike >= ALIKE and earlier.day < story.day:
                likeness, best = max((likeness, best), (alike, earlier.slug))
        if best and size >= _SHORTEST:
            yield _finding(story.item.places.of("headline"), likeness, best)
        for pair in rarest:
            index.setdefault(pair, []).append(number)


def _story(context: Context, item: Item) -> _Story:
    text = "".join(c for c in unicodedata.normalize("NFKC", item.headline).casefold() if c.isalnum())
    pairs = frozenset(text[i : i + 2] for i in range(len(text) - 1))
    return _Story(context.issue.slug, context.issue.date.isoformat(), item, pairs)


def _finding(place: Place, likeness: float, slug: str) -> Diagnostic:
    kind = "the same headline" if likeness == 1 else f"a headline {likeness:.0%} alike"
    return CODE.at(place, f"{kind} already ran in {slug}", help="drop it, or say in the headline what is new")
