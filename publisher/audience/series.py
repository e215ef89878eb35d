"""Enrolments in series, made by the person's confirmation or by an operator, and the steps already taken."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, literal, select

from publisher.audience.model import ConsentState
from publisher.audience.tables import enrolments, series, subscribers, taken_steps
from publisher.database.bulk import among, insert_into, insert_rows
from publisher.database.metadata import Instant


def known_series(connection: Connection) -> set[str]:
    """Names of the series that had a step ready in the newest run of publish."""
    return {row.name for row in connection.execute(select(series)) if row.steps}


def enrol(connection: Connection, ids: Collection[int], names: Collection[str], at: datetime) -> int:
    """Enrol those of these subscribers who are confirmed; return the number of new enrolments.

    A subscriber who was enrolled in a series before, however that ended, is not enrolled again.
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
"""Enrolments of one person as JSON values: ``{series: {started_at, steps}}``, with the steps' slugs."""


def ways(connection: Connection, people: Mapping[str, int]) -> dict[int, dict[str, dict[str, Any]]]:
    """Return the enrolments of ``people``, which are ids by reference; by id."""
    e, t = enrolments.c, taken_steps.c
    found: dict[int, dict[str, dict[str, Any]]] = {}
    theirs = select(enrolments).where(among(connection, e.subscriber_id, people.values())).order_by(e.series)
    for row in connection.execute(theirs):
        found.setdefault(row.subscriber_id, {})[row.series] = {"started_at": row.started_at.isoformat(), "steps": []}
    # by reference, the key of the steps: a join by a range of ids would read all steps each time
    taken = select(t.reference, t.step).where(among(connection, t.reference, people)).order_by(t.at, t.step)
    for reference, step in connection.execute(taken):
        name, way = step.split("/")[1], found.get(people[reference], {})
        if name in way:
            way[name]["steps"].append(step)
    return found


def restore(connection: Connection, people: Iterable[tuple[int, str, Way]], at: datetime) -> None:
    """Write exported enrolments of new subscribers (id, reference, enrolments); steps taken are not sent again."""
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
