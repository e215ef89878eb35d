"""Key points without a network: sentences picked from the items, the lead stories first among them.

TextRank (Mihalcea, Tarau, EMNLP 2004) over character pairs, which stand for words in Chinese, where words are not
spaced, and do as well as words in English.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？]+[”」』）]?|[!?]+(?=\s|$)|\.(?=\s+[A-Z\"“]|\s*$)|\n+|$)", re.DOTALL)
_LEANING = re.compile(
    r"[它他她这那其此]|(?:It|This|That|They|These|Those|He|She|But|And|So)\b"
)  # on the sentence before
_DAMPING = 0.85
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence, the index of the item it stands in, and whether it leads it: news says most at the start."""

    text: str
    item: int
    lead: bool = False


def sentences(text: str, item: int) -> list[SourceSentence]:
    """The sentences of a text, long enough to say something."""
    joined = re.sub(r"(?<=[^\x00-\x7f])\n(?=[^\x00-\x7f])", "", text)
    joined = re.sub(r"(?<!\n)\n(?!\n)", " ", joined)
    found = (" ".join(part.split()) for part in _SENTENCE.findall(joined))
    said = [part for part in found if len(_pairs(part)) >= 8]
    return [SourceSentence(part, item, lead=index == 0) for index, part in enumerate(said)]


def pick(candidates: list[SourceSentence], count: int) -> list[SourceSentence]:
    """The ``count`` sentences that the others lean on most, one an item, in reading order."""
    scores = _rank([_pairs(sentence.text) for sentence in candidates])
    best: dict[int, tuple[float, SourceSentence]] = {}
    for raw, sentence in zip(scores, candidates, strict=True):
        score = raw * (0.5 if _LEANING.match(sentence.text) else 1.0) * (1.4 if sentence.lead else 1.0)
        if sentence.item not in best or score > best[sentence.item][0]:
            best[sentence.item] = (score, sentence)
    chosen = sorted(best.values(), key=lambda entry: -entry[0])[:count]
    return sorted((sentence for _, sentence in chosen), key=lambda sentence: sentence.item)


def _pairs(text: str) -> frozenset[str]:
    letters = "".join(c for c in text.casefold() if c.isalnum())
    return frozenset(letters[i : i + 2] for i in range(len(letters) - 1))


def _rank(sets: list[frozenset[str]]) -> list[float]:
    """Scores by power iteration over the graph of shared pairs."""
    size = len(sets)
    weights = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i):
            shared = len(sets[i] & sets[j])
            if shared:
                norm = math.log(len(sets[i]) + 1) + math.log(len(sets[j]) + 1)
                weights[i][j] = weights[j][i] = shared / norm
    totals = [sum(row) or 1.0 for row in weights]
    scores = [1.0] * size
    for _ in range(_ROUNDS):
        scores = [
            (1 - _DAMPING) + _DAMPING * sum(weights[j][i] / totals[j] * scores[j] for j in range(size) if weights[j][i])
            for i in range(size)
        ]
    return scores
