"""The words of the readers' pages and of the confirmation mail, by language.

``labels`` in config.yaml overrides a word: ``labels: {en: {service_confirm_button: Yes, please}}``.
"""

from __future__ import annotations

from pathlib import Path

from publisher.config import Config
from publisher.edition.language import Words, catalogs_of

_ROOM = Path(__file__).parent


def declared() -> dict[str, list[str]]:
    """Every word that ``labels`` may replace, with its text in English and what every word may hold."""
    return {f"service_{name}": [text, "{newsletter}"] for name, text in catalogs_of(_ROOM)["en"].items()}


class ServiceWords:
    """``say("confirmed")``: a word, with the newsletter's name filled in."""

    def __init__(self, language: str, config: Config) -> None:
        self.language = language
        self.words = Words.of(language, config)
        self.direction = self.words.direction
        self._values = {"newsletter": config.newsletter.name}
        self._catalog = self.words.of_room(_ROOM, "service_")

    def __call__(self, name: str, /, **values: object) -> str:
        """The word by that name; ``{newsletter}`` and ``values`` are replaced, other braces are left as they are."""
        text = self._catalog[name]
        for key, value in (self._values | values).items():
            text = text.replace(f"{{{key}}}", str(value))
        return text
