"""Bounces and complaints as mail: only the returned part of our own message is trusted."""

from __future__ import annotations

import gzip
import io
import json
import mailbox
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from publisher.audience import store as audience
from publisher.audience.address import read_address
from publisher.audience.tables import subscribers
from publisher.audience.tokens import Purpose, Tokens
from publisher.delivery.send import send
from publisher.delivery.tables import recipients
from publisher.feedback import intake
from publisher.feedback.apply import Applied, Applier
from publisher.feedback.reports import LARGEST
from publisher.feedback.tables import feedback_events
from tests.delivery.test_transports import relay
from tests.delivery.world import SLUG, add_people, make_config, make_letter
from tests.feedback import letters
from tests.feedback.conftest import Room
from tests.feedback.test_commands import run

PEOPLE = len(letters.ALL) + 1


@pytest.fixture(params=["folder", "smtp"])
def sent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Room, dict[str, bytes]]]:
    """A newsletter whose mailing has left, and what each reader got of it, by address."""
    from publisher.database import open_database

    with relay() as (inbox, port):
        config = make_config(tmp_path, request.param, smtp={"host": "127.0.0.1", "port": port})
        room = Room(config, open_database(config))
        add_people(room.database, PEOPLE)
        assert send(config, room.database, make_letter()).account.submitted == PEOPLE
        files = [path.read_bytes() for path in (tmp_path / "outbox").glob(f"{SLUG}/*.eml")]
        messages = {letters.to_of(m): m for m in files or [message for _, message in inbox.messages]}
    assert len(messages) == PEOPLE
    yield room, messages
    room.database.close()


def apply(room: Room, *mails: bytes) -> Applied:
    """Each as a file of its own."""
    applier = Applier(room.database, room.config)
    for mail in mails:
        intake.apply_stream(applier, io.BytesIO(mail), lambda: Tokens.open(room.config))
    return applier.applied


def told(room: Room, address: str) -> tuple[str, str | None, bool, str | None, bool]:
    """State, bounce, whether delivered, complaint, whether suppressed: of one reader."""
    r = recipients.c
    query = (
        select(r.state, r.bounce, r.delivered_at, r.complaint)
        .join(subscribers, subscribers.c.reference == r.reference)
        .where(subscribers.c.address == address)
    )
    with room.database.connect() as connection:
        state, bounce, delivered, complaint = connection.execute(query).one()
    return state, bounce, delivered is not None, complaint, address in room.suppressed()


EXPECTED = {
    "postfix": ("permanent/General", False, None, True),
    "postfix_delayed": (None, False, None, False),
    "exim": ("permanent/General", False, None, True),
    "exchange": ("permanent/General", False, None, True),
    "gmail": ("transient/General", False, None, False),
    "full": ("transient/MailboxFull", False, None, False),
    "policy": ("transient/ContentRejected", False, None, False),
    "delivered": (None, True, None, False),
    "complaint": (None, False, "abuse", True),
    "qmail": (None, False, None, False),
    "holiday": (None, False, None, False),
}


def mails_of(messages: dict[str, bytes]) -> list[tuple[str, str, bytes]]:
    """Kind, reader, and mail: one a kind."""
    return [
        (kind, address, make(messages[address]))
        for (kind, make), address in zip(letters.ALL.items(), sorted(messages), strict=False)
    ]


def pack_mbox(folder: Path, mails: list[bytes]) -> Path:
    box = mailbox.mbox(folder / "bounces.mbox")
    for mail in mails:
        box.add(mail)
    box.close()
    return folder / "bounces.mbox"


def pack_crlf_mbox(folder: Path, mails: list[bytes]) -> Path:
    path = pack_mbox(folder, mails)
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return path


def pack_gzip(folder: Path, mails: list[bytes]) -> Path:
    path = pack_mbox(folder, mails)
    path.write_bytes(gzip.compress(path.read_bytes()))
    return path


def pack_maildir(folder: Path, mails: list[bytes]) -> Path:
    box = mailbox.Maildir(folder / "Maildir")
    for number, mail in enumerate(mails):
        found = mailbox.MaildirMessage(mail)
        found.set_subdir("cur" if number % 2 else "new")
        box.add(found)
    return folder / "Maildir"


def pack_folder(folder: Path, mails: list[bytes]) -> Path:
    (folder / "mails").mkdir()
    for number, mail in enumerate(mails):
        (folder / "mails" / f"{number}.eml").write_bytes(mail)
    return folder / "mails"


