"""Link definitions and footnotes of a pasted text: ``[label]: https://…`` and ``[^note]: …``.

Markdown allows them anywhere in a file; most stand at its end. Each item split off needs those it refers to.
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
    """The one-line definitions of a text that are referred to in it."""

    def __init__(self, lines: Iterable[PastedLine], code: Collection[int]) -> None:
        """``code`` holds the numbers of lines inside fences, which define nothing."""
        self._code = code
        self._named = set(_labels(line.text for line in lines))
        self._held: dict[str, PastedLine] = {}
        self._placed: set[str] = set()

    def taken_from(self, lines: Iterable[PastedLine]) -> list[PastedLine]:
        """Return the lines without the definitions, and keep the definitions; of duplicates the first counts."""
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
        """The definitions that a Markdown text refers to, after a blank line, to be appended to it."""
        named = [label for label in dict.fromkeys(_labels(prose)) if label in self._held]
        self._placed.update(named)
        return ["", *(self._held[label].text for label in named)] if named else []

    def unplaced(self) -> list[PastedLine]:
        """Definitions that no prose refers to, only a headline or a key point."""
        return [line for label, line in self._held.items() if label not in self._placed]


def _labels(texts: Iterable[str]) -> Iterator[str]:
    return (label.casefold() for text in texts for label in _LABEL.findall(text))
