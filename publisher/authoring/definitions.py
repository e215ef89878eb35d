"""Addresses and notes of a pasted text that words name by a label: ``[label]: https://…`` and ``[^note]: …``.

In Markdown they may stand anywhere in a file, mostly at its end. Taken apart into items, each needs its own.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from publisher.authoring.headlines import PastedLine

_DEFINED = re.compile(
    r" {0,3}\[(?:(?P<label>[^\[\]]+)\]:[ \t]*<?(?:https?://|mailto:)|(?P<note>\^[^\[\]]+)\]:[ \t]*\S).*"
)
_LABEL = re.compile(r"\[([^\[\]]+)\](?!:)")


class Definitions:
    """Those of a text that stand in one line each and that some line of it names."""

    def __init__(self, lines: Iterable[PastedLine], code: Collection[int]) -> None:
        """``code`` are the numbers of lines in fences, where nothing is defined."""
        self._code = code
        self._named = set(_labels(line.text for line in lines))
        self._held: dict[str, PastedLine] = {}
        self._placed: set[str] = set()

    def taken_from(self, lines: Iterable[PastedLine]) -> list[PastedLine]:
        """The lines but for the definitions, which are held from now on; the first where one is given twice."""
        kept = []
        for line, below in pairwise((*lines, PastedLine(0, ""))):
            match = None if line.number in self._code else _DEFINED.fullmatch(line.text)
            goes_on = match and match["note"] and below.text[:1] in {" ", "\t"}
            label = (match["label"] or match["note"]).casefold() if match and not goes_on else ""
            if label in self._named - self._held.keys():
                self._held[label] = line
            else:
                kept.append(line)
        return kept

    def of(self, prose: Iterable[str]) -> list[str]:
        """What follows the lines of a Markdown text: the definitions that they name, after a blank line."""
        named = [label for label in dict.fromkeys(_labels(prose)) if label in self._held]
        self._placed.update(named)
        return ["", *(self._held[label].text for label in named)] if named else []

    def unplaced(self) -> list[PastedLine]:
        """Those that no prose has named: only a headline or a point does."""
        return [line for label, line in self._held.items() if label not in self._placed]


def _labels(texts: Iterable[str]) -> Iterator[str]:
    return (label.casefold() for text in texts for label in _LABEL.findall(text))