@pytest.mark.parametrize("pack", [pack_mbox, pack_crlf_mbox, pack_gzip, pack_maildir, pack_folder])
def test_a_mailbox_is_applied_once(
    sent: tuple[Room, dict[str, bytes]], tmp_path: Path, pack: Callable[[Path, list[bytes]], Path]
) -> None:
    room, messages = sent
    mails = mails_of(messages)
    path = pack(tmp_path, [mail for _, _, mail in mails])
    ran = run(room, "events", "apply", str(path), "--format", "json")
    found = json.loads(ran.stdout)
    assert ran.returncode == 1  # qmail's
    assert found["events"] == {"bounce": 6, "complaint": 1, "delivery": 1, "delivery-delay": 1}
    assert (found["malformed"], found["replies"], found["suppressed"]) == (1, 1, {"bounce": 3, "complaint": 1})
    assert "no delivery report (RFC 3464)" in ran.stderr
    assert "@example" not in ran.stdout + ran.stderr
    states = {kind: told(room, address) for kind, address, _ in mails}
    assert states == {kind: ("submitted", *expected) for kind, expected in EXPECTED.items()}
    again = json.loads(run(room, "events", "apply", str(path), "--format", "json").stdout)
    assert (again["changed"], again["suppressed"]) == (0, {})
    assert {kind: told(room, address) for kind, address, _ in mails} == states
    with room.database.connect() as connection:
        kept = str(connection.execute(select(feedback_events)).all())
    assert "@example" not in kept


@pytest.mark.parametrize("kind", [kind for kind in letters.ALL if kind != "holiday"])
def test_one_message_is_applied(sent: tuple[Room, dict[str, bytes]], tmp_path: Path, kind: str) -> None:
    room, messages = sent
    address = min(messages)
    (tmp_path / "one.eml").write_bytes(letters.ALL[kind](messages[address]))
    ran = run(room, "events", "apply", "one.eml")
    assert ran.returncode == (1 if kind == "qmail" else 0)
    assert told(room, address)[1:] == EXPECTED[kind]


def test_a_complaint_ends_the_subscription_with_the_mailing_as_evidence(sent: tuple[Room, dict[str, bytes]]) -> None:
    room, messages = sent
    address = min(messages)
    apply(room, letters.complaint(messages[address], "not-spam"), letters.complaint(messages[address], "auth-failure"))
    assert told(room, address)[3:] == (None, False)
    apply(room, letters.complaint(messages[address]))
    with room.database.connect() as connection:
        reader = audience.find(connection, read_address(address))
        assert reader is not None
        assert (reader.state, audience.history(connection, reader.id)[-1].how) == ("unsubscribed", "complaint")


def test_a_report_settles_the_uncertain(sent: tuple[Room, dict[str, bytes]]) -> None:
    from sqlalchemy import update

    room, messages = sent
    with room.database.begin() as connection:
        connection.execute(update(recipients).values(state="uncertain"))
    apply(room, letters.postfix(messages[min(messages)]))
    assert told(room, min(messages))[0] == "submitted"


def forged(message: bytes) -> dict[str, bytes]:
    """Reports that somebody else can write who has a message of ours, to hurt another reader."""
    headers = letters.headers_of(message).splitlines(keepends=True)
    link = next(line for line in headers if line.startswith("List-Unsubscribe:"))
    bare = message.replace(link.strip().encode(), b"X-Was: here")
    return {
        "without-the-link": letters.postfix(bare),
        "with-a-link-of-another-signature": letters.postfix(
            message.replace(link.strip().encode(), link.strip().encode().replace(b"~", b"~0", 1))
        ),
        "with-the-preferences-link": letters.postfix(
            message.replace(link.strip().encode(), link.strip().encode().replace(b"/unsubscribe/", b"/preferences/"))
        ),
        "with-the-link-in-the-words": letters.report(
            "Reporting-MTA: dns; x\n\nAction: failed\nStatus: 5.1.1\n", letters.headers_of(bare), words=link
        ),
        "with-the-link-in-its-own-header": link.encode() + letters.postfix(bare),
    }


def test_what_proves_nothing_is_not_believed(sent: tuple[Room, dict[str, bytes]]) -> None:
    room, messages = sent
    before = room.account(SLUG)
    for name, mail in forged(messages[min(messages)]).items():
        applied = apply(room, mail)
        assert applied.malformed == [("message 1", "the report gives back no signed link of ours")], name
    assert (room.account(SLUG), room.suppressed()) == (before, {})


def test_a_reader_can_end_nothing_but_what_is_his(sent: tuple[Room, dict[str, bytes]]) -> None:
    """He has his own link. The address and the Message-ID of another in his report hurt nobody."""
    room, messages = sent
    mine, other = sorted(messages)[:2]
    mail = letters.postfix(messages[mine]).replace(mine.encode(), other.encode())
    message_ids = [
        next(line for line in letters.headers_of(messages[who]).splitlines() if line.startswith("Message-ID"))
        for who in (mine, other)
    ]
    apply(room, mail.replace(message_ids[0].encode(), message_ids[1].encode()))
    assert room.suppressed() == {mine: "bounce"}
    assert told(room, other)[1:] == (None, False, None, False)


