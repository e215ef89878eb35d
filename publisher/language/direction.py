"""Which way a text runs, among others that run the other way."""

from __future__ import annotations

import re

_LATE = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LETTER = re.compile(r"[^\W\d_]")


def turned(text: str, direction: str) -> str | None:
    """The direction of most letters, where the first letter of ``text`` does not go in ``direction``; else None."""
    first = _LETTER.search(text)
    if first is None or _way(first[0]) == direction:
        return None
    letters = _LETTER.findall(text)
    return "rtl" if 2 * sum(map(bool, map(_LATE.match, letters))) > len(letters) else "ltr"


def runs_late(text: str) -> bool:
    """Whether something of a text runs from right to left."""
    return _LATE.search(text) is not None


def _way(letter: str) -> str:
    return "rtl" if _LATE.match(letter) else "ltr"
