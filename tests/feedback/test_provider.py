"""SES's account-level suppression list, over HTTP, against a small stand-in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from publisher.audience.address import read_address
from publisher.audience.suppressions import Reason, erase, suppress
from publisher.errors import ServiceError
from publisher.providers.ses.aws import SesSuppressionList
from tests.feedback.conftest import Room

PATH = "/v2/email/suppression/addresses"


class Ses(BaseHTTPRequestHandler):
    entries: dict[str, str]
    refusals: list[tuple[int, str]]

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        assert query["Reason"] == ["BOUNCE", "COMPLAINT"]
        start = int(query.get("NextToken", ["0"])[0])
        names = sorted(self.entries)
        page = [{"EmailAddress": n, "Reason": self.entries[n], "LastUpdateTime": 1.0} for n in names[start : start + 2]]
        self.answer(
            {"SuppressedDestinationSummaries": page, "NextToken": str(start + 2) if names[start + 2 :] else None}
        )

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.refusals or self.refusals[0][0] == 200:
            self.entries[body["EmailAddress"]] = body["Reason"]
        self.answer({})

    def answer(self, body: dict[str, Any]) -> None:
        status, code = self.refusals.pop(0) if self.refusals else (200, "")
        content = json.dumps(body if status == 200 else {"message": code}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    Ses.entries, Ses.refusals = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ses)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", f"http://127.0.0.1:{server.server_port}")
    yield SesSuppressionList("eu-west-1")
    server.shutdown()


def test_whom_ses_suppresses_is_suppressed_here_but_for_the_erased(room: Room, ses: Any) -> None:
    Ses.entries = {f"r{i}@example.com": "BOUNCE" for i in range(5)} | {"Spam@Example.org": "COMPLAINT"}
    with room.database.begin() as connection:
        erase(connection, read_address("r3@example.com"))
    assert ses.pull(room.database, "SES") == (6, 5)
    assert ses.pull(room.database, "SES") == (6, 0)
    assert set(room.suppressed()) == {f"r{i}@example.com" for i in (0, 1, 2, 4)} | {"spam@example.org"}
    assert set(room.suppressed().values()) == {"provider"}


def test_who_bounced_or_complained_is_told_to_ses_patiently(
    room: Room, ses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with room.database.begin() as connection:
        suppress(connection, "manual@example.com", Reason.MANUAL)
        for number in range(40):  # botocore's standard mode would give up after some thirty
            suppress(connection, f"r{number}@example.com", Reason.COMPLAINT if number else Reason.BOUNCE)
    Ses.refusals = [*[(429, "TooManyRequestsException")] * 4, (200, "")] * 40
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    assert ses.push(room.database) == 40
    assert Ses.entries == {f"r{n}@example.com": "COMPLAINT" if n else "BOUNCE" for n in range(40)}
    assert len(pauses) == 160


def test_a_refusal_is_one_line_without_an_address(room: Room, ses: Any) -> None:
    with room.database.begin() as connection:
        suppress(connection, "a@example.com", Reason.BOUNCE)
    Ses.refusals = [(403, "AccessDeniedException")] * 5
    with pytest.raises(ServiceError, match="AccessDeniedException") as caught:
        ses.push(room.database)
    assert "a@example.com" not in str(caught.value)
    assert "policy" in str(caught.value.help)
