"""From a claim to an envelope: the values of a recipient's slots. Only those that the letter has are computed."""

from __future__ import annotations

from collections.abc import Callable

from publisher.audience.tokens import Tokens
from publisher.delivery.ledger import Claim
from publisher.edition.model import Slot
from publisher.mail.letter import Letter
from publisher.mail.message import Envelope

# What stands before and after a name, by language; an unnamed reader gets no greeting.
_GREETINGS = {"zh": ("", "，你好！"), "ja": ("", "様"), "en": ("Hello ", ",")}


def greeting(language: str, name: str) -> str:
    """A line that greets ``name`` in ``language``; empty without a name."""
    name = name.strip()[:80]
    before, after = _GREETINGS.get(language.partition("-")[0], _GREETINGS["en"])
    return f"{before}{name}{after}" if name else ""


def addresser(tokens: Tokens, letter: Letter, mailing: str) -> Callable[[str, Claim], Envelope]:
    """A function from recipient id and claim to the envelope. ``mailing`` is its opaque reference."""
    slots = letter.html.slots | letter.text.slots

    def address(recipient: str, claim: Claim) -> Envelope:
        unsubscribe = tokens.unsubscribe_url(claim.reference, mailing)
        values = dict.fromkeys(slots, "")
        if Slot.UNSUBSCRIBE_URL in slots:
            values[Slot.UNSUBSCRIBE_URL] = unsubscribe
        if Slot.PREFERENCES_URL in slots:
            values[Slot.PREFERENCES_URL] = tokens.preferences_url(claim.reference, mailing)
        if Slot.GREETING in slots:
            values[Slot.GREETING] = greeting(letter.language, claim.name)
        return Envelope(recipient, claim.address, unsubscribe, claim.attempt, values)

    return address
