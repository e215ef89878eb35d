"""Slots that no author can forge.

While a theme renders, a slot is a marker; afterwards the text is cut at the markers into a :class:`Slotted`. Markers
hold a digest of the whole issue and configuration: a text that contained its own marker would have to contain its own
SHA-256. Being derived and not drawn, they are the same in every run.
"""

from __future__ import annotations

import hashlib
import re

from markupsafe import Markup

from publisher.edition.model import Slot, Slotted


class Slots:
    """The slots as a theme writes them: ``{{ slots.unsubscribe_url }}``."""

    def __init__(self, content: str) -> None:
        self.mark = "slot" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        self._pattern = re.compile(self.mark + "([0-9])z")
        self._order = tuple(Slot)

    def marker(self, slot: Slot) -> Markup:
        """What stands in the template's output for a slot: letters and digits alone."""
        return Markup(f"{self.mark}{self._order.index(slot)}z")  # noqa: S704

    @property
    def names(self) -> dict[str, Markup]:
        """For a template: each slot's marker by the slot's name."""
        return {slot.value: self.marker(slot) for slot in self._order}

    def cut(self, text: str) -> Slotted:
        """The text in parts, cut at the markers."""
        pieces = self._pattern.split(text)
        return Slotted(tuple(self._order[int(piece)] if n % 2 else piece for n, piece in enumerate(pieces)))
