"""A reader's way through series: the start, which an own confirmation or an operator makes, and the steps taken."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, literal, select

from publisher.audience.model import ConsentState
from publisher.audience.tables import enrolments, series, subscribers, taken_steps
from publisher.database.bulk import among, insert_into, insert_rows
from publisher.database.metadata import Instant


def known_series(connection: Connection) -> set[str]:
    """The series that the newest run of publish found a ready step of."""
    return {row.name for row in connection.execute(select(series)) if row.steps}


def enrol(connection: Connection, ids: Collection[int], names: Collection[str], at: datetime) -> int:
    """Start the confirmed among these subscribers on the way through the series; how many starts there were.

    Who was started once, whenever that was and whatever became of it, is not started again.
    """
    s, started = subscribers.c, 0
    for name in sorted(names):
        chosen = select(s.id, literal(name), literal(at, Instant)).where(
            among(connection, s.id, ids), s.state == ConsentState.CONFIRMED
        )
        statement = insert_into(connection, enrolments).from_select(["subscriber_id", "series", "started_at"], chosen)
        started += len(connection.execute(statement.on_conflict_do_nothing().returning(enrolments.c.series)).all())
    return started


Way = Mapping[str, Any]
"""One person's series as JSON values: ``{name: {started_at, steps}}``, the steps by their slugs."""


def ways(connection: Connection, first: int, last: int) -> dict[int, dict[str, dict[str, Any]]]:
    """The way of each subscriber, by id from ``first`` to ``last``, who has one."""
    e, s, t = enrolments.c, subscribers.c, taken_steps.c
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for row in connection.execute(select(enrolments).where(e.subscriber_id.between(first, last)).order_by(e.series)):
        way = found.setdefault(row.subscriber_id, {})
        way[row.series] = {"started_at": row.started_at.isoformat(), "steps": []}
    taken = select(s.id, t.step).join(subscribers, s.reference == t.reference).where(s.id.between(first, last))
    for key, step in connection.execute(taken.order_by(t.at, t.step)):
        name = step.split("/")[1]
        if name in found.get(key, {}):
            found[key][name]["steps"].append(step)
    return found


def restore(connection: Connection, people: Iterable[tuple[int, str, Way]], at: datetime) -> None:
    """Write the ways of an export for new subscribers, by id and reference: what they had they do not get again."""
    starts: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for key, reference, way in people:
        for name, told in way.items():
            started_at = datetime.fromisoformat(told["started_at"])
            starts.append({"subscriber_id": key, "series": name, "started_at": started_at})
            steps += ({"reference": reference, "step": step, "at": at} for step in told["steps"])
    insert_rows(connection, enrolments, starts)
    if steps:
        connection.execute(insert_into(connection, taken_steps).on_conflict_do_nothing(), steps)
