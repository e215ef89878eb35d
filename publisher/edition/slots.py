"""Slots that authors cannot forge.

While a theme renders, a slot is a marker; afterwards the text is cut at the markers into a :class:`Slotted`. Markers
contain a digest of the whole issue and configuration: a text with its own marker would have to contain its own SHA-256.
Because they are derived and not random, they are the same in every run.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Self, TypeVar

from jinja2 import TemplateRuntimeError
from markupsafe import Markup

from publisher.config import Config
from publisher.config.audience import AttributeConfig
from publisher.diagnostics import say
from publisher.diagnostics.width import cut
from publisher.edition.model import AnySlot, Personal, Slot, SlotPlace, Slotted
from publisher.issue.markdown.cjk import FULL_WIDTH_PUNCTUATION
from publisher.issue.model import Issue
from publisher.issue.personal import PLACEHOLDER, default_of
from publisher.regex import regex

MARKER = regex("slot[0-9a-f]{40}")
_CODE = regex("([0-9]|[pu][0-9]+)z")
_T = TypeVar("_T")
_TAG = regex(r'<style\b.*?</style>|<[a-zA-Z](?:[^<>"]|"[^"]*")*>', re.DOTALL)
_NO_WORDS = regex(r'<style\b.*|\s(?!(?:alt|title|aria-label)=)[^\s=<>"]+="[^"]*"', re.DOTALL)
_AROUND = rf"\s<>“”‘’…{FULL_WIDTH_PUNCTUATION}"
_ADDRESS = regex(  # each alternative can begin in few places, so that long words do not make matching slow
    rf"(?:[a-z][a-z0-9+.-]{{,30}}://|mailto:|(?<![^{_AROUND}@])[^\s<>@]+@[^\s<>@?]+\?)[^{_AROUND}]*", re.IGNORECASE
)


class Slots:
    """Slots as a theme writes them, ``{{ slots.unsubscribe_url }}`` and ``{{ subscriber.city }}``. Authors may write
    the latter too; of ``attributes``, those with a default are filled in.
    """

    def __init__(self, content: str, attributes: Mapping[str, AttributeConfig] | None = None) -> None:
        self.mark = "slot" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        self.subscriber = SubscriberMarkers(self)
        self._attributes = attributes or {}
        self._numbers: dict[str, int] = {}  # placeholder → the number in its marker
        self._written: list[str] = []  # number → placeholder

    @classmethod
    def of(cls, issue: Issue, config: Config) -> Self:
        """Create the slots of an issue's edition."""
        return cls(repr((issue, config.newsletter, config.labels)), config.audience.attributes)

    @property
    def names(self) -> dict[str, Markup]:
        """Markers by slot name, for templates; they consist of letters and digits only."""
        return {slot.value: Markup(f"{self.mark}{number}z") for number, slot in enumerate(Slot)}  # noqa: S704

    def marked(self, text: str) -> str:
        """Replace the placeholders of attributes in a text by markers."""
        return PLACEHOLDER.sub(self._mark, text) if "{{" in text else text

    def _mark(self, found: re.Match[str]) -> str:
        if default_of(found, self._attributes) is None:
            return found[0]
        number = self._numbers.setdefault(found[0], len(self._written))
        if number == len(self._written):
            self._written.append(found[0])
        return f"{self.mark}p{number}z"

    def written(self, text: str) -> str:
        """Replace the markers in a text by the placeholders as written."""
        pieces = between(text, self.mark, _CODE)
        return "".join(self._written[int(piece[1:])] if n % 2 else piece for n, piece in enumerate(pieces))

    def cut(self, text: str, *, markup: bool = False) -> Slotted:
        """Cut a text at its markers. ``markup``: it is HTML, whose attributes are in double quotes."""
        if self.mark + "p" in text:
            text = _TAG.sub(lambda tag: _NO_WORDS.sub(self._as_url, tag[0]), text) if markup else text
            text = text if markup else _ADDRESS.sub(self._as_url, text)
        pieces = enumerate(between(text, self.mark, _CODE))
        return Slotted(tuple(self._slot(piece, markup) if n % 2 else piece for n, piece in pieces))

    def _as_url(self, found: re.Match[str]) -> str:
        return found[0].replace(self.mark + "p", self.mark + "u")

    def _slot(self, code: str, markup: bool) -> AnySlot:
        if code.isdigit():
            return tuple(Slot)[int(code)]
        found = PLACEHOLDER.fullmatch(self._written[int(code[1:])])
        assert found
        known = self._attributes[found[1]]
        place: SlotPlace = "url" if code[0] == "u" else "html" if markup else "text"
        return Personal(found[1], known.default or "", place, known.type, known.choices)

    def shown(self, value: _T) -> _T:
        """Replace the markers in a value of strings, tuples and dataclasses by default values."""
        if not self._written:
            return value
        found: Any = value
        if isinstance(value, str):
            found = type(value)(self.cut(value, markup=isinstance(value, Markup))) if self.mark in value else value
        elif isinstance(value, tuple):
            found = tuple(map(self.shown, value))
        elif is_dataclass(value) and not isinstance(value, type):
            found = replace(value, **{field.name: self.shown(getattr(value, field.name)) for field in fields(value)})
        return found  # type: ignore[no-any-return]

    def shortened(self, line: str, columns: int) -> str:
        """Cut a line with markers to ``columns``, measured with default values; a marker is never split."""
        whole = self.shown(line)
        if (short := cut(whole, columns)) in {whole, cut(line, columns)}:
            return line if short == whole else short
        kept, room = "", len(short) - 1
        for piece in re.split(f"({self.mark}p[0-9]+z)", line):
            said = self.shown(piece)
            if said != piece and len(said) > room:
                break
            kept += piece if said != piece else piece[:room]
            room -= min(room, len(said))
        return kept.rstrip() + "…"


def between(text: str, mark: str, code: re.Pattern[str]) -> list[str]:
    """Split a text at each ``mark`` followed by ``code``: the texts and the first groups of ``code`` alternate. One
    pattern of both would do the same, but would have to be compiled for each issue.
    """
    first, *more = str(text).split(mark)
    pieces = [first]
    for piece in more:
        if found := code.match(piece):
            pieces += [found[1], piece[found.end() :]]
        else:
            pieces[-1] += mark + piece
    return pieces


class SubscriberMarkers:
    """The template variable ``subscriber``: a marker for each attribute that has a default."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def __getitem__(self, name: str) -> Markup:
        written = f"{{{{ subscriber.{name} }}}}"
        if (marked := self._slots.marked(written)) == written:
            told = say("audience.attributes of config.yaml has no {name} with a default", name=name)
            raise TemplateRuntimeError(told)
        return Markup(marked)  # noqa: S704
