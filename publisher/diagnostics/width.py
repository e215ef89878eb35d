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
    flags = 0  # regional indicators before this one: the second of two stands in the first
    for index, character in enumerate(text):
        width = character_width(character)
        previous = text[index - 1] if index else ""
        if width and (previous == _JOINER or "\U0001f3fb" <= character <= "\U0001f3ff") and index:
            width = 0
        is_flag = "\U0001f1e6" <= character <= "\U0001f1ff"
        if is_flag and flags % 2:
            width = 0
        flags = flags + 1 if is_flag else 0
        result.append(2 if width and is_flag else width)
    return result


def display_width(text: str) -> int:
    """Columns of the whole text."""
    return sum(widths(text))
