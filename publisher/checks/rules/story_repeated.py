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
from itertools import pairwise
from urllib.parse import urldefrag

from publisher.checks.addresses import sources
from publisher.diagnostics import Diagnostic, Place, Severity, define
from publisher.issue import Issue

CODE = define("story-repeated", Severity.WARNING, __doc__)
ALIKE = 0.8  # Dice coefficient of two sets of character pairs
_SHORTEST = 6  # pairs; two short headlines are alike by accident


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


def compare(gathered: Sequence[Told]) -> Iterator[Diagnostic]:
    """Compare every story with those of issues of an earlier date."""
    ordered = sorted(gathered, key=lambda told: (told[1], told[0]))
    yield from _same_source(ordered)
    yield from _alike(ordered)


def _address(url: str) -> str:
    try:
        return urldefrag(url).url.rstrip("/")
    except ValueError:  # no address at all: another finding says so
        return url


def _same_source(ordered: Sequence[Told]) -> Iterator[Diagnostic]:
    first: dict[str, tuple[str, str]] = {}
    for slug, day, stories in ordered:
        for _, _, links in stories:
            for place, url in links:
                ran, where = first.setdefault(url, (day, slug))
                if ran < day:
                    message = f"a story from this source already ran in {where}"
                    yield CODE.at(place, message, help="drop it, or say in the headline what is new")


def _alike(ordered: Sequence[Told]) -> Iterator[Diagnostic]:
    """Near-identical headlines, found by their rarest pairs (prefix filtering: Chaudhuri et al., ICDE 2006)."""
    stories = [
        (slug, day, place, frozenset(map("".join, pairwise(text))))
        for slug, day, told in ordered
        for place, text, _ in told
    ]
    common = Counter(pair for *_, pairs in stories for pair in pairs)
    bits = {pair: 1 << number for number, pair in enumerate(common)}
    index: dict[str, list[int]] = {}
    masks: list[int] = []
    for number, (_, day, place, pairs) in enumerate(stories):
        # A set as an integer: what two have in common is one AND and one count of bits.
        mask, size = sum(bits[pair] for pair in pairs), len(pairs)
        masks.append(mask)
        rarest = sorted(pairs, key=lambda pair: (common[pair], pair))
        rarest = rarest[: size - int(ALIKE / (2 - ALIKE) * size) + 1]
        likeness, best = 0.0, ""
        for other in {other for pair in rarest for other in index.get(pair, ())}:
            where, before, _, others = stories[other]
            alike = 2 * (mask & masks[other]).bit_count() / (size + len(others))
            if alike >= ALIKE and before < day:
                likeness, best = max((likeness, best), (alike, where))
        if best and size >= _SHORTEST:
            yield _finding(place, likeness, best)
        for pair in rarest:
            index.setdefault(pair, []).append(number)


def _finding(place: Place, likeness: float, slug: str) -> Diagnostic:
    kind = "the same headline" if likeness == 1 else f"a headline {likeness:.0%} alike"
    return CODE.at(place, f"{kind} already ran in {slug}", help="drop it, or say in the headline what is new")
