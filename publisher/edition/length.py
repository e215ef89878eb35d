"""How long the items are to read.

Chinese and Japanese count Han and kana characters plus each Latin letter and digit, no punctuation and no space; other
languages count words, each a run between white space (238 a minute: Brysbaert 2019, doi:10.1016/j.jml.2019.104047).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from publisher.config import Config
from publisher.edition.model import Length
from publisher.issue.markdown.cjk import HAN, KANA
from publisher.language import Locale

_LATIN = "A-Za-zªºÀ-ÖØ-öø-ʸᴀ-ᴥᵢ-ᵥᵫ-ᵷᵹ-ᶾḀ-ỿⱠ-Ɀꜣ-ꞇꞋ-ꟿꬰ-ꭤﬀ-ﬆＡ-Ｚａ-ｚ"
_COUNTED = re.compile(f"[{HAN}{KANA}{_LATIN}]|\\d")


def measure(texts: Iterable[str], words: Locale, config: Config) -> Length:
    """The length of what a reader sees as the items: headlines, bodies, commentary with its label, attribution."""
    if words.counts_characters:
        count, unit, speed = sum(map(characters, texts)), "characters", config.reading_speed.characters
    else:
        count, unit, speed = sum(len(text.split()) for text in texts), "words", config.reading_speed.words
    return Length(count, unit, max(1, -(-count // speed)))


def characters(text: str) -> int:
    """Han and kana characters, Latin letters and digits of a text."""
    return len(_COUNTED.findall(text))
