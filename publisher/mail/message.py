"""Compose an edition's message once: RFC 5322 headers and a multipart/alternative body with open slots.

The recipient's own parts (address, Message-ID, Date, unsubscribe link, slots) are filled into the encoded bytes.
Every value passes :mod:`publisher.mail.headers` to prevent header injection; an unsafe address is refused.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from publisher.config.audience import fits
from publisher.config.model import Config
from publisher.config.values import ascii_url
from publisher.database.failures import UnreadableError
from publisher.diagnostics import say
from publisher.diagnostics.width import cut
from publisher.edition.clicks import counted
from publisher.edition.model import AnySlot, Edition, EditionOrigin, Personal, Slot, Slotted
from publisher.issue.markdown.cjk import without_controls
from publisher.mail.encoding import Encoded, encode
from publisher.mail.headers import addr_spec, clean, mailbox, phrase_and, unstructured

LONGEST = 200
"""Maximum width of an attribute's value in columns; a longer value was not meant for display and is cut."""
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they would change the direction of the text that follows
ONE_CLICK = "List-Unsubscribe=One-Click"  # RFC 8058, section 3.1


@dataclass(frozen=True, slots=True)
class MailContent:
    """Content that a mailing freezes from an edition, so that a resumed mailing sends the same subject and bodies."""

    slug: str
    title: str
    subject: Slotted
    language: str
    digest: str
    commit: str | None
    html: Slotted
    text: Slotted
    origin: tuple[EditionOrigin, ...] = ()
    name: str = ""
    condition: str = ""
    variants: tuple[MailContent, ...] = ()
    """One content per variant; the first is for readers who meet no ``condition``. Empty if there are no variants."""
    links: tuple[tuple[int, str], ...] = ()
    """Number and target of each counted link, over all variants."""

    @classmethod
    def of(cls, edition: Edition | MailContent, *, counts: bool = True) -> MailContent:
        """Return the content of an edition, with counted links if ``counts``; a MailContent is returned unchanged."""
        if isinstance(edition, MailContent):
            return edition
        given = {name: getattr(edition, name) for name in (*_PLAIN, "html", "text", "origin")}
        own = cls(**given | {"subject": edition.mail_subject or Slotted((edition.subject,))})
        if counts and (clicks := edition.clicks):
            own = replace(own, html=counted(edition.html, clicks), links=clicks.links)
        variants = (
            replace(cls.of(one.edition, counts=counts), commit=own.commit, name=one.name, condition=one.condition)
            for one in edition.variants
        )
        return replace(own, variants=tuple(variants))

    @property
    def letters(self) -> tuple[MailContent, ...]:
        """The contents to mail, indexed by the variant number in a recipient's row."""
        return self.variants or (self,)

    @property
    def slots(self) -> frozenset[AnySlot]:
        """The slots in the subject and both bodies, without those of other variants."""
        return self.subject.slots | self.html.slots | self.text.slots

    def to_json(self) -> str:
        """Return the JSON that the ledger stores. Slots are objects and text is strings, so they cannot be confused."""
        return json.dumps(self._object(), ensure_ascii=False)

    def _object(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _PLAIN}
        plain["subject"] = _write(self.subject) if self.subject.slots else str(self.subject)
        bodies = {"html": _write(self.html), "text": _write(self.text)}
        told = plain | bodies | {"origin": [asdict(o) for o in self.origin]}
        told |= {"links": self.links} if self.links else {}
        told |= {"name": self.name, "condition": self.condition} if self.name else {}
        return told | ({"variants": [one._object() for one in self.variants]} if self.variants else {})

    @classmethod
    def from_json(cls, text: str) -> MailContent:
        """Parse the result of :meth:`to_json`. Raises UnreadableError."""
        try:
            return cls._of_object(json.loads(text))
        except (ValueError, KeyError, TypeError):
            raise UnreadableError(say("the letter of a mailing")) from None

    @classmethod
    def _of_object(cls, data: dict[str, Any]) -> MailContent:
        origin = tuple(
            EditionOrigin(**{**told, "reviewed_by": tuple(told["reviewed_by"])}) for told in data.get("origin", ())
        )
        plain = {name: data[name] for name in _PLAIN} | {name: data.get(name, "") for name in ("name", "condition")}
        plain["subject"] = _read([plain["subject"]] if isinstance(plain["subject"], str) else plain["subject"])
        variants = tuple(map(cls._of_object, data.get("variants", ())))
        links = tuple((int(number), str(target)) for number, target in data.get("links", ()))
        html, text = _read(data["html"]), _read(data["text"])
        return cls(**plain, html=html, text=text, origin=origin, variants=variants, links=links)