def test_a_mailing_of_another_ledger_is_nobodys(sent: tuple[Room, dict[str, bytes]]) -> None:
    room, messages = sent
    url = Tokens.open(room.config).url(Purpose.UNSUBSCRIBE, "f" * 24, "0a1b2c3d")
    headers = letters.headers_of(messages[min(messages)])
    link = next(line for line in headers.splitlines() if line.startswith("List-Unsubscribe:"))
    foreign = messages[min(messages)].replace(link.encode(), f"List-Unsubscribe: <{url}>".encode())
    applied = apply(room, letters.postfix(foreign))
    assert applied.malformed == [("message 1", "about a message that is not in this ledger")]


HOSTILE = {
    "no-parts": b"Content-Type: multipart/report; report-type=delivery-status\n\n",
    "no-boundary": b"Content-Type: multipart/report\n\n--x\nContent-Type: message/delivery-status\n\nAction: failed\n",
    "no-action": letters.report("Reporting-MTA: dns; x\n", ""),
    "unknown-action": letters.report("A: b\n\nAction: teleported\nStatus: 5.1.1\n", ""),
    "nothing-given-back": letters.report("A: b\n\nAction: failed\nStatus: 5.1.1\n", ""),
    "bad-base64": letters.report("A: b\n\nAction: failed\nStatus: 5.1.1\n", "").replace(b"7bit", b"base64"),
    "bad-charset": b"Content-Type: text/plain; charset=x-no-such\nSubject: =?x-no?Q?=FF?=\n\n\xff\xfe\x00",
    "nested": b"From: a\nContent-Type: multipart/mixed; boundary=0\n\n"
    + b"".join(b"--%d\nContent-Type: multipart/mixed; boundary=%d\n\n" % (n, n + 1) for n in range(3000)),
    "nested-messages": b"From: a\nContent-Type: message/rfc822\n\n" * 3000,
    "nul": b"From: a\n\n" + b"\0" * 1000,
    "status-of-words": letters.report("A: b\n\nAction: failed\nStatus: five\nLast-Attempt-Date: never\n", ""),
    "a-person": b"From: reader@example.com\nTo: weekly@news.example.com\nSubject: Thanks\n\nA good issue.\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_broken_mail_is_counted_and_the_rest_is_applied(
    sent: tuple[Room, dict[str, bytes]], tmp_path: Path, name: str
) -> None:
    room, messages = sent
    path = pack_folder(tmp_path, [HOSTILE[name], letters.postfix(messages[min(messages)])])
    ran = run(room, "events", "apply", str(path), "--format", "json")
    found = json.loads(ran.stdout)
    assert (ran.returncode, found["malformed"], found["events"]) == (1, 1, {"bounce": 1})
    assert "mails: 0.eml: " in ran.stderr.replace(str(tmp_path) + "/", "")


def test_a_report_of_an_unknown_action_settles_nothing(sent: tuple[Room, dict[str, bytes]]) -> None:
    room, messages = sent
    before, headers = room.account(SLUG), letters.headers_of(messages[min(messages)])
    applied = apply(room, letters.report("Reporting-MTA: dns; x\n\nAction: teleported\nStatus: 5.1.1\n", headers))
    assert applied.malformed == [("message 1", "a delivery report with an unknown Action")]
    assert (room.account(SLUG), room.suppressed()) == (before, {})


def test_damaged_reports_raise_nothing(sent: tuple[Room, dict[str, bytes]]) -> None:
    room, messages = sent
    random = Random(7)
    for _kind, _address, mail in mails_of(messages):
        for _ in range(40):
            damaged = bytearray(mail)
            for _ in range(random.randrange(1, 30)):
                at = random.randrange(len(damaged))
                damaged[at : at + random.randrange(4)] = random.randbytes(random.randrange(4))
            apply(room, b"X-A: b\n" + bytes(damaged))


def test_a_huge_message_is_read_in_part(sent: tuple[Room, dict[str, bytes]]) -> None:
    room, messages = sent
    address = min(messages)
    applied = apply(room, letters.postfix(messages[address]) + b"x" * 3 * LARGEST)
    assert (applied.faults, applied.events) == (0, {"bounce": 1})


def test_a_folder_that_cannot_be_read_is_one_line(sent: tuple[Room, dict[str, bytes]], tmp_path: Path) -> None:
    room, _ = sent
    ran = run(room, "events", "apply", "nowhere")
    assert (ran.returncode, "nowhere cannot be read" in ran.stderr) == (2, True)
    (tmp_path / "empty").mkdir()
    assert run(room, "events", "apply", "empty").returncode == 0
