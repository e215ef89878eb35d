"""What the ledger knows about one person: for ``subscribers show``, which keeps nothing back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, select

from publisher.delivery.tables import mailings, recipients
from publisher.feedback.tables import feedback_events

_MOMENTS = ("changed_at", "delivered_at", "bounced_at", "complained_at")


def mailings_of(connection: Connection, reference: str) -> list[dict[str, Any]]:
    """Every mailing a subscriber was a recipient of or excluded from, oldest first, as JSON values."""
    joined = recipients.join(mailings, recipients.c.mailing_id == mailings.c.id)
    keys = ("state", "reason", "attempts", "bounce", "complaint", *_MOMENTS)
    statement = (
        select(mailings.c.slug, mailings.c.reference, recipients.c.number, *(recipients.c[key] for key in keys))
        .select_from(joined)
        .where(recipients.c.reference == reference)
        .order_by(mailings.c.id)
    )
    found = []
    for row in connection.execute(statement):
        values = {key: getattr(row, key) for key in keys}
        values |= {key: values[key].isoformat() for key in _MOMENTS if values[key] is not None}
        told = {key: value for key, value in values.items() if value is not None}
        events = _events(connection, row.reference, f"{row.reference}-{row.number}")
        found.append({"issue": row.slug, **told, **({"events": events} if events else {})})
    return found


def _events(connection: Connection, mailing: str, recipient: str) -> list[dict[str, Any]]:
    columns = [feedback_events.c[key] for key in ("at", "kind", "type", "subtype", "detail")]
    condition = and_(feedback_events.c.mailing == mailing, feedback_events.c.recipient == recipient)
    rows = connection.execute(select(*columns).where(condition).order_by(feedback_events.c.id))
    return [
        {key: value.isoformat() if key == "at" else value for key, value in row._mapping.items() if value}
        for row in rows
    ]
