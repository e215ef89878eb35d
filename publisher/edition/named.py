"""Link key points to the stories that they name.

A wrong link is worse than none. So a sentence is linked only if two independent signs agree: it shares a name, a number
or a run of words with that headline and no other, and its words match that story clearly better than any other.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain, groupby
from math import fsum, log
from typing import NamedTuple

from markupsafe import Markup

_TOKEN = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:[.,'’-][^\W_\u3040-\u30ff\u3400-\u9fff]+)*")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
_SENTENCE = re.compile(r"(?<=[。！？；])|(?<=[;!?؟؛] )|(?<=[^\W\d_][^\W\d_][.] )")
_YEAR = re.compile(r"(?:19|20)\d\d")
_RUN = 3  # length of a run of words, or of Han and kana characters, that identifies a story as a name does
_AHEAD = 1.6  # factor by which the best story must outweigh the second


class StoryWords(NamedTuple):
    """Headline and text of a story, to be matched with key points."""

    anchor: str
    headline: str
    text: str


class _Stories:
    """Index of an issue's stories by the names in their headlines and by their words."""

    def __init__(self, stories: Sequence[StoryWords]) -> None:
        self._stories = stories
        self._heads = [self._names(story.headline) for story in stories]
        self._naming = Counter(chain.from_iterable(self._heads))

    @cached_property
    def _small(self) -> frozenset[str]:
        return frozenset(filter(str.islower, chain.from_iterable(_TOKEN.findall(one.text) for one in self._stories)))

    @cached_property
    def _words(self) -> list[frozenset[str]]:
        return [_words(f"{story.headline}\n{story.text}") for story in self._stories]

    @cached_property
    def _using(self) -> Counter[str]:
        return Counter(chain.from_iterable(self._words))

    def named_in(self, sentence: str) -> str | None:
        """The anchor of the one story that a sentence is about; None if there is no clear match."""
        names = self._names(sentence)
        own = [any(self._naming[name] == 1 for name in head & names) for head in self._heads]
        if own.count(True) != 1:
            return None
        said, best = _words(sentence), own.index(True)
        weights = [self._weight(said & words) for words in self._words]
        second = max(weight for at, weight in enumerate(weights) if at != best)
        clear = weights[best] > max(second * _AHEAD, 2 * log(len(weights)))
        return self._stories[best].anchor if clear else None

    def _weight(self, shared: Iterable[str]) -> float:
        """The inverse document frequency of the shared words, summed exactly, hence independent of their order."""
        return fsum(log(len(self._words) / self._using[word]) for word in shared)

    def _names(self, text: str) -> frozenset[str]:
        """Names, numbers and runs of words. A capitalised word is not a name if the issue also has it in lower case."""
        tokens = [token.removesuffix("'s").removesuffix("’s") for token in _TOKEN.findall(text)]
        small = [token.casefold() for token in tokens]
        names = {one for one, token in zip(small, tokens, strict=True) if self._is_name(token)}
        names.update(" ".join(small[at : at + _RUN]) for at in range(len(small) - _RUN + 1))
        names.update(run[at : at + _RUN] for run in _HAN.findall(text) for at in range(len(run) - _RUN + 1))
        return frozenset(names)

    def _is_name(self, token: str) -> bool:
        if token[0].isdecimal():
            return len(token) > 1 and not _YEAR.fullmatch(token)
        return token[0].isupper() and len(token) > 1 and token.casefold() not in self._small


def linked(points: Sequence[Markup], stories: Sequence[StoryWords]) -> list[Markup]:
    """Link each sentence of the key points to the one story that it names, if any."""
    if not points or len(stories) < 2:
        return list(points)
    known = _Stories(stories)
    return [point if "<a" in point else _linked(point, known) for point in points]


def _linked(html: Markup, known: _Stories) -> Markup:
    pieces = [html] if "<" in html else [Markup(one) for one in _SENTENCE.split(str(html)) if one]  # noqa: S704
    parts = groupby(((known.named_in(piece.striptags()), piece) for piece in pieces), key=lambda pair: pair[0])
    return Markup().join(_link(anchor, Markup().join(piece for _, piece in run)) for anchor, run in parts)


def _link(anchor: str | None, words: Markup) -> Markup:
    end = words.rstrip()
    return Markup('<a href="#{}">{}</a>{}').format(anchor, end, words[len(end) :]) if anchor else words


def _words(text: str) -> frozenset[str]:
    """The words of a text, and the pairs of adjacent Han and kana characters."""
    pairs = (run[at : at + 2] for run in _HAN.findall(text) for at in range(len(run) - 1))
    return frozenset((*(token.casefold() for token in _TOKEN.findall(text)), *pairs))
