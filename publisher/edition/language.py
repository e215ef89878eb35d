"""The language of an edition: which catalog speaks it, its words, dates, direction and fonts.

Catalogs are ``locales/<catalog>/LC_MESSAGES/publisher.po`` and their compiled ``.mo``
(:mod:`publisher.edition.catalogs` compiles them). A message's id is a name, such as ``commentary``, never a sentence,
so that ``labels`` of config.yaml can override it by that name.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from publisher.config import Config
from publisher.documents.yaml import read_data
from publisher.edition.model import Length

LOCALES = Path(__file__).parent / "locales"
CATALOGS = ("zh_Hans", "zh_Hant", "en", "ja")

_HAN_SANS = {
    "zh_Hans": "'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC'",
    "zh_Hant": "'PingFang TC','Microsoft JhengHei','Noto Sans CJK TC','Noto Sans TC'",
    "ja": "'Hiragino Sans','Yu Gothic',Meiryo,'Noto Sans CJK JP','Noto Sans JP'",
}
_OUTLOOK = {"zh_Hans": "'Microsoft YaHei'", "zh_Hant": "'Microsoft JhengHei'", "ja": "Meiryo"}
_LATIN_SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial"
_LATIN_SERIF = "Georgia,'Iowan Old Style','Palatino Linotype','Times New Roman',serif"
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")


@cache
def locale_of(tag: str) -> Locale:
    """The Babel locale nearest to a BCP 47 tag, likely subtags filled in; English where there is none."""
    subtags = [part for part in re.split(r"[-_]", tag.strip()) if part]
    while subtags:
        try:
            return Locale.parse("_".join(subtags))
        except (UnknownLocaleError, ValueError):
            subtags.pop()
    return Locale("en")


@cache
def catalog_of(tag: str) -> str:
    """The catalog for a BCP 47 tag: Chinese by script (``zh-TW`` is traditional), else by language, else English.

    Babel's own ``Locale.negotiate`` does not see that ``zh-TW`` means ``zh_Hant``.
    """
    locale = locale_of(tag)
    if locale.language in {"zh", "yue", "wuu", "lzh"}:
        traditional = locale.script == "Hant" or "hant" in tag.lower() or locale.territory in {"TW", "HK", "MO"}
        simplified = locale.script == "Hans" or "hans" in tag.lower()
        return "zh_Hant" if traditional and not simplified else "zh_Hans"
    return locale.language if locale.language in CATALOGS else "en"


def declared() -> dict[str, list[str]]:
    """Every word that ``labels`` may replace, with its texts in English."""
    from babel.messages.mofile import read_mo

    with (LOCALES / "en" / "LC_MESSAGES" / "publisher.mo").open("rb") as file:
        pairs = [(_texts(message.id), _texts(message.string)) for message in read_mo(file)]
    return {names[0]: texts for names, texts in pairs if names}


def _texts(said: str | Sequence[str] | None) -> list[str]:
    return [*said] if isinstance(said, list | tuple) else [str(said)] if said else []


@cache
def catalogs_of(room: Path) -> Mapping[str, Mapping[str, str]]:
    """What a room says beside the editions, by catalog, then by name: ``words.yaml`` in its folder."""
    found: Mapping[str, Mapping[str, str]] = read_data(room / "words.yaml")
    return found


@cache
def _translations(catalog: str) -> gettext.GNUTranslations:
    with (LOCALES / catalog / "LC_MESSAGES" / "publisher.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


@dataclass(frozen=True, slots=True)
class Words:
    """What the theme says in one language. ``words("commentary")``; ``words("number", number=52)``."""

    language: str
    catalog: str
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, language: str, config: Config) -> Words:
        """The words of a BCP 47 tag, with the labels of config.yaml that are for it (the most specific tag wins)."""
        catalog = catalog_of(language)
        labels: dict[str, str] = {}
        for tag, values in sorted(config.labels.items(), key=lambda pair: len(pair[0])):
            if _covers(tag, language, catalog):
                labels.update(values)
        return cls(language, catalog, tuple(sorted(labels.items())))

    def __call__(self, name: str, /, **values: object) -> str:
        """The word by that name with ``%(value)s`` filled in; a ``count`` chooses the plural. Raises KeyError."""
        text = dict(self.labels).get(name) or self._translated(name, values.get("count"))
        return _PLACEHOLDER.sub(
            lambda match: "%" if match.group() == "%%" else str(values.get(match.group(1), match.group())), text
        )

    def of_room(self, room: Path, prefix: str) -> dict[str, str]:
        """The words of a room by name, English where there is no other; labels that begin with ``prefix`` win."""
        own = {name.removeprefix(prefix): text for name, text in self.labels if name.startswith(prefix)}
        catalogs = catalogs_of(room)
        return {**catalogs["en"], **catalogs[self.catalog], **own}

    def _translated(self, name: str, count: object) -> str:
        translations = _translations(self.catalog)
        if isinstance(count, int):
            text = translations.ngettext(name, name + "_plural", count)
        else:
            text = translations.gettext(name)
        if text in {name, name + "_plural"}:
            raise KeyError(name)
        return text

    def date(self, day: date) -> str:
        """The date in full, as the language writes it."""
        return format_date(day, format="long", locale=locale_of(self.language))

    def length(self, length: Length) -> str:
        """The length line, such as ``904 words · 4 min read``."""
        return self("length", count=length.count, minutes=length.minutes)

    def join(self, names: tuple[str, ...]) -> str:
        """Names in a row, with the language's comma."""
        return self("comma").join(names)

    @property
    def counts_characters(self) -> bool:
        """Whether length is measured in characters (Chinese, Japanese) and not in words."""
        return self.catalog in _HAN_SANS

    @property
    def runs_in(self) -> bool:
        """Whether the commentary's label stands at the head of its first line (it ends in a colon)."""
        return self("commentary").rstrip().endswith(("：", ":"))

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, for HTML's ``dir``."""
        return "rtl" if locale_of(self.language).text_direction == "rtl" else "ltr"

    @property
    def body_font(self) -> str:
        """The CSS font stack of running text. Han faces differ by language, and come after the Latin ones."""
        han = _HAN_SANS.get(self.catalog)
        return f"-apple-system,{han},Arial,sans-serif" if han else f"{_LATIN_SANS},sans-serif"

    @property
    def display_font(self) -> str:
        """The CSS font stack of titles and headlines."""
        return self.body_font if self.catalog in _HAN_SANS else _LATIN_SERIF

    @property
    def outlook_font(self) -> str:
        """The one face for Word, which Outlook on Windows draws mail with, and which knows no font stacks."""
        return _OUTLOOK.get(self.catalog, "'Segoe UI'")

    @property
    def line_height(self) -> str:
        """Han text is denser and wants more lead."""
        return "1.8" if self.counts_characters else "1.65"


def _covers(tag: str, language: str, catalog: str) -> bool:
    """Whether labels written for ``tag`` are for ``language``: the same, a prefix, or the same catalog by script."""
    wanted, given = language.lower().replace("_", "-"), tag.lower().replace("_", "-")
    return wanted == given or wanted.startswith(given + "-") or catalog.lower().replace("_", "-") == given
