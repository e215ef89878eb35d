"""The tripwire of deferrals: one receiver that defers far more than it used to gets no more of the mailing for now.

Its pending recipients are held: no claim sees them, so the others go on at the same cost. The next ``send`` frees them.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import Connection, case, func, literal_column, select, update

from publisher.audience.tables import domain_of, subscribers
from publisher.database.bulk import insert_once
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import literally, receiver_tallies, recipients
from publisher.providers.receivers import receiver_of

LEAST = 50  # deferrals of a mailing before anything is concluded
SHARE = 0.2  # of what is known of the mailing at this receiver; and that many times its history, if that is more
TIMES = 4
MOST = 0.9  # even a receiver that often defers has gone too far beyond this share

_T = receiver_tallies.c


def count(
    connection: Connection, mailing_id: int, accepted: Counter[str], deferred: Counter[str], *, again: bool = False
) -> bool:
    """Add to the counts by receiver (the nameless left out), and hold those back that defer far too much.

    Whether one more is held.

    ``again``: recipients of a held receiver may have become pending since, and are held as well.
    """
    tripped = False
    for receiver in sorted(name for name in accepted | deferred if name):
        key = {"mailing_id": mailing_id, "receiver": receiver}
        insert_once(connection, receiver_tallies, {**key, "accepted": 0, "deferred": 0})
        added = {"accepted": _T.accepted + accepted[receiver], "deferred": _T.deferred + deferred[receiver]}
        one = update(receiver_tallies).where(_T.mailing_id == mailing_id, _T.receiver == receiver)
        took, defers, held = connection.execute(one.values(added).returning(_T.accepted, _T.deferred, _T.held)).one()
        if not deferred[receiver] or (held is not None and not again):
            continue
        if held is not None or _far_above(connection, mailing_id, receiver, took, defers):
            more = _hold(connection, mailing_id, receiver)
            if more or held is not None:
                connection.execute(one.values(held=(held or 0) + more))
                tripped = tripped or held is None
    return tripped


def release(connection: Connection, mailing_id: int) -> None:
    """Free whoever is held. Their receivers begin anew, and the storm is no history."""
    storms = update(receiver_tallies).where(_T.mailing_id == mailing_id, _T.held.is_not(None))
    if connection.execute(storms.values(accepted=0, deferred=0, held=None)).rowcount:
        r = recipients.c
        held = (r.mailing_id == mailing_id, r.state == literally(RecipientState.PENDING), r.held == 1)
        time_to_come = case((r.not_before > datetime.now(UTC), literal_column("2")), else_=literal_column("0"))
        connection.execute(update(recipients).where(*held).values(held=time_to_come))


def _far_above(connection: Connection, mailing_id: int, receiver: str, took: int, defers: int) -> bool:
    if defers < LEAST:
        return False
    earlier = select(func.sum(_T.accepted), func.sum(_T.deferred))
    row = connection.execute(earlier.where(_T.receiver == receiver, _T.mailing_id != mailing_id)).one()
    before, deferred = (int(sum_ or 0) for sum_ in row)
    usual = deferred / (before + deferred) if deferred else 0.0
    return defers / (took + defers) >= min(max(SHARE, TIMES * usual), MOST)


def _hold(connection: Connection, mailing_id: int, receiver: str) -> int:
    r, s, domain = recipients.c, subscribers.c, domain_of(connection)
    free = (r.mailing_id == mailing_id, r.state == literally(RecipientState.PENDING), r.held != 1)
    joined = select(domain).distinct().join_from(recipients, subscribers, s.reference == r.reference).where(*free)
    theirs = [name for name in connection.execute(joined).scalars() if receiver_of(name) == receiver]
    references = select(s.reference).where(domain.in_(theirs))
    return connection.execute(update(recipients).where(*free, r.reference.in_(references)).values(held=1)).rowcount
