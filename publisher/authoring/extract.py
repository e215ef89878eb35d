"""Key points without a network: sentences picked from the items, the lead stories first among them.

TextRank (Mihalcea, Tarau, EMNLP 2004) over character pairs, which stand for words in Chinese, where words are not
spaced, and do as well as words in English.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from publisher.diagnostics.width import display_width

_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？]+[”」』）]?|[!?]+(?=\s|$)|\.(?=\s+[A-Z\"“]|\s*$)|\n+|$)", re.DOTALL)
_LEANING = re.compile(
    r"[它他她这那其此]|(?:It|This|That|They|These|Those|He|She|But|And|So)\b"
)  # on the sentence before
_CLAUSE = re.compile(r"[，；]|[,;](?=\s)|\s[—–]\s|——")
LINE = 120
"""Columns of the longest point."""
_LEADS, _MOST = 3, 7
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


def pick(candidates: Sequence[SourceSentence], count: int, headlines: Sequence[str] = ()) -> list[SourceSentence]:
    """At most ``count`` sentences, seven at most, one an item, in reading order, none longer than a line.

    The first three items are among them; of the others those whose sentence the rest leans on most. A sentence counts
    for more where it says what its item's headline does, leads its item, or fits a line.
    """
    scores = _rank([_pairs(sentence.text) for sentence in candidates])
    best: dict[int, tuple[float, SourceSentence]] = {}
    for raw, sentence in zip(scores, candidates, strict=True):
        headline = _pairs(headlines[sentence.item]) if headlines else frozenset()
        said = len(headline & _pairs(sentence.text)) / (len(headline) or 1)
        score = raw * (1 + said) * (0.5 if _LEANING.match(sentence.text) else 1.0) * (1.4 if sentence.lead else 1.0)
        score *= 1.0 if display_width(sentence.text) <= LINE else 0.8
        if sentence.item not in best or score > best[sentence.item][0]:
            best[sentence.item] = (score, sentence)
    leads = sorted(best)[:_LEADS]
    order = leads + sorted(best.keys() - {*leads}, key=lambda item: -best[item][0])
    chosen = sorted(order[: min(count, _MOST)])
    return [replace(best[item][1], text=shortened(best[item][1].text)) for item in chosen]


def shortened(text: str) -> str:
    """The text, or where it is longer than a line its first clauses, or words, that fit."""
    if display_width(text) <= LINE:
        return text
    ends = [found.start() for found in _CLAUSE.finditer(text)]
    if clauses := [end for end in ends if LINE / 3 <= display_width(text[:end]) < LINE - 1]:
        full = display_width(text[clauses[-1]]) == 2
        return text[: clauses[-1]].rstrip() + ("。" if full else ".")
    while display_width(text) >= LINE:
        head, blank, _ = text.rstrip().rpartition(" ")
        text = head if blank and display_width(head) > LINE / 3 else text[:-1]
    return text.rstrip(" ,，、;；:：") + "…"


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
