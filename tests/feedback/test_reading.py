"""``events apply`` reads what delivery streams and people write, not one event a line only."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path

import pytest

from publisher.errors import UsageError
from publisher.feedback import intake
from publisher.feedback.apply import Applied, Applier
from publisher.feedback.reading import LONGEST, documents
from publisher.providers.events import EventError
from tests.feedback import shapes
from tests.feedback.conftest import Room

ANN, BEN, CY = "ann@example.com", "ben@example.org", "cy@example.net"


@pytest.fixture
def lines(room: Room) -> list[str]:
    """A delivery for each of three readers."""
    room.subscribe(ANN, BEN, CY)
    mailing = room.freeze()
    room.send(mailing)
    return [
        shapes.event("Delivery", shapes.mail(f"m-{recipient}", address, recipient=recipient), shapes.delivery(address))
        for address, recipient in room.recipients(mailing).items()
    ]


def read(room: Room, data: bytes) -> Applied:
    applier = Applier(room.database, room.config)
    intake.apply_stream(applier, io.BytesIO(data), pytest.fail)
    return applier.applied


def pretty(line: str, indent: int = 2) -> str:
    return json.dumps(json.loads(line), indent=indent)


def b64(line: str) -> str:
    return base64.b64encode(line.encode()).decode()


def enveloped(line: str) -> str:
    return json.dumps(
        {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": line}, indent=4
    )


FORMS = {
    "lines": "\n".join,
    "crlf": "\r\n".join,
    "concatenated": "".join,
    "concatenated-with-blanks": "  ".join,
    "array": lambda lines: "[" + ",".join(lines) + "]",
    "array-of-lines": lambda lines: "[\n" + ",\n".join(lines) + "\n]\n",
    "pretty-array": lambda lines: json.dumps([json.loads(line) for line in lines], indent=2),
    "pretty": lambda lines: "\n".join(pretty(line) for line in lines),
    "pretty-without-indent": lambda lines: "\n".join(pretty(line, 0) for line in lines),
    "pretty-concatenated": lambda lines: "".join(pretty(line) for line in lines),
    "sequence": lambda lines: "".join(f"\x1e{line}\n" for line in lines),
    "envelopes": lambda lines: "\n".join(enveloped(line) for line in lines),
    "envelopes-concatenated": lambda lines: "".join(enveloped(line) for line in lines),
    "queue": lambda lines: json.dumps({"Messages": [{"Body": line} for line in lines]}, indent=4),
    "function": lambda lines: json.dumps(
        {"Records": [{"body": lines[0]}, *({"Sns": json.loads(enveloped(line))} for line in lines[1:])]}
    ),
    "logs": lambda lines: json.dumps({"events": [{"message": line} for line in lines], "searched": []}, indent=4),
    "streams": lambda lines: (
        json.dumps({"id": 1, "records": [{"data": b64(lines[0])}, {"data": b64(lines[1])}]})
        + json.dumps({"Records": [{"kinesis": {"data": b64(lines[2] + "\n"), "partitionKey": "1"}}]})
    ),
    "queue-lines": lambda lines: "\n".join(json.dumps({"MessageId": "1", "Body": enveloped(line)}) for line in lines),
    "records": lambda lines: json.dumps({"Records": [{"SequenceNumber": "1", "Data": b64("\n".join(lines))}]}),
    "exported": lambda lines: "\n".join(f"2025-01-05T00:00:01.000Z\treq-1\tINFO\t{line}" for line in lines),
    "listed": lambda lines: json.dumps({"total": 3, "list": [json.loads(line) for line in lines]}),
    "blank-lines-and-a-string": lambda lines: "\n\n \n".join([*lines[:2], json.dumps(lines[2])]) + "\n\n",
}
ENCODINGS = {
    "utf-8": str.encode,
    "bom": lambda text: text.encode("utf-8-sig"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip-members": lambda text: gzip.compress(text[:700].encode()) + gzip.compress(text[700:].encode()),
    "utf-16": lambda text: text.encode("utf-16"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(room: Room, lines: list[str], form: str, encoding: str) -> None:
    applied = read(room, ENCODINGS[encoding](FORMS[form](lines)))
    assert (applied.malformed, applied.changed, room.account().delivered) == ([], 3, 3)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ('{"eventType":"Deli', "not JSON: it ends early"),
        ('{"eventType":"Delivery","mail":{"messageId":"x",', "not JSON: it ends early"),
        ('{"eventType":"Delivery","mail":{"headers":[', "not JSON: it ends early"),
        ("{", "not JSON: it ends early"),
        ("}", "not JSON"),
        ("a word", "not JSON"),
        ('{"a": nonsense}', "not JSON"),
        ('"text"', "not a JSON object"),
        ('{"a": 1}', "it has the keys of no provider's event"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "not JSON"),
        ('{"a": ' + "9" * 10_000 + "}", "not JSON"),
        ('{"eventType":"Delivery","a":"' + "x" * 2 * LONGEST + '"}', "the line is too long"),
    ],
    ids=range(12),
)
def test_a_broken_line_is_named_and_the_others_are_applied(room: Room, lines: list[str], broken: str, why: str) -> None:
    for between in ("\n", "\r\n"):
        applied = read(room, between.join([lines[0], broken, *lines[1:]]).encode())
        assert applied.malformed == [("line 2", why)]
    assert room.account().delivered == 3


def test_a_message_of_a_queue_that_is_no_event_is_named_and_the_others_are_applied(
    room: Room, lines: list[str]
) -> None:
    bodies = [lines[0], "hello", lines[1], "{}", lines[2]]
    applied = read(room, json.dumps({"Messages": [*({"Body": one} for one in bodies), None]}).encode())
    assert [why for _, why in applied.malformed] == [
        "not JSON", "it has the keys of no provider's event", "not a JSON object",
    ]  # fmt: skip
    assert room.account().delivered == 3


def test_bytes_that_are_no_utf8_are_named(room: Room, lines: list[str]) -> None:
    latin = b'{"eventType":"Delivery","mail":{"messageId":"caf\xe9"}}'
    applied = read(room, b"\n".join([lines[0].encode(), latin, *(line.encode() for line in lines[1:])]))
    assert (applied.malformed, room.account().delivered) == ([("line 2", "not UTF-8")], 3)


@pytest.mark.parametrize("cut", ["[{}", "[{},", "[\n{},\n", "[{}][", "{}\n["])
def test_an_array_that_is_cut_off_is_said_although_its_values_are_whole(room: Room, lines: list[str], cut: str) -> None:
    applied = read(room, cut.format(lines[0]).encode())
    assert ([why for _, why in applied.malformed], applied.changed) == (["not JSON: it ends early"], 1)


def test_a_broken_value_among_concatenated_ones_is_stepped_over(room: Room, lines: list[str]) -> None:
    applied = read(room, (lines[0] + '{"a": nonsense}' + lines[1] + "\n" + lines[2]).encode())
    assert (applied.malformed, room.account().delivered) == ([("line 1", "not JSON")], 3)


def test_one_line_of_many_megabytes_is_read(room: Room, lines: list[str]) -> None:
    """A delivery stream writes an object of up to 128 MB without a line break."""
    filler = shapes.event("Send", shapes.mail("elsewhere", BEN, recipient="order-1"))
    many = filler * (3 * LONGEST // len(filler))
    applied = read(room, (lines[0] + many + lines[1] + many + lines[2]).encode())
    assert (applied.malformed, room.account().delivered) == ([], 3)


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data[:60] + b"\0" * 40 + data[100:]])
def test_broken_gzip_is_said(room: Room, lines: list[str], damage: object) -> None:
    applied = read(room, damage(gzip.compress("\n".join(lines).encode())))  # type: ignore[operator]
    assert applied.faults == len(applied.malformed) >= 1
    assert "the gzip file is broken from here on" in [why for _, why in applied.malformed]


@pytest.mark.parametrize("form", ["lines", "concatenated", "pretty-array"])
def test_of_a_gzip_file_that_is_cut_off_all_that_can_be_read_is_applied(
    room: Room, lines: list[str], form: str
) -> None:
    applied = read(room, gzip.compress(FORMS[form](lines).encode())[:-5])
    assert applied.malformed == [("the rest", "the gzip file is broken from here on")]
    assert room.account().delivered == 3


def test_an_archive_is_refused_as_such(room: Room) -> None:
    for archive in (b"PK\x03\x04\x14", gzip.compress(b"PK\x03\x04\x14")):
        with pytest.raises(UsageError, match="archive, not a file of events"):
            read(room, archive)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"[]", gzip.compress(b"", mtime=0)])
def test_a_file_of_nothing_is_no_fault(room: Room, data: bytes) -> None:
    assert (read(room, data).malformed, room.suppressed()) == ([], {})


def test_many_short_lines_that_hold_one_value_cost_no_square(room: Room, tmp_path: Path) -> None:
    applied = read(room, b'{"a": 1\n' + b',"b": {}\n' * 100_000 + b"}\n")
    assert applied.malformed == [("line 1", "it has the keys of no provider's event")]


def test_a_string_that_never_ends_is_looked_at_once() -> None:
    """From each of its quotes to its end took hours."""
    stream = io.BufferedReader(io.BytesIO(b'{"a":"' + b'\\"' * 300_000))  # type: ignore[arg-type]
    ((line, found),) = documents(stream)
    assert (line, type(found)) == (1, EventError)


def test_a_log_that_begins_with_numbers_is_told_once_a_line() -> None:
    lines = "2025-01-05 00:00:01 relay=1 sent\n2025-01-05 00:00:02 relay=2 sent\n"
    stream = io.BufferedReader(io.BytesIO(f'{lines}\n{{"a": 1}}\n'.encode()))
    told = [(line, isinstance(value, EventError)) for line, value in documents(stream)]
    assert told == [(1, True), (2, True), (4, False)]
