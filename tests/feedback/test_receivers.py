"""Answers of receiving servers: each one of the corpus gets its reason and advice, and nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from publisher.documents.yaml import read_data
from publisher.insights.store import answers_to
from publisher.providers import receivers
from publisher.providers.receivers import ReceiverAnswer, decode, receiver_of
from tests.feedback import shapes
from tests.feedback.conftest import SLUG, Room
from tests.feedback.test_commands import run

CORPUS: list[tuple[str, str, str, str]] = [*map(tuple, read_data(Path(__file__).with_name("answers.yaml")))]
TABLE: dict[str, Any] = read_data(Path(receivers.__file__).with_name("receivers.yaml"))


@pytest.mark.parametrize(("cause", "receiver", "domain", "text"), CORPUS)
def test_an_answer_gets_its_receiver_reason_and_cure_and_an_unknown_one_none(
    cause: str, receiver: str, domain: str, text: str
) -> None:
    found = decode(text, domain)
    if not cause:
        assert found == ReceiverAnswer(receiver)
        return
    assert (found.receiver, found.reason) == (receiver, TABLE["causes"][cause]["reason"])
    assert found.cure.startswith(TABLE["causes"][cause]["cure"].partition("{")[0])
    assert "{" not in found.cure
    assert found.source.startswith("https://")


def test_the_corpus_is_large_and_every_receiver_and_cause_of_the_table_is_in_it() -> None:
    assert len([row for row in CORPUS if row[0]]) >= 60
    assert {row[1] for row in CORPUS} == {*TABLE["receivers"], ""}
    assert {row[0] for row in CORPUS} == {*TABLE["causes"], ""}


def test_a_national_domain_belongs_to_its_receiver_and_a_name_within_another_domain_does_not() -> None:
    assert {receiver_of(name) for name in ("yahoo.fr", "yahoo.co.uk", "yahoo.com.br", "aol.com")} == {"Yahoo"}
    assert receiver_of("yahoo.co.jp") == "Yahoo Japan"
    assert [receiver_of(name) for name in ("live.example.org", "yahoo.example.com", "mail.example", "")] == [""] * 4


def told(room: Room, *answers: tuple[str, str, str]) -> None:
    """A mailing to readers at these domains, whose servers answered: kind of event, domain, diagnostic."""
    addresses = [f"reader{i}@{domain}" for i, (_, domain, _) in enumerate(answers)]
    room.subscribe(*addresses)
    mailing = room.freeze()
    room.send(mailing)
    ids = room.recipients(mailing)
    for address, (kind, _, text) in zip(addresses, answers, strict=True):
        who = {"emailAddress": address, "status": "", "diagnosticCode": f"smtp; {text}"}
        body = {"bouncedRecipients": [who], "bounceType": "Transient", "timestamp": "2026-05-04T09:00:00Z"}
        if kind == "DeliveryDelay":
            body = {"delayedRecipients": [who], "timestamp": "2026-05-04T09:00:00Z"}
        key = "deliveryDelay" if kind == "DeliveryDelay" else "bounce"
        room.apply(shapes.event(kind, shapes.mail(f"m-{ids[address]}", address, recipient=ids[address]), body, key))


TSS04 = "421 4.7.0 [TSS04] Messages from 203.0.113.{} temporarily deferred due to unexpected volume or user complaints"


def test_report_status_and_doctor_count_what_receivers_said_and_name_no_reader(room: Room) -> None:
    told(
        room,
        *[("DeliveryDelay", "yahoo.com", TSS04.format(i)) for i in range(3)],
        ("Bounce", "gmail.com", "550-5.1.1 The email account does not exist. - gsmtp"),
        *[("Bounce", "firm.example", f"550 we do not like you today, q{i}4711x") for i in range(5)],
        ("Bounce", "private.example", "550 Miller is on holidays"),
    )
    found = json.loads(run(room, "status", SLUG, "--format", "json").stdout)["receivers"]
    counted = [(one["receiver"], one["did"], one["recipients"], one["reason"]) for one in found]
    complaints, gone = TABLE["causes"]["complaints"]["reason"], TABLE["causes"]["no-mailbox"]["reason"]
    assert counted == [
        ("", "bounced", 5, "smtp; 550 we do not like you today, …"),
        ("Yahoo", "delayed", 3, complaints),
        ("", "bounced", 1, ""),
        ("Gmail", "bounced", 1, gone),
    ]
    shown = run(room, "status", SLUG).stdout
    page = run(room, "report", SLUG).stdout
    service = "service: {url: https://letters.example.com/}\n"
    doctor = json.loads(run(room, "doctor", "--format", "json", config=service).stdout)
    said = next(one for one in doctor if one["check"] == "receivers")
    assert (said["level"], said["message"]) == ("warning", f"Yahoo: 3 delayed: {complaints}")
    assert "senders.yahooinc.com" in said["help"]
    assert "unexpected volume" in shown
    assert "Yahoo · Delayed" in page
    for text in (shown, page, json.dumps(found)):
        assert "Miller" not in text
        assert "reader" not in text.replace("readers", "")
    assert answers_to(room.database, "unknown") == ()


def test_a_recipient_that_was_delayed_twice_for_one_reason_counts_once(room: Room) -> None:
    told(room, ("DeliveryDelay", "yahoo.com", TSS04.format(1)))
    (recipient,) = room.recipients_of(SLUG).values()
    who = {"emailAddress": "reader0@yahoo.com", "diagnosticCode": TSS04.format(9)}
    body = {"delayedRecipients": [who], "timestamp": "2026-05-04T10:00:00Z"}
    mail = shapes.mail(f"m-{recipient}", "reader0@yahoo.com", recipient=recipient)
    room.apply(shapes.event("DeliveryDelay", mail, body, "deliveryDelay"))
    assert [one.recipients for one in answers_to(room.database)] == [1]
