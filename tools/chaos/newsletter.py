"""The newsletter that chaos mails: an issue in three variants by local time, and a series of two steps.

A third of the readers are in a zone in which the issue's time comes while the others are being mailed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, insert, select, update

from publisher.audience.tables import enrolments, subscribers, taken_steps
from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.states import Exclusion, RecipientState
from publisher.delivery.tables import mailings as mailing_table
from publisher.delivery.tables import recipients, unmatched_messages
from tests.delivery.world import person

_HERE = recipients.c.reason.is_distinct_from(Exclusion.CORRECTED.value)
"""Not one whom a later mailing took over."""

HELLO, BEST = "series/welcome/hello", "series/welcome/best-of"
ISSUE = "chaos"


def address(number: int) -> str:
    """Of the reader with this number, from 0."""
    return f"reader{number}@example.com"


@dataclass
class Newsletter:
    """A repository below ``root``, its database, and who is to get what (``wanted``: slug → addresses)."""

    root: Path
    database: Database
    wanted: dict[str, set[str]] = field(default_factory=dict)
    slugs: dict[str, str] = field(default_factory=dict)  # of each mailing that there ever was, by reference

    @classmethod
    def write(cls, root: Path, delivery: dict[str, Any]) -> None:
        """Write config.yaml and the series."""
        config = {
            "newsletter": {
                "name": "AI 周报", "language": "zh-CN", "timezone": "UTC", "url": "https://news.weekly.test/",
                "from": "AI 周报 <weekly@news.weekly.test>", "postal_address": "上海市南京东路 1 号, 200001",
            },
            "service": {"url": "https://letters.weekly.test/"},
            "audience": {"attributes": {"city": {"type": "text", "default": "上海"}}},
            "delivery": delivery,
        }  # fmt: skip
        (root / "issues").mkdir()
        (root / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        cls._step(root, "01-hello", "0", "欢迎。")
        cls._step(root, "02-best-of", "3d", "最好的。")

    @staticmethod
    def _step(root: Path, name: str, after: str, body: str) -> None:
        file = root / "series" / "welcome" / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\ntitle: {name[3:]}\nafter: {after}\nstatus: ready\n---\n{body}\n", encoding="utf-8")

    def edit(self) -> None:
        """Another edition of the second step."""
        self._step(self.root, "02-best-of", "3d", "最好的，改过的。")

    def subscribe(self, people: int) -> None:
        """Readers of three variants in two zones."""
        topics: tuple[list[str], ...] = ([], ["ai"], [])
        cities, zones = ("", "", "Berlin"), ("Asia/Tokyo", "Asia/Tokyo", "UTC")
        for low in range(0, people, 20_000):
            rows = [
                person(n, topics=topics[n % 3], attributes={"city": cities[n % 3]}, timezone=zones[n % 3])
                for n in range(low, min(people, low + 20_000))
            ]
            with self.database.begin() as connection:
                connection.execute(insert(subscribers), rows)

    def write_issue(self, people: int) -> None:
        """An issue that is due, for everybody: in Tokyo at once, in UTC after a minute or two."""
        at = datetime.now(UTC) + timedelta(seconds=60)
        folder = self.root / "issues" / ISSUE
        folder.mkdir()
        body = "正文。\n\n::: only topic:ai\n谈谈模型。\n:::\n\n::: only city:Berlin and not topic:ai\n谈谈柏林。\n:::"
        about = {"title": "一周", "date": at.date(), "status": "ready", "deliver_at": f"{at:%H:%M} local"}
        text = yaml.safe_dump(about, allow_unicode=True) + "items:\n  - headline: 第一条\n    body: |\n"
        (folder / "issue.yaml").write_text(text + "".join(f"      {line}\n" for line in body.split("\n")), "utf-8")
        self.wanted[ISSUE] = {address(number) for number in range(people)}

    def enrol(self, first: int, last: int) -> None:
        """Enrol the readers from ``first`` to before ``last`` in the series, now."""
        people = {address(number) for number in range(first, last)}
        with self.database.begin() as connection:
            chosen = select(subscribers.c.id).where(subscribers.c.address_key.in_(people))
            rows = [{"subscriber_id": key, "series": "welcome", "started_at": datetime.now(UTC)}
                    for key in connection.execute(chosen).scalars()]  # fmt: skip
            connection.execute(insert(enrolments), rows)
        self.wanted.setdefault(HELLO, set()).update(people)

    def pass_days(self) -> None:
        """Move the past back by more than three days: the second step is then due for everybody in the series."""
        then = datetime.now(UTC) - timedelta(days=3, minutes=1)
        with self.database.begin() as connection:
            connection.execute(update(enrolments).values(started_at=then))
            connection.execute(update(taken_steps).values(at=then))
            connection.execute(update(recipients).values(changed_at=then))
        self.wanted[BEST] = set(self.wanted[HELLO])

    def remember(self) -> None:
        """The existing mailings: a restored database may lack some."""
        with self.database.connect() as connection:
            rows = connection.execute(select(mailing_table.c.reference, mailing_table.c.slug))
            self.slugs |= {row[0]: row[1] for row in rows}

    def count(self, *states: RecipientState) -> int:
        """Recipients in these states, in all mailings."""
        query = select(func.count()).select_from(recipients).where(recipients.c.state.in_(states))
        with self.database.connect() as connection:
            return connection.execute(query).scalar_one()

    def fates(self) -> dict[tuple[str, str], str]:
        """The state of each reader in the mailings of each slug: by slug and address.

        A step proved by events of a mailing that a copy lacks counts as taken, although no recipient row shows it.
        """
        r, m, s, t = recipients.c, mailing_table.c, subscribers.c, taken_steps.c
        joined = recipients.join(mailing_table, m.id == r.mailing_id).join(subscribers, s.reference == r.reference)
        query = select(m.slug, s.address_key, r.state).select_from(joined).where(_HERE)
        taken = select(t.step, s.address_key).join(subscribers, s.reference == t.reference)
        with self.database.connect() as connection:
            of_steps = dict.fromkeys(connection.execute(taken), "taken")
            return of_steps | {(slug, who): state for slug, who, state in connection.execute(query)}

    def adds_up(self) -> bool:
        """Whether each mailing's account equals its audience, and each step was taken once by everybody who had it.

        That is everybody with a row of it, or named by an event of a mailing that a copy lacks.
        """
        with self.database.connect() as connection:
            every = [mailings.by_id(connection, key) for key in connection.scalars(select(mailing_table.c.id)).all()]
            fine = all(mailings.account(connection, one.id).audience == one.audience for one in every)
            rows = connection.execute(select(recipients.c.reference, mailing_table.c.slug).join(mailing_table)
                                      .where(mailing_table.c.slug.like("series/%"), _HERE)).all()  # fmt: skip
            u = unmatched_messages.c
            proved = connection.execute(select(u.reference, u.slug).where(u.slug.like("series/%"))).all()
            taken = connection.execute(select(taken_steps.c.reference, taken_steps.c.step)).all()
        once = len(rows) == len({*rows})
        return fine and once and {tuple(row) for row in (*rows, *proved)} == {tuple(row) for row in taken}
