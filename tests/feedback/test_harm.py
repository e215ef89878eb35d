"""High rates of permanent bounces and complaints are reported by events and status; ordinary ones are not."""

import pytest
from sqlalchemy import update

from publisher.delivery.mailings import letter_of, newest
from publisher.delivery.send import Options, send
from publisher.delivery.status import statuses
from publisher.delivery.tables import recipients
from publisher.feedback.apply import tripped_by
from publisher.testing import FakeTransport
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


def test_permanent_bounces_are_reported_from_a_twentieth_on(room: Room) -> None:
    assert told(room, "Bounce", 20) == [f"bounces: 20 of 400 messages of {SLUG} bounced for good"]


def test_the_send_that_ends_says_what_came_in_while_it_mailed(room: Room) -> None:
    told(room, "Bounce", 20)
    with room.database.begin() as connection:  # who had no turn yet
        connection.execute(update(recipients).where(recipients.c.number == PEOPLE).values(state="pending", attempts=0))
    with room.database.connect() as connection:
        mailing = newest(connection, SLUG)
        assert mailing
        letter = letter_of(connection, mailing.id)
    sent = send(room.config, room.database, letter, Options(transport=FakeTransport(), despite_tripwires=True))
    assert [trip.name for trip in sent.tripped if trip.name != "reached-twice"] == ["bounces"]
    assert sent.account.submitted == PEOPLE


@pytest.mark.parametrize(("count", "options"), [(19, {}), (60, {"type": "Transient", "subtype": "MailboxFull"})])
def test_fewer_bounces_and_full_mailboxes_are_not_told(room: Room, count: int, options: dict[str, str]) -> None:
    assert told(room, "Bounce", count, **options) == []


def test_complaints_are_reported_from_five_on_and_praise_is_none(room: Room) -> None:
    assert told(room, "Complaint", 5) == [f"complaints: 5 of 400 readers of {SLUG} called it spam"]


@pytest.mark.parametrize(("count", "options"), [(4, {}), (9, {"type": "not-spam"})])
def test_fewer_complaints_and_praise_are_not_told(room: Room, count: int, options: dict[str, str]) -> None:
    assert told(room, "Complaint", count, **options) == []
