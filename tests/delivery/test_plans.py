"""Large sets on PostgreSQL: it compares ``IN (SELECT …)`` row by row once the hash table would exceed work_mem, which
is 170,000 inboxes at the default and 1,300 here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, literal, select, update

from publisher.audience.model import MONTHLY
from publisher.audience.own import export
from publisher.audience.series import enrol
from publisher.audience.tables import subscribers, suppressions
from publisher.database import Database, open_database
from publisher.database.metadata import Instant
from publisher.delivery.candidates import FamilyRule
from publisher.delivery.freeze import freeze, preview
from publisher.delivery.mailings import account
from publisher.delivery.series import Step, plan_steps
from publisher.delivery.states import Operator, RecipientState
from publisher.delivery.tables import mailings, recipients, unmatched_messages
from publisher.issue.translations import Sibling
from publisher.publishing.monthly import _LeftOut
from publisher.web.outbox import ask
from tests.delivery.world import add_people, make_config, make_letter

pytestmark = pytest.mark.postgres
NOW = datetime.now(UTC)


@pytest.fixture
def many(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """4,000 readers, as many suppressed mailboxes, and a cancelled mailing that reached most of them."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    opened = open_database(make_config(tmp_path))
    add_people(opened, 4_000)
    with opened.begin() as connection:
        freeze(connection, make_letter())
        s, r = subscribers.c, recipients.c
        gone = select("gone-" + s.mailbox_key, literal("bounce"), literal(""), literal(NOW, Instant))
        connection.execute(insert(suppressions).from_select(["mailbox_key", "reason", "detail", "at"], gone))
        connection.execute(update(recipients).where(r.number <= 3_900).values(state=RecipientState.SUBMITTED))
        connection.execute(update(mailings).values(operator=Operator.CANCELLED))
        connection.exec_driver_sql("ANALYZE")
    opened.close()

    def stint(driver: Any, _record: object) -> None:
        driver.execute("SET work_mem = '64kB'")
        driver.commit()

    event.listen(opened.engine, "connect", stint)
    yield opened
    opened.close()


@contextmanager
def planned(database: Database) -> Iterator[list[str]]:
    """Collects the plans of the statements that are executed."""
    plans: list[str] = []

    def explain(
        connection: Connection, _cursor: object, statement: str, values: Any, _context: object, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "WITH")) and not many:
            told = connection.connection.cursor()
            told.execute(f"EXPLAIN {statement}", values)
            plans.append("\n".join(row[0] for row in told.fetchall()))

    event.listen(database.engine, "before_cursor_execute", explain)
    yield plans
    event.remove(database.engine, "before_cursor_execute", explain)


def frozen_again(database: Database) -> None:
    with database.begin() as connection:
        freeze(connection, make_letter())


def frozen_translation(database: Database) -> None:
    family = FamilyRule((Sibling(make_letter().slug, "en"), Sibling("other", "de")), "en", late=True)
    with database.begin() as connection:
        preview(connection, "other", family=family)


def reached_by_lost_mail(database: Database) -> None:
    s, values = subscribers.c, {"mailing": "0" * 8, "at": NOW, "received_at": NOW, "slug": "lost"}
    theirs = select(*(literal(value, unmatched_messages.c[name].type) for name, value in values.items()))
    with database.begin() as connection:
        entered = insert(unmatched_messages).from_select(
            [*values, "number", "reference"], theirs.add_columns(s.id, s.reference)
        )
        connection.execute(entered)
        connection.exec_driver_sql("ANALYZE")
        preview(connection, "lost")


def exported(database: Database) -> None:
    with database.connect() as connection:
        export(connection, io.StringIO())


def asked(database: Database) -> None:
    with database.begin() as connection:
        ask(connection, NOW + timedelta(days=1), NOW)


def steps_planned(database: Database) -> None:
    with database.begin() as connection:
        enrol(connection, [*connection.scalars(select(subscribers.c.id))], ["hello"], NOW - timedelta(days=3))
        connection.exec_driver_sql("ANALYZE")
        plan_steps(connection, [Step(timedelta(days=n), str(n), f"series/hello/{n}") for n in range(2)], NOW)


def month_mailed(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(update(subscribers).values(digest=MONTHLY))
    with database.begin() as connection:
        freeze(connection, make_letter(slug="a"), now=datetime(2035, 2, 3, tzinfo=UTC))
        connection.exec_driver_sql("ANALYZE")
    with database.connect() as connection:
        month = _LeftOut.read(connection, make_config(Path()), date(2035, 2, 28))
    (key,) = month.parts
    with database.begin() as connection:
        made = freeze(
            connection, make_letter(slug="digest/2035-02"), month.key.in_([key]), variant=month.variant([key])
        )
        assert account(connection, made.id).pending == 4_000


@pytest.mark.parametrize(
    "do",
    [frozen_again, frozen_translation, reached_by_lost_mail, exported, asked, steps_planned, month_mailed],
    ids=lambda one: one.__name__,
)
def test_no_set_is_compared_row_by_row(many: Database, do: Callable[[Database], None]) -> None:
    with planned(many) as plans:
        do(many)
    assert plans
    assert not [plan for plan in plans if "Materialize" in plan.partition("SubPlan")[2]]
