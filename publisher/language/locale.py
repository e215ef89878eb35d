"""A language as shown to readers: :class:`Locale`, read from the folder ``locales/<language>/``."""

from __future__ import annotations

import gettext
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.language.tags import closest, covers, subtags

if TYPE_CHECKING:
    import datetime

    from babel import Locale as Cldr


LOCALES = Path(__file__).parent / "locales"
LABELS = {"email": "", "archive": "archive_", "service": "service_"}
"""Surfaces whose words ``labels`` in config.yaml may replace, and the prefixes of their names there."""
CATEGORIES = ("_zero", "_one", "_two", "_few", "_many")
_RTL = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg"})
_LATIN_SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial"
LATIN_SERIF = "Georgia,'Iowan Old Style','Palatino Linotype','Times New Roman',serif"
_PLACES = {"email": re.compile(r"%\((?P<name>\w+)\)[sd]|%%")}  # other surfaces have placeholders in braces
_BRACES = re.compile(r"\{(?P<name>\w+)\}")


class _Missing(gettext.NullTranslations):
    """Fallback that raises KeyError for a missing word, where gettext would return its name."""

    def pgettext(self, context: str, message: str) -> str:  # noqa: ARG002
        raise KeyError(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002
        raise KeyError(msgid1)


@cache
def spoken() -> tuple[str, ...]:
    """The languages with catalogs: the names of their folders."""
    return tuple(sorted(folder.name for folder in LOCALES.iterdir() if (folder / "LC_MESSAGES").is_dir()))


@cache
def nearest(tag: str) -> str | None:
    """The catalog for a BCP 47 tag (``zh_Hant`` for ``zh-TW``); None if there is none."""
    return closest(tag, spoken())


@cache
def catalog(language: str, domain: str = "publisher", *more: str) -> gettext.GNUTranslations:
    """Load a compiled catalog, with those of further domains as fallbacks. Raises FileNotFoundError."""
    found, *others = (_compiled(language, each) for each in (domain, *more))
    for other in (*others, _Missing()):
        found.add_fallback(other)
    return found


def _compiled(language: str, domain: str) -> gettext.GNUTranslations:
    with (LOCALES / language / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


@cache
def _setting(language: str) -> Mapping[str, str]:
    import yaml

    found: Mapping[str, str] = yaml.safe_load((LOCALES / language / "locale.yaml").read_text(encoding="utf-8"))
    return found


@cache
def every(surface: str, name: str) -> tuple[str, ...]:
    """A word without plural forms, in every language."""
    return tuple(catalog(language).pgettext(surface, name) for language in spoken())


@cache
def labels() -> dict[str, list[str]]:
    """Every name that ``labels`` may replace, with its English texts; names with a plural also by plural category."""
    from babel.messages.pofile import read_po

    with (LOCALES / "en" / "LC_MESSAGES" / "publisher.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    found: dict[str, list[str]] = {}
    for surface, prefix in LABELS.items():
        for message in (one for one in messages if one.context == surface):
            name, texts = message.id, message.string
            names = [name] if isinstance(name, str) else [name[0] + category for category in ("", *CATEGORIES)]
            found |= {prefix + one: [texts] if isinstance(texts, str) else [*(texts or ())] for one in names}
    return found


@lru_cache(maxsize=1024)
def _as_it_is(language: str, surface: str, name: str) -> str:
    """A word without placeholders filled in."""
    text = catalog(language).pgettext(surface, name)
    return text.replace("%%", "%") if surface in _PLACES else text


@dataclass(frozen=True, slots=True)
class Locale:
    """Settings and words of one language. ``locale("commentary")`` is a word of the email, as in themes.

    ``language`` is the requested tag, ``catalog`` the folder of its words, or English if there is none.
    """

    language: str
    catalog: str
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, language: str, labels: Mapping[str, Mapping[str, str]]) -> Locale:
        """Return the locale of a BCP 47 tag, with matching ``labels`` of config.yaml (the most specific tag wins)."""
        own: dict[str, str] = {}
        for tag, values in sorted(labels.items(), key=lambda pair: len(pair[0])):
            if covers(tag, language):
                own.update(values)
        return cls(language, nearest(language) or "en", tuple(sorted(own.items())))

    def __call__(self, name: str, /, **values: object) -> str:
        """Return a word of the email. Raises KeyError."""
        return self.word("email", name, **values)

    def word(self, surface: str, name: str, /, **values: object) -> str:
        """Return the word ``name`` with ``values`` filled in; the first integer among them selects the plural form.

        Placeholders without a value are left as they are. Raises KeyError.
        """
        if not values and not self.labels:
            return _as_it_is(self.catalog, surface, name)
        number = next((value for value in values.values() if isinstance(value, int)), None)
        text = self._label(surface, name, number) or self._translated(surface, name, number)
        return _PLACES.get(surface, _BRACES).sub(
            lambda place: "%" if place[0] == "%%" else str(values.get(place["name"], place[0])), text
        )

    def _label(self, surface: str, name: str, number: int | None) -> str | None:
        if not self.labels or surface not in LABELS:
            return None
        own, name = dict(self.labels), LABELS[surface] + name
        by_category = number is not None and own.get(f"{name}_{self.cldr.plural_form(number)}")
        return by_category or own.get(name)

    def _translated(self, surface: str, name: str, number: int | None) -> str:
        words = catalog(self.catalog)
        if number is not None:
            with suppress(KeyError):
                return words.npgettext(surface, name, name, number)
        return words.pgettext(surface, name)

    @property
    def cldr(self) -> Cldr:
        """The CLDR data of the language: dates, numbers and plural categories."""
        return _cldr(self.language)

    def date(self, day: datetime.date) -> str:
        """The full date in the language's format."""
        from babel.dates import format_date

        return format_date(day, format="long", locale=self.cldr)

    @property
    def decimal_comma(self) -> bool:
        """Whether the decimal separator is a comma."""
        from babel.numbers import get_decimal_symbol

        return get_decimal_symbol(self.cldr) == ","

    def month(self, day: datetime.date) -> str:
        """The month and year of a day."""
        from babel.dates import format_skeleton

        return format_skeleton("yMMMM", day, locale=self.cldr)

    @property
    def own_name(self) -> str:
        """The language's name for itself; without a region if it has a catalog (``English``)."""
        cldr = _cldr(self.catalog) if nearest(self.language) else self.cldr
        return cldr.get_display_name() or self.language

    def short_date(self, day: datetime.date) -> str:
        """Month and day, for lists grouped by year."""
        from babel.dates import format_skeleton

        return format_skeleton("MMMd", day, locale=self.cldr)

    def join(self, names: tuple[str, ...]) -> str:
        """Join names with the language's comma."""
        return self("comma").join(names)

    def greeting(self, name: str) -> str:
        """A line that greets a subscriber; empty without a name."""
        name = name.strip()[:80]
        return self("greeting", name=name) if name else ""

    @property
    def counts_characters(self) -> bool:
        """Whether length is measured in characters (Chinese, Japanese) instead of words."""
        return _setting(self.catalog).get("counts") == "characters"

    @property
    def runs_in(self) -> bool:
        """Whether the commentary's label begins its first line (it ends in a colon)."""
        return self("commentary").rstrip().endswith(("：", ":"))

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, for HTML's ``dir``."""
        return "rtl" if subtags(self.language).script in _RTL else "ltr"

    def turned(self, text: str) -> str | None:
        """The direction of a text whose first letter runs against the language's; see :func:`turned`."""
        return turned(text, self.direction)

    def steady(self, text: str) -> str:
        """Insert U+200E in right-to-left text beside signs that would move: ``C++``, ``.NET``, a telephone number."""
        if self.direction == "ltr" and not runs_late(text):
            return text
        return _TURNING.sub(lambda found: f"{found[0]}\u200e" if found[0][0].isalpha() else f"\u200e{found[0]}", text)

    @property
    def body_font(self) -> str:
        """The CSS font stack of running text: the language's own fonts, such as those for Han, or Latin ones."""
        own = _setting(self.catalog).get("fonts")
        return f"-apple-system,{own},Arial,sans-serif" if own else f"{_LATIN_SANS},sans-serif"

    @property
    def display_font(self) -> str:
        """The CSS font stack of titles and headlines."""
        return self.body_font if "fonts" in _setting(self.catalog) else LATIN_SERIF

    @property
    def serif_font(self) -> str:
        """The CSS font stack of serif text: Latin fonts, then the language's own."""
        own = _setting(self.catalog).get("serif")
        return LATIN_SERIF.replace("serif", f"{own},serif") if own else LATIN_SERIF

    @property
    def line_height(self) -> str:
        """The CSS line height; dense scripts need more."""
        return _setting(self.catalog).get("line_height", "1.65")

    @property
    def keeps_words(self) -> bool:
        """Whether lines may break only between words, although browsers break anywhere (Korean)."""
        return _setting(self.catalog).get("breaks") == "words"

    @property
    def timezone(self) -> str:
        """The default IANA time zone of a new newsletter in this language."""
        return _setting(self.catalog).get("timezone", "UTC")


class Words:
    """Words of one surface: ``words("saved")`` or ``words["saved"]``; ``values`` are filled into all of them."""

    def __init__(self, surface: str, locale: Locale, **values: object) -> None:
        self.words, self.language, self.direction = locale, locale.language, locale.direction
        self._surface, self._values = surface, values

    def __call__(self, name: str, /, **values: object) -> str:
        """Return the word ``name``. Raises KeyError."""
        return self.words.word(self._surface, name, **(self._values | values))

    def __getitem__(self, name: str) -> str:
        return self(name)


@cache
def _cldr(tag: str) -> Cldr:
    """The nearest CLDR locale of a tag, with likely subtags; English if there is none."""
    from babel import Locale as Cldr
    from babel import UnknownLocaleError

    parts = [part for part in re.split(r"[-_]", tag.strip()) if part]
    while parts:
        try:
            return Cldr.parse("_".join(parts))
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return Cldr("en")


_LATE = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_WORD = re.compile(r"[^\W\d_]\S*")
_TURNING = re.compile(
    r"(?<![A-Za-z0-9+#./@_-])(?:[A-Za-z][A-Za-z0-9]*(?:\+\+?|#)|\.[A-Z][A-Za-z]+|\+[0-9](?:[ \u00a0().-]*[0-9]){6,14})"
    r"(?![A-Za-z0-9+#])"
)
_OWN = 0.4  # share of words: an Arabic or Hebrew sentence may be full of Latin names


def turned(text: str, direction: str) -> str | None:
    """The direction of ``text`` if its first letter runs against ``direction``, otherwise None. It is ``direction``
    even so if at least two words in five run that way.
    """
    first = _WORD.search(text)
    if first is None or _way(first[0]) == direction:
        return None
    ways = [_way(word) for word in _WORD.findall(text)]
    return direction if ways.count(direction) >= _OWN * len(ways) else _way(first[0])


def runs_late(text: str) -> bool:
    """Whether a text contains right-to-left characters."""
    return not text.isascii() and _LATE.search(text) is not None


def _way(word: str) -> str:
    return "rtl" if _LATE.match(word) else "ltr"
