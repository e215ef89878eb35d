"""How wide text stands on a terminal and in an inbox: columns of the East Asian Width property (UAX #11)."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def character_width(character: str) -> int:
    """Columns of one code point: 2 for wide and full-width, 0 for what joins the one before it, else 1."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    if "\u1160" <= character <= "\u11ff":  # Hangul vowels and finals stand in the syllable before them
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def widths(text: str) -> list[int]:
    """The columns of each code point; what a joiner or a skin tone joins to an emoji adds none."""
    result: list[int] = []
    for index, character in enumerate(text):
        width = character_width(character)
        previous = text[index - 1] if index else ""
        if width and (previous == _JOINER or "\U0001f3fb" <= character <= "\U0001f3ff") and index:
            width = 0
        if width and previous and _is_flag(previous) and _is_flag(character) and _flags_before(text, index) % 2:
            width = 0
        result.append(2 if width and _is_flag(character) else width)
    return result


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_before(text: str, index: int) -> int:
    count = 0
    while index > count and _is_flag(text[index - count - 1]):
        count += 1
    return count


def display_width(text: str) -> int:
    """Columns of the whole text."""
    return sum(widths(text))
