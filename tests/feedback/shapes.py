"""Events in the shapes that AWS documents, with names of our own."""

from __future__ import annotations

import json
from typing import Any

MAIL: dict[str, Any] = {
    "timestamp": "2026-05-04T08:00:02.012Z",
    "source": "Weekly <weekly@news.example.com>",
    "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/news.example.com",
    "sendingAccountId": "123456789012",
    "headersTruncated": False,
    "headers": [{"name": "Subject", "value": "Weekly"}],
    "commonHeaders": {"subject": "Weekly"},
}
OWN_TAGS = {"ses:configuration-set": ["newsletter"], "ses:from-domain": ["news.example.com"]}


def mail(message_id: str, *addresses: str, **tags: str) -> dict[str, Any]:
    """The ``mail`` object; without tags it is an identity notification's."""
    found = {**MAIL, "messageId": message_id, "destination": list(addresses)}
    if tags:
        found["tags"] = OWN_TAGS | {name: [value] for name, value in tags.items()}
    return found


def bounce(*addresses: str, type: str = "Permanent", subtype: str = "General", at: str = "09") -> dict[str, Any]:
    recipients = [
        {
            "emailAddress": address,
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": f"smtp; 550 5.1.1 <{address}>: user unknown",
        }
        for address in addresses
    ]
    return {
        "bounceType": type,
        "bounceSubType": subtype,
        "bouncedRecipients": recipients,
        "timestamp": f"2026-05-04T{at}:00:02.669Z",
        "feedbackId": "0100-f",
        "reportingMTA": "dsn; mta.example.com",
    }


def complaint(*addresses: str, type: str | None = "abuse") -> dict[str, Any]:
    found: dict[str, Any] = {
        "complainedRecipients": [{"emailAddress": address} for address in addresses],
        "timestamp": "2026-05-04T10:00:02.669Z",
        "feedbackId": "0100-c",
        "complaintSubType": None,
    }
    if type is not None:
        found |= {"userAgent": "Example/1.0", "complaintFeedbackType": type, "arrivalDate": "2026-05-04T08:00:02.669Z"}
    return found


def delivery(*addresses: str) -> dict[str, Any]:
    return {
        "timestamp": "2026-05-04T08:00:05.946Z",
        "processingTimeMillis": 3934,
        "recipients": list(addresses),
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": "192.0.2.1",
        "reportingMTA": "mta.example.com",
    }


def event(kind: str, mail: dict[str, Any], body: dict[str, Any] | None = None, key: str = "") -> str:
    """A configuration-set event as one line."""
    key = key or "".join(word if not i else word.title() for i, word in enumerate(kind.lower().split()))
    return json.dumps({"eventType": kind, key: body or {}, "mail": mail})


def notification(kind: str, mail: dict[str, Any], body: dict[str, Any]) -> str:
    """An identity notification as one line."""
    return json.dumps({"notificationType": kind, kind.lower(): body, "mail": mail})
