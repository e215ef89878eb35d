"""Bounces for good and complaints that harm a sender are told by events and status; the ordinary rest is not."""

import pytest

from publisher.delivery.status import statuses
from publisher.feedback.apply import tripped_by
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room

PEOPLE = 400


def told(room: Room, kind: str, count: int, **options: str) -> list[str]:
    """What a run of events sets off in which ``count`` of 400 readers bounce or complain; ``status`` says the same."""
    room.subscribe(*(f"reader{n}@example.com" for n in range(PEOPLE)))
    mailing = room.freeze()
    room.send(mailing)
    lines = []
    for address, recipient in [*room.recipients(mailing).items()][:count]:
        what = shapes.bounce(address, **options) if kind == "Bounce" else shapes.complaint(address, **options)
        lines.append(shapes.event(kind, shapes.mail(f"m-{recipient}", address, recipient=recipient), what))
    found = tripped_by(room.database, room.apply(*lines))
    assert not any(trip.stops for trip in found)
    assert [(one.name, one.message) for one in statuses(room.config, room.database, SLUG).tripped] == [
        (one.name, one.message) for one in found
    ]
    return [f"{one.name}: {one.message}" for one in found]


def test_bounces_for_good_from_a_twentieth_on_are_told(room: Room) -> None:
    assert told(room, "Bounce", 20) == [f"bounces: 20 of 400 messages of {SLUG} bounced for good"]


@pytest.mark.parametrize(("count", "options"), [(19, {}), (60, {"type": "Transient", "subtype": "MailboxFull"})])
def test_fewer_bounces_and_full_mailboxes_are_not_told(room: Room, count: int, options: dict[str, str]) -> None:
    assert told(room, "Bounce", count, **options) == []


def test_complaints_are_told_from_five_on_and_praise_is_none(room: Room) -> None:
    assert told(room, "Complaint", 5) == [f"complaints: 5 of 400 readers of {SLUG} called it spam"]


@pytest.mark.parametrize(("count", "options"), [(4, {}), (9, {"type": "not-spam"})])
def test_fewer_complaints_and_praise_are_not_told(room: Room, count: int, options: dict[str, str]) -> None:
    assert told(room, "Complaint", count, **options) == []