_PLAIN = ("slug", "title", "subject", "language", "digest", "commit")
_PERSONAL = "subscriber"


def _write(text: Slotted) -> list[str | dict[str, Any]]:
    return [_written(part) if isinstance(part, AnySlot) else part for part in text.parts]


def _written(slot: AnySlot) -> dict[str, Any]:
    return {"slot": _PERSONAL, **asdict(slot)} if isinstance(slot, Personal) else {"slot": slot.value}


def _read(parts: list[str | dict[str, Any]]) -> Slotted:
    return Slotted(tuple(_slot(part) if isinstance(part, dict) else part for part in parts))


def _slot(told: dict[str, Any]) -> AnySlot:
    if told["slot"] != _PERSONAL:
        return Slot(told["slot"])
    return Personal(**{name: told[name] for name in told if name != "slot"} | {"choices": tuple(told["choices"])})


@dataclass(frozen=True, slots=True)
class Envelope:
    """Recipient's part of a message. ``recipient`` is an opaque id; ``values`` are plain text and URLs."""

    recipient: str
    address: str
    unsubscribe_url: str
    attempt: int = 1
    values: Mapping[AnySlot, str] = field(default_factory=dict)
    composed: Composed | None = None
    """The recipient's own content, if one connection of a transport carries several contents of one sender."""

    @property
    def mailing(self) -> str:
        """The mailing's reference: the recipient id up to its last hyphen."""
        return self.recipient.rpartition("-")[0]

    def html_values(self) -> dict[AnySlot, str]:
        """The values, escaped for HTML text and attributes."""
        return {slot: in_html(slot, value) for slot, value in self.text_values().items()}

    def text_values(self) -> dict[AnySlot, str]:
        """The values for plain text."""
        values = {slot: clean(value) for slot, value in self.values.items()}
        return {slot: slot.encoded(value) if isinstance(slot, Personal) else value for slot, value in values.items()}


def value_in(slot: Personal, held: str | None) -> str:
    """Return a slot's text for a subscriber whose attribute has the value ``held``: one line, cut to LONGEST
    columns, or the slot's default if the value does not fit the attribute.
    """
    value = cut(one_line(held or ""), LONGEST)
    return value if value and fits(value, slot.type, slot.choices) else slot.default


def one_line(held: str) -> str:
    """Return what a subscriber wrote as one line, without control characters and marks that would turn what follows."""
    return clean(without_controls(_DIRECTIONS.sub("", held)))


def in_html(slot: AnySlot, text: str) -> str:
    """Return ``text`` escaped for HTML; an attribute's value is already encoded for its position."""
    return text if isinstance(slot, Personal) else html.escape(text)


