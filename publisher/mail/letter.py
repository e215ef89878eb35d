"""What is mailed: the part of an edition that a mailing freezes, so that a resumed one sends the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from publisher.database.failures import UnreadableError
from publisher.edition.model import Edition, Slot, Slotted


@dataclass(frozen=True, slots=True)
class MailContent:
    """Subject and bodies of an edition, with what its headers say of it. ``digest`` is the edition's."""

    slug: str
    title: str
    subject: str
    language: str
    digest: str
    commit: str | None
    html: Slotted
    text: Slotted

    @classmethod
    def of(cls, edition: Edition) -> MailContent:
        """The letter of an edition."""
        return cls(
            edition.slug,
            edition.title,
            edition.subject,
            edition.language,
            edition.digest,
            edition.commit,
            edition.html,
            edition.text,
        )

    def to_json(self) -> str:
        """As the ledger keeps it. A slot is written as an object, so that no text can be taken for one."""
        return json.dumps(
            {
                **{name: getattr(self, name) for name in _PLAIN},
                "html": _write(self.html),
                "text": _write(self.text),
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> MailContent:
        """The letter that :meth:`to_json` wrote. Raises UnreadableError."""
        try:
            data: dict[str, Any] = json.loads(text)
            return cls(**{name: data[name] for name in _PLAIN}, html=_read(data["html"]), text=_read(data["text"]))
        except (ValueError, KeyError, TypeError):
            raise UnreadableError("the letter of a mailing") from None


_PLAIN = ("slug", "title", "subject", "language", "digest", "commit")


def _write(text: Slotted) -> list[str | dict[str, str]]:
    return [{"slot": part.value} if isinstance(part, Slot) else part for part in text.parts]


def _read(parts: list[str | dict[str, str]]) -> Slotted:
    return Slotted(tuple(Slot(part["slot"]) if isinstance(part, dict) else part for part in parts))
