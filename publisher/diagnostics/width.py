"""Display width of text in a terminal or an inbox: columns by the East Asian Width property (UAX #11)."""

import unicodedata

_JOINER = "\u200d"


def _within(character: str) -> bool:
    """Whether a character adds no column: marks, format characters, and vowels and finals of a Hangul syllable."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return True
    return "\u1160" <= character <= "\u11ff"


def widths(text: str) -> list[int]:
    """The columns of each code point; those joined to an emoji by a joiner, and skin tones, add none."""
    result: list[int] = []
    flags = 0  # regional indicators before this one: the second of a pair adds no column
    for index, character in enumerate(text):
        is_flag = "\U0001f1e6" <= character <= "\U0001f1ff"
        joined = index and (text[index - 1] == _JOINER or "\U0001f3fb" <= character <= "\U0001f3ff")
        if joined or (is_flag and flags % 2) or _within(character):
            result.append(0)
        else:
            result.append(2 if is_flag or unicodedata.east_asian_width(character) in {"W", "F"} else 1)
        flags = flags + 1 if is_flag else 0
    return result


def display_width(text: str) -> int:
    """The columns of the whole text."""
    return len(text) if text.isascii() else sum(widths(text))


def cut(line: str, columns: int) -> str:
    """Cut a line to ``columns`` of display width with an ellipsis, between words if possible."""
    if display_width(line) <= columns:
        return line
    used = end = 0
    while (used := used + display_width(line[end])) < columns:
        end += 1
    short = line[:end]
    if short[-1:].isascii() and line[len(short) : len(short) + 1].isascii() and " " in short[-20:]:
        short = short[: short.rindex(" ")]
    return short.rstrip(" ,;:，；：、。.·") + "…"
