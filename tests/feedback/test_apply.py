"""Events settle the ledger and suppress or unsubscribe readers: once, in any order, also when repeated."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, update

from publisher.audience import store as audience
from publisher.audience.address import read_address
from publisher.audience.model import ConsentState
from publisher.audience.suppressions import erase, release
from publisher.audience.tables import subscribers
from publisher.delivery.tables import mailings
from publisher.errors import ConflictError, DatabaseError
from publisher.feedback import store
from publisher.feedback.apply import Applier
from publisher.feedback.intake import take_in
from publisher.feedback.tables import feedback_events, sns_messages
from publisher.providers import read_events
from publisher.providers.outcomes import Outcome, Verdict, submitted
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room, open_room, uncertain

ANN, BEN, CY, DEE = "ann@example.com", "ben@example.org", "cy@example.net", "dee@example.com"


def tagged(room: Room, address: str, recipients: dict[str, str], message_id: str | None = None) -> dict[str, object]:
    recipient = recipients[address]
    return shapes.mail(message_id or f"m-{recipient}", address, mailing=recipient.split("-")[0], recipient=recipient)


def settled(room: Room) -> tuple[int, int, int, int, int]:
    a = room.account()
    return a.submitted, a.uncertain, a.delivered, a.bounced, a.complained


@pytest.mark.parametrize("kind", ["Send", "Delivery", "Bounce", "Complaint", "DeliveryDelay"])
def test_an_event_with_tags_settles_the_uncertain(room: Room, kind: str) -> None:
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing, uncertain)
    mail = tagged(room, ANN, room.recipients(mailing))
    body = {"Bounce": shapes.bounce(ANN), "Complaint": shapes.complaint(ANN), "Delivery": shapes.delivery(ANN)}
    assert room.apply(shapes.event(kind, mail, body.get(kind))).changed == 1
    expected = (1, 1, int(kind == "Delivery"), int(kind == "Bounce"), int(kind == "Complaint"))
    assert settled(room) == expected


@pytest.mark.parametrize(("kind", "key"), [("Reject", "reject"), ("Rendering Failure", "failure")])
def test_what_was_accepted_and_never_mailed_is_rejected(room: Room, kind: str, key: str) -> None:
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing)
    mail = tagged(room, ANN, room.recipients(mailing))
    room.apply(shapes.event(kind, mail, {}, key), shapes.event("Send", mail))
    assert (room.account().submitted, room.account().rejected) == (1, 1)


def test_without_tags_the_message_id_settles(room: Room) -> None:
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing)
    recipients = room.recipients(mailing)
    applied = room.apply(
        shapes.notification("Delivery", shapes.mail(f"m-{recipients[ANN]}", ANN), shapes.delivery(ANN)),
        shapes.notification("Bounce", shapes.mail(f"m-{recipients[BEN]}", BEN), shapes.bounce(BEN)),
    )
    assert applied.waiting == 0
    assert settled(room) == (2, 0, 1, 1, 0)


def test_an_event_that_is_early_waits_for_its_row(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    (recipient,) = room.recipients(mailing).values()
    early = room.apply(shapes.notification("Delivery", shapes.mail(f"m-{recipient}", ANN), shapes.delivery(ANN)))
    assert (early.waiting, room.account().delivered) == (1, 0)
    room.send(mailing)
    assert room.apply().changed == 1
    assert settled(room) == (1, 0, 1, 0, 0)
    assert room.apply().changed == 0


def test_other_mail_of_the_account_changes_nothing_but_suppresses(room: Room) -> None:
    room.subscribe(ANN)
    room.send(room.freeze())
    foreign = shapes.mail("elsewhere", ANN, mailing="shop", recipient="order-1")
    applied = room.apply(
        shapes.event("Send", foreign),
        shapes.event("Delivery", foreign, shapes.delivery(ANN)),
        shapes.event("Bounce", foreign, shapes.bounce(ANN)),
    )
    assert applied.changed == 0
    assert settled(room) == (1, 0, 0, 0, 0)
    assert room.suppressed() == {ANN: "bounce"}


def test_a_released_recipient_is_settled_by_a_late_event(room: Room) -> None:
    from publisher.delivery.settle import release_uncertain
    from publisher.delivery.settle import uncertain as doubtful

    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing, uncertain)
    with room.database.begin() as connection:
        assert release_uncertain(connection, mailing.id, doubtful(connection, mailing.id)) == 1
    assert room.account().pending == 1
    room.apply(shapes.event("Send", tagged(room, ANN, room.recipients(mailing))))
    assert (room.account().pending, room.account().submitted) == (0, 1)


def test_permanent_bounces_and_complaints_suppress_every_destination(room: Room) -> None:
    room.apply(
        shapes.notification("Bounce", shapes.mail("x"), shapes.bounce("A.Nn@Example.com", BEN)),
        shapes.notification("Complaint", shapes.mail("y"), shapes.complaint(CY, DEE)),
    )
    assert room.suppressed() == {"a.nn@example.com": "bounce", BEN: "bounce", CY: "complaint", DEE: "complaint"}


@pytest.mark.parametrize("named", ["forwarded@example.net", BEN])
@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_the_mailbox_we_mailed_alone_is_suppressed_when_a_report_names_another(
    room: Room, kind: str, named: str
) -> None:
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing)
    mail = tagged(room, ANN, room.recipients(mailing))
    body = {"Bounce": shapes.bounce(named), "Complaint": shapes.complaint(named)}[kind]
    room.apply(shapes.event(kind, mail, body))
    assert room.suppressed() == {ANN: kind.lower()}


def test_a_complaint_unsubscribes_with_evidence(room: Room) -> None:
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing)
    room.apply(shapes.event("Complaint", tagged(room, ANN, room.recipients(mailing)), shapes.complaint(ANN)))
    with room.database.connect() as connection:
        ann = audience.find(connection, read_address(ANN))
        assert ann is not None
        assert ann.state is ConsentState.UNSUBSCRIBED
        last = audience.history(connection, ann.id)[-1]
    assert (last.change, last.how, last.evidence["mailing"]) == ("unsubscribed", "complaint", mailing.reference)


def test_not_spam_is_no_complaint(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    line = shapes.event(
        "Complaint", tagged(room, ANN, room.recipients(mailing)), shapes.complaint(ANN, type="not-spam")
    )
    room.apply(line)
    assert (room.account().complained, room.suppressed()) == (0, {})


def test_a_content_fault_is_an_alarm_and_no_suppression(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    body = shapes.bounce(ANN, type="Transient", subtype="MessageTooLarge")
    applied = room.apply(shapes.event("Bounce", tagged(room, ANN, room.recipients(mailing)), body))
    assert dict(applied.content_faults) == {SLUG: 1}
    assert (room.account().bounced, room.suppressed()) == (1, {})


def transient(room: Room, issue: int, *, deliver: bool = False) -> str:
    mailing = room.freeze(f"issue-{issue}")
    room.send(mailing)
    mail = tagged(room, ANN, room.recipients(mailing))
    if deliver:
        return shapes.event("Delivery", mail, shapes.delivery(ANN))
    return shapes.event("Bounce", mail, shapes.bounce(ANN, type="Transient", subtype="MailboxFull"))


def test_transient_bounces_suppress_after_consecutive_issues_only(room: Room) -> None:
    room.subscribe(ANN)
    for issue in range(4):
        line = transient(room, issue)
        room.apply(line, line, line)
    assert room.suppressed() == {}
    room.apply(transient(room, 4, deliver=True))
    for issue in range(5, 9):
        room.apply(transient(room, issue))
    assert room.suppressed() == {}
    applied = room.apply(transient(room, 9))
    assert (room.suppressed(), dict(applied.suppressed)) == ({ANN: "bounce"}, {"bounce": 1})


def test_a_bounce_after_an_operator_took_a_suppression_back_counts_from_one(room: Room) -> None:
    room.subscribe(ANN)
    for issue in range(5):
        room.apply(transient(room, issue))
    with room.database.begin() as connection:
        assert release(connection, ANN)
    room.apply(transient(room, 5, deliver=True))
    room.apply(transient(room, 6))
    assert room.suppressed() == {}


def test_transient_bounces_count_whatever_their_order(room: Room) -> None:
    room.subscribe(ANN)
    lines = [transient(room, issue) for issue in range(5)]
    Random(4).shuffle(lines)
    for line in lines:
        assert room.suppressed() == {}
        room.apply(line)
    assert room.suppressed() == {ANN: "bounce"}


def test_transient_bounces_without_tags_count_as_well_once_their_row_is_there(room: Room) -> None:
    room.subscribe(ANN)
    body = shapes.bounce(ANN, type="Transient", subtype="MailboxFull")
    for issue in range(5):
        assert room.suppressed() == {}
        mailing = room.freeze(f"issue-{issue}")
        (recipient,) = room.recipients(mailing).values()
        assert room.apply(shapes.notification("Bounce", shapes.mail(f"m-{recipient}", ANN), body)).waiting == 1
        room.send(mailing)
        room.apply()
    assert room.suppressed() == {ANN: "bounce"}


def test_a_correction_of_an_issue_that_bounced_is_no_issue_more_and_one_without_news_ends_the_run(room: Room) -> None:
    def streak() -> int:
        with room.database.connect() as connection:
            newest = connection.scalars(select(func.max(mailings.c.id))).one()
            ann = connection.scalars(select(subscribers.c.reference)).one()
            return store.transient_streak(connection, ann, newest)

    room.subscribe(ANN)
    for issue in range(4):
        room.apply(transient(room, issue))
    assert streak() == 4
    with room.database.begin() as connection:
        done = update(mailings).values(finished_at=datetime.now(UTC))
        connection.execute(done)
        connection.execute(done.where(mailings.c.slug == "issue-3").values(slug="issue-2", sequence=2))
    assert streak() == 3
    room.send(room.freeze("silence"))
    room.apply(transient(room, 5))
    assert streak() == 1
    for issue in range(6, 9):
        room.apply(transient(room, issue))
    assert (streak(), room.suppressed()) == (4, {})


def test_what_waits_for_a_row_is_forgotten_after_a_month_and_a_request_that_came_twice_after_days(room: Room) -> None:
    for message_id in ("old", "new"):
        room.apply(shapes.notification("Bounce", shapes.mail(message_id), shapes.bounce(ANN)))
    with room.database.begin() as connection:
        for name, age in (("old", store.WAITS), ("new", store.WAITS - timedelta(minutes=1))):
            row = update(feedback_events).where(feedback_events.c.message_id == name)
            connection.execute(row.values(received_at=datetime.now(UTC) - age))
        store.forget_waiting(connection)
        assert connection.scalars(select(feedback_events.c.message_id)).all() == ["new"]
        assert store.remember_message(connection, "request")
        assert not store.remember_message(connection, "request")
        connection.execute(update(sns_messages).values(at=datetime.now(UTC) - store.REMEMBERS))
        assert store.remember_message(connection, "request")


def test_an_old_file_does_not_undo_what_an_operator_did_since(room: Room) -> None:
    line = shapes.notification("Bounce", shapes.mail("x"), shapes.bounce(ANN))
    room.apply(line)
    with room.database.begin() as connection:
        assert release(connection, ANN)
    room.apply(line)
    assert room.suppressed() == {}


def test_who_was_erased_is_not_brought_back_by_feedback(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    mail = tagged(room, ANN, room.recipients(mailing))
    with room.database.begin() as connection:
        erase(connection, read_address(ANN))
    room.apply(shapes.event("Complaint", mail, shapes.complaint(ANN)))
    assert room.suppressed() == {}
    assert room.account().complained == 1


def test_a_second_message_for_one_recipient_is_an_alarm(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    recipients = room.recipients(mailing)
    twice = shapes.event("Send", tagged(room, ANN, recipients, "another"))
    applied = room.apply(shapes.event("Send", tagged(room, ANN, recipients)), twice, twice)
    assert applied.second_copies == {(SLUG, recipients[ANN])}
    assert room.account().second_copies == 1


def test_opens_are_dropped_unless_config_asks_and_then_machines_are_distinguished(room: Room) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    mail = tagged(room, ANN, room.recipients(mailing))
    proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    lines = [
        shapes.event("Open", mail, {"userAgent": "Mozilla/5.0", "timestamp": "2026-05-04T09:00:00Z"}),
        shapes.event("Open", mail, {"userAgent": proxy, "timestamp": "2026-05-04T10:00:00Z"}),
    ]
    kept = select(feedback_events.c.machine).order_by(feedback_events.c.at)
    room.apply(*lines)
    with room.database.connect() as connection:
        assert connection.execute(kept).all() == []
    feedback = room.config.feedback.model_copy(update={"opens_and_clicks": True})
    Room(room.config.model_copy(update={"feedback": feedback}), room.database).apply(*lines, *lines)
    with room.database.connect() as connection:
        assert connection.scalars(kept).all() == [1, 0]


@pytest.mark.parametrize(("flag", "agent", "machine"), [
    ({"isBot": True}, "Thunderbird", 1), ({"isBot": False}, "Mozilla/5.0", 0),
    ({"machineGenerated": True}, "Thunderbird", 1),
    ({"bot": None}, "Thunderbird", 0), ({"bottom": True}, "Thunderbird", 0), ({}, "Mozilla/5.0", 1),
])  # fmt: skip
def test_the_flag_of_ses_says_whether_a_machine_opened_and_the_user_agent_where_there_is_none(
    room: Room, flag: dict[str, bool | None], agent: str, machine: int
) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    feedback = room.config.feedback.model_copy(update={"opens_and_clicks": True})
    body = {"userAgent": agent, "timestamp": "2026-05-04T09:00:00Z", **flag}
    line = shapes.event("Open", tagged(room, ANN, room.recipients(mailing)), body)
    Room(room.config.model_copy(update={"feedback": feedback}), room.database).apply(line)
    with room.database.connect() as connection:
        assert connection.scalars(select(feedback_events.c.machine)).all() == [machine]


def test_unknown_kinds_are_kept_and_reported(room: Room) -> None:
    applied = room.apply(
        shapes.event("Teleported", shapes.mail("x", ANN), {}), shapes.event("Teleported", shapes.mail("y", ANN), {})
    )
    assert dict(applied.unknown) == {"Teleported": 2}
    with room.database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(feedback_events)) == 2


@pytest.mark.parametrize("kind", ["", " ", "\u0000"])
@pytest.mark.parametrize("key", ["eventType", "notificationType", "RecordType"])
def test_a_kind_without_a_name_is_no_event(room: Room, key: str, kind: str) -> None:
    applier = Applier(room.database, room.config)
    take_in(applier, [json.dumps({key: kind, "mail": {"messageId": "x"}, "MessageID": "x"})])
    unnamed = bool(kind.strip())
    assert (applier.applied.faults, [*applier.applied.unknown]) == ((0, ["\ufffd"]) if unnamed else (1, ["unreadable"]))


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
@pytest.mark.parametrize("longest", ["a@" + "b" * 310 + ".example", "İ" * 318 + "@x"])
def test_a_report_that_names_a_monster_keeps_no_other_event_from_being_taken_in(
    dialect: str, tmp_path: Path, kind: str, longest: str
) -> None:
    room = open_room(tmp_path)
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing)
    mail = tagged(room, ANN, room.recipients(mailing))
    body = {"Bounce": shapes.bounce(longest), "Complaint": shapes.complaint(longest)}[kind]
    take_in(Applier(room.database, room.config), [shapes.event(kind, mail, body)])
    assert room.suppressed()[ANN] == kind.lower()
    room.database.close()


def test_no_table_of_feedback_holds_an_address(room: Room) -> None:
    room.apply(
        shapes.notification("Bounce", shapes.mail("x", ANN), shapes.bounce(ANN)),
        shapes.event("Teleported", shapes.mail("y", ANN), {"to": ANN}),
    )
    with room.database.connect() as connection:
        rows = [dict(row) for row in connection.execute(select(feedback_events)).mappings()]
    assert len(rows) == 2
    assert ANN not in json.dumps(rows, default=str)


ADDRESSES = tuple(f"reader{i}@example.com" for i in range(6))


@settings(max_examples=25)
@given(st.data())
def test_any_order_and_any_repeats_give_the_same_account(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    room = open_room(tmp_path_factory.mktemp("order"))
    lines = story_lines(room)
    stream = data.draw(st.permutations(lines + data.draw(st.lists(st.sampled_from(lines), max_size=6))))
    cut = data.draw(st.integers(0, len(stream)))
    room.apply(*stream[:cut])
    room.apply(*stream[cut:])
    assert summary(room) == EXPECTED
    room.database.close()


def story_lines(room: Room) -> list[str]:
    room.subscribe(*ADDRESSES)
    mailing = room.freeze()
    # The first two are uncertain: what settles them has tags.
    room.send(
        mailing,
        lambda m: Outcome(Verdict.UNCERTAIN, "ReadTimeoutError") if m.endswith(("-1", "-2")) else submitted(m),
    )
    r = room.recipients(mailing)
    a, b, c, d, e, f = ADDRESSES
    plain = shapes.mail(f"m-{r[d]}", d)
    return [
        shapes.event("Send", tagged(room, a, r)),
        shapes.event("Delivery", tagged(room, a, r), shapes.delivery(a)),
        shapes.event("Send", tagged(room, b, r)),
        shapes.event("Bounce", tagged(room, b, r), shapes.bounce(b)),
        shapes.event("Delivery", tagged(room, c, r), shapes.delivery(c)),
        shapes.event("Complaint", tagged(room, c, r), shapes.complaint(c)),
        shapes.notification("Delivery", plain, shapes.delivery(d)),
        shapes.notification("Bounce", plain, shapes.bounce(d, type="Transient", subtype="General")),
        shapes.event("Rendering Failure", tagged(room, e, r), {}, "failure"),
        shapes.event("Delivery", tagged(room, f, r), shapes.delivery(f)),
        shapes.event("Complaint", tagged(room, f, r), shapes.complaint(f, type="not-spam")),
        shapes.event("Teleported", tagged(room, f, r)),
    ]


def summary(room: Room) -> object:
    account = {name: value for name, value in asdict(room.account()).items() if value}
    return account, room.suppressed()


EXPECTED = (
    {"submitted": 5, "rejected": 1, "delivered": 3, "bounced": 2, "complained": 1},
    {ADDRESSES[1]: "bounce", ADDRESSES[2]: "complaint"},
)


@pytest.mark.parametrize(("error", "tries"), [(ConflictError("erased in this moment"), 3), (DatabaseError("full"), 1)])
def test_only_a_conflict_with_another_process_is_tried_again(
    room: Room, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int
) -> None:
    room.subscribe(ANN)
    mailing = room.freeze()
    room.send(mailing, uncertain)
    events = read_events(shapes.event("Send", tagged(room, ANN, room.recipients(mailing))))
    asked: list[str] = []

    def remember(connection: Connection, message: str) -> bool:
        asked.append(message)
        if len(asked) < 3:
            raise error
        return store_remembers(connection, message)

    store_remembers = store.remember_message
    monkeypatch.setattr(store, "remember_message", remember)
    applier = Applier(room.database, room.config)
    with nullcontext() if tries == 3 else pytest.raises(DatabaseError, match="full"):
        assert applier.apply(events, message="m-1")
    assert (len(asked), room.account().submitted, applier.applied.changed) == (tries, tries // 3, tries // 3)
