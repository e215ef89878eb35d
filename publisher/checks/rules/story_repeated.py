"""Stories that already ran in an earlier issue."""

import unicodedata
from bisect import bisect
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from hashlib import blake2s
from itertools import chain, count, filterfalse, islice, pairwise
from typing import Any, NamedTuple
from urllib.parse import urldefrag, urlsplit

from publisher.checks.context import Context, sources
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, say
from publisher.issue.model import Item
from publisher.regex import regex

CODE = define("story-repeated", Severity.WARNING)
ALIKE = 0.8  # minimum Dice coefficient of two sets of character pairs
COLUMN = 3  # issues with the same headline or source, but different text, that make it a column
# Number of preceding issues searched for similar headlines, so that the time is linear in the archive's size.
WINDOW = 100
_LONG = 100  # letters; of two texts as long that differ, the headline they share is a column's
_SHORTEST = 6  # pairs; shorter headlines may be similar by chance
_NAME = 4  # Han or kana characters; longer text is not a name
_TOKEN = regex(r"\d+(?:[.,]\d+)*|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|[\u3040-\u30ff\u3400-\u9fff]")
_NO_LETTER = regex(r"[\W_][\W_]*")  # two sets: re skips to the first faster than to a repeated one
_HELP = say("drop it, or say in the headline what is new")

At = Sequence[Any]  # path, span
Told = Sequence[Any]
"""Facts of an issue as plain values: slug, date, and for each story the headline's place, words and digest, a digest
of the text (with a + if it is long), sources, anchor.
"""

Earlier = tuple[str, str, str, str]
"""A story and an earlier one on the same topic: anchor of the first; slug, anchor and headline of the other."""


class _PastHeadline(NamedTuple):
    """Headline of a preceding issue: slug, date, words and anchor, digest of its text, pairs of its letters."""

    slug: str
    day: str
    words: str
    anchor: str
    text: str
    pairs: frozenset[str]


def gather(context: Context) -> Told:
    """Return the stories of an issue; a translation has none, as they are its original's."""
    issue = context.issue
    items = () if issue.translation_of else issue.items
    stories = tuple(_story(item) for item in items if item.headline and not item.sponsored)
    return issue.slug, issue.date.isoformat(), stories


def _story(item: Item) -> tuple[Any, ...]:
    words = item.headline
    links = tuple((link.place, _address(link.url)) for link in sources(item))
    told = letters(item.body.text or (f"{item.image.alt} {item.image.caption or ''}" if item.image else ""))
    text = _digest(told) + ("+" if len(told) >= _LONG else "")
    return item.places.of("headline"), words, _digest(letters(words)), text, links, item.anchor


def _digest(said: str) -> str:
    return blake2s(said.encode(), digest_size=8).hexdigest()


def _place(at: At) -> Place:
    return Place(at[0], Span(*at[1]))


