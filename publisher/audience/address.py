"""Syntax check of an address, and the two keys it is stored under.

``address_key`` tells addresses apart and goes on the envelope: the domain in lower-case A-labels (RFC 5890), the local
part as given, because RFC 5321 section 2.4 leaves its case to the receiving server. ``mailbox_key`` is all in lower
case: no server in use keeps two inboxes that differ in case alone, so addresses with the same key get one message.

A local part outside ASCII (SMTPUTF8, RFC 6531) is refused: Amazon SES and many receiving servers cannot take it. An
internationalised domain is accepted.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from publisher.diagnostics import say

_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_SPECIAL = re.compile(r"(?:^|\.)(?:arpa|invalid|local|localhost|onion|test)$|--|\.\.")  # these need email_validator


class AddressError(ValueError):
    """Text that is not an address. The message gives the reason and never repeats the text."""


class Address(NamedTuple):
    """Checked address: as given, and its two keys."""

    address: str
    address_key: str
    mailbox_key: str


def read_address(text: str) -> Address:
    """Check the syntax of an address, without any DNS look-up. Raises AddressError."""
    text = text.strip()
    if (domain := _plain(text)) is None:
        return _read_slowly(text)
    key = text if text.endswith(domain) else text[: -len(domain)] + domain
    return Address(text, key, key if key.islower() else key.lower())


def check_address(text: str) -> None:
    """Raise AddressError if :func:`read_address` would, in half its time."""
    if _plain(text := text.strip()) is None:
        _read_slowly(text)


def _plain(text: str) -> str | None:
    """Return the lower-case domain of an address in the common ASCII form; None if email_validator has to check it."""
    local, _, domain = text.partition("@")
    return _domain(domain) if len(text) <= 254 and len(local) <= 64 and _LOCAL.fullmatch(local) else None


@lru_cache(maxsize=1 << 16)
def _domain(domain: str) -> str | None:
    lowered = domain if domain.islower() else domain.lower()
    return lowered if domain.isascii() and _DOMAIN.fullmatch(lowered) and not _SPECIAL.search(lowered) else None


@lru_cache(maxsize=4096)
def _read_slowly(text: str) -> Address:
    if not text:
        raise AddressError(say("the address is empty"))
    try:
        found = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise AddressError(_reason(text, str(error))) from None
    key = found.ascii_email
    if key is None:
        raise AddressError(say("the address cannot be written in ASCII"))
    return Address(text, key, key.lower())


def _reason(text: str, message: str) -> str:
    """Return the reason in our own words, without the address: email_validator quotes characters of it."""
    local, at, domain = text.rpartition("@")
    if not at:
        return say("the address has no @")
    if not local:
        return say("there is nothing before the @")
    if not domain:
        return say("there is nothing after the @")
    if "angle bracket" in message or "display name" in message.lower() or local.lower().startswith("mailto:"):
        return say("only the address may be here, without a name, angle brackets or mailto:")
    if hidden := next((sign for sign in text if unicodedata.category(sign) == "Cf"), ""):
        return say("the address holds an invisible U+{point}: type it again", point=f"{ord(hidden):04X}")
    if not local.isascii():
        return say("the part before the @ has letters outside ASCII, which many mail servers cannot deliver to")
    if "reserved" in message or "special-use" in message:
        return say("the part after the @ is a reserved name that no mail reaches")
    if "too long" in message:
        return say("the address is too long")
    if any(character.isspace() for character in text):
        return say("the address holds a space")
    if _LOCAL.fullmatch(local) or "after the @" in message.lower() or "domain" in message.lower():
        return say("the part after the @ is not valid")
    return say("the part before the @ is not valid")