@dataclass(frozen=True, slots=True)
class Composed:
    """Encoded message of an edition with open slots."""

    letter: MailContent
    sender: str  # the From header's value, encoded
    sender_address: str
    reply_to: str | None
    headers: tuple[tuple[str, str], ...]  # headers without From, Subject and MIME
    _head: bytes  # the headers up to the subject, which is included if it has no slots
    _rest: bytes  # the remaining headers
    _text: Encoded
    _html: Encoded
    _boundary: bytes

    def message(self, envelope: Envelope, date: datetime) -> bytes:
        """Return one recipient's message, lines ended by CRLF. Raises TransportError if the address is unusable."""
        if (letter := self.of(envelope)) is not self:
            return letter.message(envelope, date)
        local = f"{envelope.recipient}.{envelope.attempt}.{self.letter.digest[7:19]}"
        own = (
            f"To: {addr_spec(envelope.address)}\r\nDate: {format_datetime(date)}\r\n"
            f"Message-ID: <{local}@{self.sender_address.rpartition('@')[2]}>\r\n"
            f"List-Unsubscribe: <{clean(envelope.unsubscribe_url)}>\r\n"
        )
        text = {slot: value.encode() for slot, value in envelope.text_values().items()}
        markup = {slot: value.encode() for slot, value in envelope.html_values().items()}
        bodies = _part(self._boundary, "plain", self._text, text) + _part(self._boundary, "html", self._html, markup)
        subject = _subject(self.subject(envelope)) if self.letter.subject.slots else b""
        head = own.encode("ascii") + self._head + subject + self._rest
        return head + bodies + b"--" + self._boundary + b"--\r\n"

    def subject(self, envelope: Envelope) -> str:
        """The subject for one recipient, as plain text on one line."""
        return clean(self.letter.subject.with_values(envelope.text_values()))

    def of(self, envelope: Envelope) -> Composed:
        """The message to use for this envelope: its own if it has one, otherwise this one."""
        return envelope.composed or self


def compose(config: Config, edition: Edition | MailContent) -> Composed:
    """Encode the message of an edition, or its first variant. Raises TransportError for a bad ``newsletter.from``."""
    letter = MailContent.of(edition).letters[0]
    name, address = config.newsletter.sender
    sender, sender_address = mailbox(name or config.newsletter.name, address), addr_spec(address)
    reply_to = addr_spec(config.newsletter.answers) if config.newsletter.answers else None
    headers = _list_headers(config, letter, sender_address, reply_to)
    boundary = f"=_{letter.digest[7:39]}"  # =_ occurs in neither base64 nor quoted-printable (RFC 2045, 6.7)
    head = _field("From", sender) + (b"" if letter.subject.slots else _subject(str(letter.subject)))
    rest = [
        *([("Reply-To", reply_to)] if reply_to else []),
        *headers,
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
    ]
    lines = b"".join(_field(*one) for one in rest) + b"\r\n"
    encoded = (head, lines, encode(letter.text), encode(letter.html), boundary.encode())
    return Composed(letter, sender, sender_address, reply_to, headers, *encoded)


def _field(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("ascii")


def _subject(text: str) -> bytes:
    return _field("Subject", unstructured(text, "Subject"))


def _part(boundary: bytes, kind: str, body: Encoded, values: Mapping[AnySlot, bytes]) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {body.encoding}\r\n\r\n"
    return b"--" + boundary + b"\r\n" + head.encode() + body.fill(values)


def _list_headers(
    config: Config, letter: MailContent, sender: str, reply_to: str | None
) -> tuple[tuple[str, str], ...]:
    """RFC 2919 (List-Id), RFC 2369 (Help, Archive), RFC 8058 (Post), language, and the edition's digest and commit."""
    local, _, domain = sender.rpartition("@")
    identity = f"{'.'.join(part for part in local.split('.') if part)}.{domain}"
    origin = letter.digest + (f"; commit={letter.commit}" if letter.commit else "")
    return (
        ("List-Id", phrase_and(config.newsletter.name, f"<{identity}>")),
        ("List-Unsubscribe-Post", ONE_CLICK),
        *([("List-Help", f"<mailto:{reply_to}?subject=help>")] if reply_to else []),
        ("List-Archive", f"<{ascii_url(clean(config.newsletter.url))}>"),
        ("Content-Language", clean(letter.language)),
        ("X-Publisher-Edition", origin),
    )