def compare(gathered: Mapping[str, Told | None], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """Compare the stories of the issues ``wanted`` with those of issues with an earlier date."""
    ordered = _ordered(filter(None, gathered.values()))
    yield from _same_source(ordered, wanted)
    yield from _same_headline(ordered, wanted)


def affected(before: Mapping[str, Told | None], after: Mapping[str, Told | None]) -> set[str]:
    """Return the slugs of ``after`` whose findings may differ from ``before``: issues that share a source or a
    headline with a changed one, and issues that have, or had, it in their window.
    """
    before, after = ({slug: told for slug, told in side.items() if told} for side in (before, after))
    different = {slug for slug in before.keys() | after.keys() if before.get(slug) != after.get(slug)}
    changed = [told for side in (before, after) for slug, told in side.items() if slug in different]
    shared = {key for told in changed for key in _keys(told)}
    found = {slug for slug, told in after.items() if slug in different or not shared.isdisjoint(_keys(told))}
    ordered = _ordered(after.values())
    places = [(day, slug) for slug, day, _ in ordered]
    for slug in different:
        sides = (told for side in (before, after) if (told := side.get(slug)))
        held = [(told[1], [(story[1], story[5]) for story in told[2]]) for told in sides]
        for day, _ in held if len(held) == 1 or held[0] != held[1] else ():
            place = bisect(places, (day, slug))
            found.update(slug for _, slug in places[place : place + WINDOW + 1])
    return found


def _ordered(gathered: Iterable[Told]) -> list[Told]:
    return sorted(gathered, key=lambda told: (told[1], told[0]))


def _keys(told: Told) -> Iterator[str]:
    for _, _, headline, _, links, _ in told[2]:
        yield headline
        yield from (url for _, url in links if url)


def letters(text: str) -> str:
    """Return only the letters and digits of a text, case-folded (NFKC)."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", text).casefold())


def _address(url: str) -> str:
    """The URL without fragment; empty for a home page, which may be the source of any story."""
    try:
        parts = urlsplit(urldefrag(url).url)
    except ValueError:  # an invalid URL has its own finding
        return url
    return "" if parts.path in {"", "/"} and not parts.query else parts.geturl().rstrip("/")


def _headlines(stories: Iterable[Sequence[Any]]) -> Iterator[str]:
    return (story[2] for story in stories)


def _sources(stories: Iterable[Sequence[Any]]) -> Iterator[str]:
    return (url for story in stories for _, url in story[4] if url)


def _issues_of(
    ordered: Sequence[Told], wanted: frozenset[str] | None, keys: Callable[[Iterable[Any]], Iterable[str]]
) -> dict[str, int]:
    """The number of issues for each key of the ``wanted`` that occurs in several; the others use no memory."""
    asked = {key for slug, _, stories in ordered if wanted is None or slug in wanted for key in keys(stories)}
    times = Counter(chain.from_iterable(asked.intersection(keys(stories)) for _, _, stories in ordered))
    return {key: issues for key, issues in times.items() if issues > 1}


def _same_source(ordered: Sequence[Told], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    several = _issues_of(ordered, wanted, _sources)
    ran: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)  # issues of each source, with the text
    heads: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)  # the same with the headline
    for slug, day, stories in ordered if several else ():
        for _, _, headline, text, links, _ in stories:
            for _, url in links:
                if url in several:
                    ran[url].setdefault((day, slug), text)
                    heads[url].setdefault((day, slug), headline)
    notices = _notices(ran)
    for slug, day, stories in ordered:
        for _, _, headline, text, links, _ in stories if wanted is None or slug in wanted else ():
            for place, url in links:
                issues_of = ran.get(url, {})
                earlier = [(issue, other) for issue, other in islice(issues_of.items(), COLUMN) if issue[0] < day]
                told = {other for _, other in earlier} | {heads[url][issue] for issue, _ in earlier}
                column = len(issues_of) >= COLUMN and told.isdisjoint((text, headline))
                if earlier and not column and (url, text) not in notices:
                    message = say("a story from this source already ran in {slug}", slug=earlier[0][0][1])
                    yield CODE.at(_place(place), message, help=_HELP)


def _notices(ran: Mapping[str, Mapping[Any, str]]) -> set[tuple[str, str]]:
    """Pairs of key and text in more issues than a mistake explains, such as a call at the end of every issue."""
    return {(key, text) for key, of in ran.items() for text, n in Counter(of.values()).items() if n > COLUMN}


def _same_headline(ordered: Sequence[Told], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """The same headline in any earlier issue, otherwise a similar one within the window."""
    several = _issues_of(ordered, wanted, _headlines)
    known: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)  # issues of each headline, with the text
    for slug, day, stories in ordered if several else ():
        for _, _, headline, text, *_ in stories:
            if headline in several:
                known[headline][day, slug] = text
    alike_to, notices = _alike(ordered, wanted), _notices(known)
    for slug, day, stories in ordered:
        for at, words, headline, text, *_ in stories if wanted is None or slug in wanted else ():
            same = known.get(headline, {})
            earlier = [issue for issue in islice(same, WINDOW) if issue[0] < day]
            texts = {same[issue] for issue in earlier}
            long = text.endswith("+") and all(one.endswith("+") for one in texts)
            other = (len(same) >= COLUMN or long) and text not in texts
            if other or (headline, text) in notices:
                continue
            if earlier and len(_pairs(words)) >= _SHORTEST:
                message = say("the same headline already ran in {slug}", slug=earlier[-1][1])
                yield CODE.at(_place(at), message, help=_HELP)
            elif not earlier and (alike := alike_to.get((slug, words))):
                if len({other.slug for _, other in alike}) + 1 >= COLUMN and text not in (o.text for _, o in alike):
                    continue  # "What we read this week" after many "What we saw this week"
                share, slug_of = max((likeness, other.slug) for likeness, other in alike)
                message = say("a headline {share:.0%} alike already ran in {slug}", share=share, slug=slug_of)
                yield CODE.at(_place(at), message, help=_HELP)


def earlier(gathered: Sequence[Told], wanted: frozenset[str]) -> dict[str, tuple[Earlier, ...]]:
    """For the issues ``wanted``, the stories that ran before, newest first: those with a similar headline, or from the
    same source with a Dice coefficient of at least 0.5. Columns are not stories.
    """
    ordered = _ordered(gathered)
    headlines, several = _issues_of(ordered, wanted, _headlines), _issues_of(ordered, wanted, _sources)
    of_source: defaultdict[str, list[_PastHeadline]] = defaultdict(list)
    for slug, day, stories in ordered if several else ():
        for _, words, _, text, links, anchor in stories:
            for url in {url for _, url in links if several.get(url, COLUMN) < COLUMN}:
                of_source[url].append(_PastHeadline(slug, day, words, anchor, text, _pairs(words)))
    alike = _alike(ordered, wanted)
    made: dict[str, tuple[Earlier, ...]] = {}
    for slug, day, stories in (told for told in ordered if told[0] in wanted):
        found: dict[Earlier, str] = {}
        for _, words, headline, _, links, anchor in stories:
            pairs = _pairs(words)
            column = headlines.get(headline, 1) >= COLUMN
            told = [] if column else [other for _, other in alike.get((slug, words), ())]
            for _, url in links:
                same = (o for o in of_source.get(url, ()) if o.day < day and not _another(words, o.words))
                told += [other for other in same if 4 * len(pairs & other.pairs) >= len(pairs) + len(other.pairs)]
            found |= {(anchor, other.slug, other.anchor, other.words): other.day for other in told}
        made[slug] = tuple(sorted(found, key=lambda one: (found[one], *one), reverse=True))
    return made


_Alike = dict[tuple[str, str], list[tuple[float, _PastHeadline]]]
"""Similar headlines of earlier dates and their similarity, by slug and headline."""
_found: tuple[Sequence[Told], frozenset[str] | None, _Alike] = ((), None, {})


def _alike(ordered: Sequence[Told], wanted: frozenset[str] | None) -> _Alike:
    """The similar headlines for the issues ``wanted``. Cached, as findings and earlier stories both need them."""
    global _found
    wanted = None if wanted is not None and len(wanted) >= len(ordered) else wanted
    found = _found
    if found[0] != ordered or found[1] != wanted:
        own = (words for slug, _, stories in ordered if wanted and slug in wanted for _, words, *_ in stories)
        last, made = _Last(ordered, frozenset(chain.from_iterable(map(_pairs, own)))), {}
        for place, (slug, _, stories) in enumerate(ordered):
            for _, words, *_ in stories if wanted is None or slug in wanted else ():
                if (slug, words) not in made and (alike := last.alike(place, words)):
                    made[slug, words] = alike
        _found = found = ordered, wanted, made
    return found[2]


class _Last:
    """Headlines in the window before an issue, by pairs of letters (``sought``). Issues are asked for in order."""

    def __init__(self, ordered: Sequence[Told], sought: frozenset[str]) -> None:
        self._ordered, self._sought = ordered, sought
        self._end = 0  # end of the window
        self._numbers = count()
        self._held: deque[tuple[int, int]] = deque()  # index of the issue, number of the story
        self._stories: dict[int, _PastHeadline] = {}
        self._index: defaultdict[str, list[int]] = defaultdict(list)

    def alike(self, place: int, words: str) -> list[tuple[float, _PastHeadline]]:
        """Return the earlier headlines similar to one of the issue at ``place``, with their similarity."""
        pairs, found = _pairs(words), []
        if len(pairs) < _SHORTEST:
            return []
        self._move(place)
        least = int(ALIKE / (2 - ALIKE) * len(pairs))  # minimum of shared pairs
        rarer = sorted((self._index.get(pair, ()) for pair in pairs), key=len)[: len(pairs) - least // 2]
        shared = Counter(chain.from_iterable(rarer))  # half of any ``least`` shared pairs are in these
        for other in [self._stories[number] for number, times in shared.items() if times >= least - least // 2]:
            likeness = 2 * len(pairs & other.pairs) / (len(pairs) + len(other.pairs))
            if likeness >= ALIKE and other.day < self._ordered[place][1] and not _another(words, other.words):
                found.append((likeness, other))
        return found

    def _move(self, place: int) -> None:
        """Move the window to before the issue at ``place``."""
        while self._held and self._held[0][0] < place - WINDOW:
            pairs = self._stories.pop(self._held.popleft()[1]).pairs
            for pair in pairs & self._sought if self._sought else pairs:
                del self._index[pair][0]  # entries are in order
                if not self._index[pair]:
                    del self._index[pair]
        for at in range(max(self._end, place - WINDOW), place):
            slug, day, stories = self._ordered[at]
            for number, told in zip(self._numbers, stories):  # noqa: B905 - an infinite iterator
                pairs = _pairs(told[1])
                self._stories[number] = _PastHeadline(slug, day, told[1], told[5], told[3], pairs)
                self._held.append((at, number))
                for pair in pairs & self._sought if self._sought else pairs:
                    self._index[pair].append(number)
        self._end = place


@lru_cache(maxsize=1024)
def _pairs(words: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(letters(words))))


def _another(one: str, two: str) -> bool:
    """Whether two headlines differ in a number, or in a single name: Rust 1.80 is not Rust 1.81."""
    first, second = (_TOKEN.findall(unicodedata.normalize("NFKC", words)) for words in (one, two))
    lower = [[token.casefold() for token in tokens] for tokens in (first, second)]
    numbers, others = ([*filter(_digits, tokens)] for tokens in lower)
    if Counter(numbers) != Counter(others):
        return True
    if numbers != others and len({tuple(filterfalse(_digits, tokens)) for tokens in lower}) == 1:
        return True  # dates with the same numbers in another order
    match = SequenceMatcher(None, lower[0], lower[1], autojunk=False)
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
