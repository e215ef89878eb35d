"""``archive-mailings``: old mailings folded, questions still answered, nobody mailed again, and undone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from publisher.audience import store as audience
from publisher.audience.address import read_address
from publisher.database.bulk import insert_rows
from publisher.delivery import folding
from publisher.delivery.candidates import FamilyRule
from publisher.delivery.freeze import freeze
from publisher.delivery.mailings import Mailing, set_operator, was_mailed
from publisher.delivery.tables import folded_recipients, foldings, mailings, recipients
from publisher.errors import DatabaseError, UsageError
from publisher.feedback.tables import feedback_events
from publisher.insights.store import answers_to, fold_mailing, mailings_of, report
from publisher.issue.translations import Sibling
from publisher.web.outbox import ask
from tests.delivery.world import make_letter
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room, open_room, uncertain
from tests.warm import command

ANN, BEN, CAT, DAN, EVE = (f"{name}@example.com" for name in ("ann", "ben", "cat", "dan", "eve"))
NOW = datetime.now(UTC)
LONG_AGO, YEAR_AGO = NOW - timedelta(days=400), NOW - timedelta(days=365)


@pytest.fixture
def room(dialect: str, tmp_path: Path) -> Iterator[Room]:
    found = open_room(tmp_path)
    feedback = found.config.feedback.model_copy(update={"opens_and_clicks": True})
    found.config = found.config.model_copy(update={"feedback": feedback})
    yield found
    found.database.close()


@pytest.fixture
def mailing(room: Room) -> Mailing:
    """Four readers long ago, of whom one got it, one bounced for a time, one opened it, one was excluded."""
    room.subscribe(ANN, BEN, CAT, DAN)
    with room.database.begin() as connection:
        connection.execute(
            update(audience.subscribers).where(audience.subscribers.c.address == DAN).values(state="pending")
        )
    made = room.freeze()
    room.send(made)
    room.apply(
        event(room, "Delivery", ANN, shapes.delivery(ANN)),
        event(room, "Bounce", BEN, shapes.bounce(BEN, type="Transient", subtype="MailboxFull")),
        event(room, "Open", CAT, {"userAgent": "Thunderbird", "timestamp": "2025-05-04T09:00:00Z"}),
    )
    age(room, made.slug)
    return room.newest(SLUG)


def event(room: Room, kind: str, address: str, body: dict[str, Any] | None = None) -> str:
    recipient = room.recipients_of(SLUG)[address]
    return shapes.event(kind, shapes.mail(f"m-{recipient}", address, recipient=recipient), body or {})


def age(room: Room, slug: str) -> None:
    with room.database.begin() as connection:
        ended = update(mailings).where(mailings.c.slug == slug)
        connection.execute(ended.values(frozen_at=LONG_AGO, finished_at=LONG_AGO))


def folded(room: Room, mailing: Mailing) -> bool:
    return fold_mailing(room.database, room.config, mailing, YEAR_AGO, NOW)


def rows(room: Room) -> list[tuple[Any, ...]]:
    """Every recipient as the database has it."""
    with room.database.connect() as connection:
        return [
            tuple(row) for row in connection.exec_driver_sql("SELECT * FROM recipients ORDER BY mailing_id, number")
        ]


def reference(room: Room, address: str) -> str:
    with room.database.connect() as connection:
        found = audience.find(connection, read_address(address))
    assert found
    return found.reference


def foldable(room: Room) -> list[str]:
    with room.database.connect() as connection:
        return [one.slug for one in folding.foldable(connection, YEAR_AGO)]


def run(room: Room, *words: str) -> Any:
    config = "newsletter: {name: Weekly, url: https://news.example.com/, from: W <w@news.example.com>}\n"
    (room.config.root / "config.yaml").write_text(config + "feedback: {opens_and_clicks: true}\n")
    url = os.environ.get("PUBLISHER_DATABASE_URL")
    return command(room.config.root, *words, environment={"PUBLISHER_DATABASE_URL": url} if url else {})


def test_every_question_has_the_same_answer_folded_and_the_rows_come_back_to_the_byte(
    room: Room, mailing: Mailing
) -> None:
    def told() -> list[Any]:
        with room.database.connect() as connection:
            got = mailings_of(connection, reference(room, BEN))
            known = was_mailed(connection, reference(room, ANN)) or any(
                folding.all_of(connection, reference(room, ANN))
            )
        found = report(room.database, room.config, SLUG)
        assert found
        status = json.loads(run(room, "status", SLUG, "--format", "json").stdout)
        status.pop("folded_at", None)
        return [status, room.account(), answers_to(room.database, SLUG), got, known, vars_of(found)]

    def vars_of(found: Any) -> dict[str, Any]:
        return {name: getattr(found, name) for name in found.__slots__ if name != "folded_at"}

    before, kept = told(), rows(room)
    assert folded(room, mailing)
    assert rows(room) == []
    assert told() == before
    assert folding.unfold(room.database, SLUG) == 4
    assert rows(room) == kept
    assert told() == before
    with room.database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(folded_recipients)) == 0
        assert connection.scalar(select(func.count()).select_from(foldings)) == 0


def test_a_late_bounce_suppresses_a_reader_whose_mailing_is_folded(room: Room, mailing: Mailing) -> None:
    late = event(room, "Bounce", ANN, shapes.bounce("forwarded@elsewhere.example"))
    account = room.account()
    assert folded(room, mailing)
    with room.database.connect() as connection:
        held = [folding.find(connection, mailing.reference, number) for number in range(6)]
    assert [one and one.row["number"] for one in held] == [None, 1, 2, 3, 4, None]
    applied = room.apply(late)
    assert (applied.changed, applied.waiting) == (0, 0)
    assert room.suppressed() == {ANN: "bounce"}
    assert room.account() == account
    assert room.apply(late).suppressed == {}


def test_nobody_is_mailed_an_issue_that_is_folded(room: Room, mailing: Mailing) -> None:
    with room.database.begin() as connection:
        connection.execute(update(mailings).values(operator="cancelled"))
    assert folded(room, mailing)
    room.subscribe(EVE)
    with pytest.raises(UsageError, match="is folded, and whom it reached is not at hand"):
        room.freeze()
    with pytest.raises(UsageError, match="cancelled for good"):
        set_operator(room.database, SLUG, "going")
    folding.unfold(room.database, SLUG)
    again = room.freeze()
    assert list(room.recipients(again)) == [ANN, BEN, CAT, DAN, EVE]
    assert room.account().pending == 1  # she alone is new


def test_nobody_is_mailed_a_translation_of_an_issue_that_is_folded(room: Room, mailing: Mailing) -> None:
    assert folded(room, mailing)
    family = FamilyRule((Sibling(SLUG, "zh-CN"), Sibling("weekly-en", "en")), "zh-CN", shared=False, late=True)
    with (
        room.database.begin() as connection,
        pytest.raises(UsageError, match=f"{SLUG} is folded, and whom it reached is not at hand"),
    ):
        freeze(connection, make_letter(slug="weekly-en"), family=family)


def test_a_mailing_that_ended_is_gone_on_with_and_mails_nobody(room: Room, mailing: Mailing) -> None:
    assert folded(room, mailing)
    room.subscribe(EVE)
    assert room.freeze() == mailing
    assert room.account().left == 0


@pytest.mark.parametrize("why", ["young", "pending", "claimed", "uncertain", "copy", "second", "step", "under way"])
def test_a_mailing_that_might_still_mail_somebody_is_not_folded(room: Room, mailing: Mailing, why: str) -> None:
    assert foldable(room) == [SLUG]
    r, m = recipients.c, mailings.c
    with room.database.begin() as connection:
        if why == "young":
            connection.execute(update(mailings).values(finished_at=NOW - timedelta(days=364)))
        elif why == "under way":
            connection.execute(update(mailings).values(finished_at=None))
        elif why == "step":
            connection.execute(update(mailings).values(slug="series/welcome/01-hello"))
        elif why == "copy":
            insert_rows(
                connection,
                folding.second_copies,
                [{"mailing_id": mailing.id, "number": 1, "message_id": "x", "at": NOW}],
            )
        elif why != "second":
            connection.execute(update(recipients).where(r.number == 1).values(state=why))
            connection.execute(update(mailings).where(m.id == mailing.id).values(operator="cancelled"))
    if why == "second":  # a second mailing of the issue, of today
        with room.database.begin() as connection:
            connection.execute(update(mailings).values(operator="cancelled"))
        room.freeze()
    assert foldable(room) == []
    assert not folded(room, mailing)


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """The run ends in its second batch."""
    real, calls = getattr(folding, name), count()

    def die(*given: Any) -> Any:
        if next(calls):
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(folding, name, die)
        yield
        pytest.fail("it was not interrupted")


def test_a_folding_that_was_interrupted_goes_on_and_so_does_its_undoing(
    room: Room, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "BATCH", 1)
    kept, account = rows(room), room.account()

    with interrupted(monkeypatch, "insert"):
        folded(room, mailing)
    assert (rows(room), room.account()) == (kept[1:], account)
    assert foldable(room) == [SLUG]
    late = event(room, "Bounce", BEN, shapes.bounce(BEN))
    room.apply(late)  # its row is not packed yet
    assert room.account() == account
    assert folded(room, mailing)
    with interrupted(monkeypatch, "insert_rows"):
        folding.unfold(room.database, SLUG)
    assert rows(room) == kept[:1]
    assert room.account() == account
    assert folding.unfold(room.database, SLUG) == 3
    assert [row for row in rows(room) if row[1] != 2] == [row for row in kept if row[1] != 2]
    assert room.account().bounced == account.bounced


def test_an_undoing_beside_a_folding_strands_nobody(
    room: Room, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "BATCH", 1)
    kept = rows(room)
    with interrupted(monkeypatch, "insert"):
        folded(room, mailing)
    folding.unfold(room.database, SLUG)  # between two batches of the other
    folding.pack(room.database, mailing.id)
    assert rows(room) == kept


def test_packed_rows_that_were_changed_do_not_come_back(room: Room, mailing: Mailing) -> None:
    assert folded(room, mailing)
    with room.database.begin() as connection:
        connection.execute(update(folded_recipients).values(digest="0" * 64))
    with pytest.raises(DatabaseError, match="packed recipients are damaged"):
        folding.unfold(room.database, SLUG)
    with room.database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(folded_recipients)) == 1


def test_who_opened_a_folded_mailing_is_not_asked_whether_they_read(room: Room, mailing: Mailing) -> None:
    with room.database.begin() as connection:
        connection.execute(update(audience.subscribers).values(created_at=LONG_AGO))
        connection.exec_driver_sql(
            "DROP TRIGGER consents_append_only" + " ON consents" * (connection.dialect.name != "sqlite")
        )
        connection.execute(update(audience.consents).values(at=LONG_AGO))

    def asked() -> int:
        with room.database.connect() as connection:
            return ask(connection, YEAR_AGO, NOW).asked

    before = asked()
    with room.database.connect() as connection:
        assert connection.scalar(select(func.count()).where(feedback_events.c.kind == "open")) == 1
    assert folded(room, mailing)
    assert asked() == before == 2  # Ann and Ben; Cat opened it


def test_the_command_counts_unless_told_and_says_what_it_did(room: Room, mailing: Mailing) -> None:
    del mailing
    told = run(room, "archive-mailings")
    assert (told.returncode, told.stdout) == (
        0,
        f"{SLUG}: 4 recipients\n1 mailing with 4 recipients would be folded\n",
    )
    assert "nothing was done: --yes does it" in told.stderr
    assert len(rows(room)) == 4
    done = run(room, "archive-mailings", "--older-than", "12m", "--yes", "--format", "json")
    assert json.loads(done.stdout) == {
        "folded": [{"issue": SLUG, "sequence": 1, "recipients": 4}], "recipients": 4, "done": True,
    }  # fmt: skip
    assert rows(room) == []
    assert "folded on" in run(room, "status", SLUG).stdout
    assert "was folded on" in run(room, "report", SLUG, "--format", "json").stderr
    spared = run(room, "archive-mailings", "--drop", "--yes", "--format", "json")
    assert json.loads(spared.stdout) == {"dropped": [], "recipients": 0, "done": True}
    back = run(room, "archive-mailings", "--undo", SLUG, "--format", "json")
    assert json.loads(back.stdout) == {"issue": SLUG, "restored": 4}
    assert len(rows(room)) == 4


def test_after_a_year_the_rows_may_be_dropped_and_the_account_stays(
    room: Room, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = room.account()
    late = event(room, "Bounce", ANN, shapes.bounce(ANN))
    monkeypatch.setattr(folding, "BATCH", 1)
    with interrupted(monkeypatch, "insert"):
        folded(room, mailing)
    with room.database.begin() as connection:
        connection.execute(update(foldings).values(folded_at=NOW - timedelta(days=367)))
    with room.database.connect() as connection:  # some are not packed yet
        assert folding.droppable(connection, YEAR_AGO) == []
    assert folded(room, mailing)
    assert "1 mailing with 4 recipients dropped" in run(room, "archive-mailings", "--drop", "--yes").stdout
    assert room.account() == account
    assert report(room.database, room.config, SLUG) is not None
    refused = run(room, "archive-mailings", "--undo", SLUG)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "were dropped" in refused.stderr
    room.apply(late)
    assert room.suppressed() == {ANN: "bounce"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--older-than", "30d"), "30d is too short"),
        (("--older-than", "soon"), "'soon' is not a length of time"),
        (("--undo", "2001-01-01-x"), "no mailing of 2001-01-01-x is folded"),
        (("--undo", SLUG, "--drop"), "use --undo on its own"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    refused = run(open_room(tmp_path), "archive-mailings", *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert says in refused.stderr


def test_uncertain_recipients_hold_a_mailing_back_until_they_are_settled(room: Room) -> None:
    room.subscribe(ANN)
    made = room.freeze()
    room.send(made, uncertain)
    age(room, SLUG)
    assert foldable(room) == []
    room.apply(event(room, "Send", ANN))
    assert foldable(room) == [SLUG]
