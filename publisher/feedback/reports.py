"""Parse mail about our mail: delivery reports (RFC 3464) and complaints (RFC 5965) → an Event.

Anyone can write such mail, and every recipient knows how our Message-ID is made. A report is therefore accepted
only with the signed link from the List-Unsubscribe header of the returned message, which only its recipient has.
That link could end the subscription anyway, and a report can do no more. Addresses in reports are not read.
"""

import email
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from publisher.audience.tokens import Purpose, TokenPayload, Tokens
from publisher.diagnostics import say
from publisher.providers.events import BounceType, Event, EventError, EventKind
from publisher.providers.reading import plain, scrub

LARGEST = 2_000_000  # bytes read per message: the report precedes the returned message

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_LINK = re.compile(rf"/{Purpose.UNSUBSCRIBE}/([\w.~-]+)>?")
# RFC 3463: permanent codes that do not mean that the address is invalid. 5.1.7: our own address is refused; 5.7:
# policy, such as spam or DMARC.
_NOT_THE_ADDRESS = (
    ("5.2.2", "MailboxFull"), ("5.2.3", "MessageTooLarge"), ("5.3.4", "MessageTooLarge"), ("5.4.7", "Expired"),
    ("5.1.7", "ContentRejected"), ("5.1.8", "ContentRejected"), ("5.6.", "ContentRejected"),
    ("5.7.", "ContentRejected"),
)  # fmt: skip

Report = tuple[Event, TokenPayload]
"""Event without its recipient, and payload of the signed link."""


def is_automatic_reply(message: Message) -> bool:
    """Whether a message is an automatic reply (RFC 3834), for example "out of office", unrelated to our mail."""
    return str(message.get("Auto-Submitted", "")).strip().lower().startswith("auto-replied")


def parse_mail(data: bytes) -> Message:
    """Parse a message. Raises EventError."""
    try:
        return email.message_from_bytes(data[:LARGEST])
    except Exception:
        # The parser's exceptions for hostile mail are not documented: RecursionError, AssertionError, LookupError…
        raise EventError(say("a message that cannot be read")) from None


def read_report(message: Message, tokens: Tokens) -> Report:
    """Parse a report. Raises EventError if the message is not a report, or not about a message of ours."""
    try:
        return _read(message, tokens)
    except EventError:
        raise
    except Exception:
        raise EventError(say("a report that cannot be read")) from None


def _read(message: Message, tokens: Tokens) -> Report:
    parts = list(_parts(message))
    claim = next((found for part in parts if (found := _claim(part, tokens))), None)
    for part in parts:
        match part.get_content_type():
            case "message/delivery-status" | "message/global-delivery-status":
                event = _of_status(_blocks(part))
            case "message/feedback-report":
                event = _of_complaint(_blocks(part))
            case _:
                continue
        if claim is None:
            raise EventError(say("the report gives back no signed link of ours"))
        return replace(event, at=event.at or _moment(message.get("Date"))), claim
    raise EventError(say("no delivery report (RFC 3464) and no complaint (RFC 5965) is in it"))


def _parts(message: Message) -> Iterator[Message]:
    """Yield the message's parts, without those of the returned message."""
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts(part)
    else:
        yield message


def _claim(part: Message, tokens: Tokens) -> TokenPayload | None:
    """Return the payload of the signed link in the returned headers, or None."""
    match part.get_content_type():
        case "message/rfc822" | "message/global":
            inner = part.get_payload(0) if part.is_multipart() else None
            headers = inner if isinstance(inner, Message) else email.message_from_string(_text(part))
        case "text/rfc822-headers" | "message/global-headers" | "message/rfc822-headers":
            headers = email.message_from_string(_text(part))
        case _:
            return None
    for value in headers.get_all("List-Unsubscribe", []) if headers else []:
        for token in _LINK.findall("".join(str(value).split())):
            if claim := tokens.read(Purpose.UNSUBSCRIBE, token):
                return claim
    return None


def _blocks(part: Message) -> list[Message]:
    """Return the groups of fields in a report, which are separated by blank lines."""
    if part.is_multipart():
        return [block for block in part.get_payload() if isinstance(block, Message)]
    text = _text(part).replace("\r\n", "\n").strip()
    return [email.message_from_string(block) for block in re.split(r"\n[ \t]*\n", text)]


def _text(part: Message) -> str:
    """Return a leaf's decoded text; a payload that was parsed as a message is turned into text again."""
    if part.is_multipart():
        return "\n".join(str(inner) for inner in part.get_payload())
    data = part.get_payload(decode=True)
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _of_status(blocks: list[Message]) -> Event:
    """Return one event. A message has one address; if a server made several copies, one delivery is enough."""
    found = [_of_recipient(block) for block in blocks if block.get("Action")]
    if not found:
        raise EventError(say("a delivery report without Action"))
    event = min(found, key=lambda one: (EventKind.DELIVERY, EventKind.DELIVERY_DELAY, EventKind.BOUNCE).index(one.kind))
    return replace(event, at=event.at or next((_when(block) for block in blocks if _when(block)), None))


def _of_recipient(block: Message) -> Event:
    action = str(block["Action"]).split("(")[0].strip().lower()
    diagnostic = scrub(" ".join(str(block.get("Diagnostic-Code", "")).split()))
    at = _when(block)
    if action in {"delivered", "relayed", "expanded"}:
        return Event(EventKind.DELIVERY, "", at)
    status = _status(str(block.get("Status", "")), diagnostic)
    if action == "delayed":
        return Event(EventKind.DELIVERY_DELAY, "", at, type=status, detail=diagnostic)
    if action != "failed":
        raise EventError(say("a delivery report with an unknown Action"))
    type_, subtype = BounceType.PERMANENT, "General"
    if not status.startswith("5."):
        type_ = BounceType.TRANSIENT if status.startswith("4.") else BounceType.UNDETERMINED
    for prefix, fault in _NOT_THE_ADDRESS:
        if status == prefix or (prefix.endswith(".") and status.startswith(prefix)):
            type_, subtype = BounceType.TRANSIENT, fault
    detail = f"{status} {diagnostic}".strip()
    return Event(EventKind.BOUNCE, "", at, type=type_.value, subtype=subtype, detail=detail)


def _status(field: str, diagnostic: str) -> str:
    """Return the RFC 3463 code, from ``diagnostic`` if ``field`` has only the class of the code."""
    own, said = _STATUS.search(field), _STATUS.search(diagnostic)
    vague = own is None or own[0][1:] == ".0.0"
    found = said if vague and said and (own is None or said[1] == own[1]) else own
    return found[0] if found else ""


def _of_complaint(blocks: list[Message]) -> Event:
    fields = blocks[0] if blocks else Message()
    kind = plain(str(fields.get("Feedback-Type", "")).strip().lower(), 64)
    if kind not in {"abuse", "fraud", "virus", "other", "opt-out", "not-spam"}:
        raise EventError(say("a feedback report that is no complaint"))
    return Event(EventKind.COMPLAINT, "", _when(fields) or _moment(fields.get("Received-Date")), type=kind)


def _when(block: Message) -> datetime | None:
    return _moment(block.get("Last-Attempt-Date")) or _moment(block.get("Arrival-Date"))


def _moment(value: object) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
