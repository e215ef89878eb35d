"""A series in the world: who is due is frozen and mailed, over and over; and what must hold of it.

Each step once ever, never two a day, none after leaving, and nobody is left out who stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

from sqlalchemy import Connection, select

from publisher.audience.model import ConsentEvent, ConsentState
from publisher.audience.series import enrol
from publisher.audience.tables import consents, enrolments, subscribers, taken_steps
from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.lock import unknown_mail
from publisher.delivery.send import Options
from publisher.delivery.series import DAY, Step
from publisher.delivery.states import Operator
from publisher.mail.message import MailContent
from publisher.publishing import series as publishing
from tests.delivery.world import make_letter

__all__ = ["LETTERS", "SERIES", "STEPS", "enrol", "walk"]

if TYPE_CHECKING:
    from tests.simulation.world import World

SERIES = "welcome"
STEPS = [
    Step(timedelta(days=days), f"{number}.md", f"series/{SERIES}/{number}") for number, days in enumerate((0, 0, 2))
]
LETTERS = {step.slug: make_letter(slug=step.slug) for step in STEPS}
_TAKEN = (
    select(subscribers.c.address_key, taken_steps.c.step, taken_steps.c.at, enrolments.c.started_at)
    .join(taken_steps, taken_steps.c.reference == subscribers.c.reference)
    .join(enrolments, enrolments.c.subscriber_id == subscribers.c.id)
)


def walk(world: World, *, lives: bool = False) -> None:
    """One run of publish over the steps: the real choice of who is due, the real freeze, the real sender."""

    def mail(database: Database, _decision: object, letter: MailContent, _options: Options) -> None:
        world.mail(database, letter)

    def body(database: Database) -> None:
        run = SimpleNamespace(
            config=world.config,
            database=database,
            begin=database.begin,
            now=world.clock.now,
            mail=partial(mail, database),
        )
        proofs = [SimpleNamespace(slug=slug, issue=None, edition=letter) for slug, letter in LETTERS.items()]
        with patch.object(publishing, "ready_steps", lambda _config: STEPS):
            publishing.mail_steps(cast("Any", run), cast("Any", proofs), None, Options())

    world.process("walk", body, lives=lives)


def audit_message(world: World, slug: str, address: str, at: datetime) -> None:
    """Never two steps a day, but for what an operator allowed again."""
    before, was = world.stepped.get(address, (slug, at))
    world.stepped[address] = slug, at
    allowed = world.again[slug, address] or world.again[before, address]
    world.expect(before == slug or allowed or at - was >= DAY, f"{address} got {before} and {slug} within a day")


def audit_steps(world: World, connection: Connection) -> None:
    """Whoever left after the start takes no further step."""
    for address, step, at, started in connection.execute(_TAKEN):
        reader = world.readers.get(address)
        left = [when for when in reader.departures if started <= when < at] if reader else []
        world.expect(not left, f"{address} left at {left[:1]}, and was due for {step} at {at}")


def finish(world: World) -> None:
    """Days pass, with a run each: every reader who stayed has every step."""
    for slug in LETTERS:
        world.process("resume", partial(mailings.set_operator, slug=slug, wanted=Operator.GOING), lives=True)
    for _ in range(len(STEPS) + 2):
        world.clock.pass_by(timedelta(days=1))
        walk(world, lives=True)
        world.hear(everything=True, again=False)
        world.audit()


def nobody_is_left_out(world: World, database: Database, connection: Connection) -> None:
    """Every step is taken by all who were started, are there and never left."""
    if any(unknown_mail(database.engine.url, connection, slug) for slug in LETTERS):
        return
    e, s, c = enrolments.c, subscribers.c, consents.c
    left = select(c.id).where(c.subscriber_id == s.id, c.change == ConsentEvent.UNSUBSCRIBED).exists()
    stayed = select(s.address_key).join(enrolments, e.subscriber_id == s.id)
    stayed = stayed.where(s.state == ConsentState.CONFIRMED, ~left)
    taken = {(address, step) for address, step, *_ in connection.execute(_TAKEN)}
    for address in connection.scalars(stayed):
        lacks = [step.slug for step in STEPS if (address, step.slug) not in taken]
        world.expect(not lacks, f"{address} never was due for {lacks}")
