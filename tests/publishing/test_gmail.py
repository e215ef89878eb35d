"""What Google Postmaster Tools tells the doctor, from a stub of its API over HTTP; shapes as its discovery document."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from publisher.publishing.doctor import Finding, Level
from tests.publishing.test_doctor import Around, ask
from tests.warm import command

DOMAIN = "news.example.com"
RULES = ("SPF", "DKIM", "DMARC_POLICY", "ENCRYPTION", "ONE_CLICK_UNSUBSCRIBE", "HONOR_UNSUBSCRIBE")


@dataclass
class Google:
    status: int = 200
    rates: dict[int, float | None] = field(default_factory=lambda: {20: 0.0009, 27: 0.0004, 28: None})
    unmet: tuple[str, ...] = ()
    broken: bytes = b""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, path: str) -> dict[str, Any]:
        if path == f"/v2/domains/{DOMAIN}/complianceStatus":
            rows = [
                {"requirement": rule, "status": {"status": "NEEDS_WORK" if rule in self.unmet else "COMPLIANT"}}
                for rule in RULES
            ]
            above = [{"requirement": "DNS_RECORDS", "status": {"status": "NEEDS_WORK"}}]
            return {"complianceData": {"rowData": above}, "subdomainComplianceData": {"domainId": "x", "rowData": rows}}
        assert path == f"/v2/domains/{DOMAIN}/domainStats:query"
        days = [(day, {} if rate is None else {"value": {"floatValue": rate}}) for day, rate in self.rates.items()]
        date = {"year": 2026, "month": 11}
        return {"domainStats": [{"metric": "spam", "date": {**date, "day": day}, **value} for day, value in days]}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    made = Google()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = self.rfile.read(int(self.headers.get("content-length", 0)))
            made.asked.append((self.path, self.headers["authorization"], json.loads(said or b"null")))
            body = made.broken or json.dumps(made.answer(self.path)).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("PUBLISHER_POSTMASTER_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("PUBLISHER_POSTMASTER_TOKEN", "ya29.secret")
    yield made
    server.shutdown()
    server.server_close()


def gmail(root: Path, **changes: str) -> Finding:
    return ask(Around(url="https://news.example.com/"), root, {"gmail"}, **changes)["gmail"]


def test_the_rate_of_the_newest_day_and_the_rules_are_reported(google: Google, tmp_path: Path) -> None:
    found = gmail(tmp_path)
    assert found.level is Level.OK
    assert (
        "0.04% of the mail of news.example.com was called spam at Gmail on 2026-11-27 (30 days: 0.09%)" in found.message
    )
    (_, bearer, query), (_, again, _) = google.asked
    assert bearer == again == "Bearer ya29.secret"
    assert query["metricDefinitions"] == [{"name": "spam", "baseMetric": {"standardMetric": "SPAM_RATE"}}]
    (span,) = query["timeQuery"]["dateRanges"]["dateRanges"]
    assert {*span["start"], *span["end"]} == {"year", "month", "day"}


@pytest.mark.parametrize(("change", "level", "says", "cure"), [
    ({"rates": {27: 0.0012}}, Level.WARNING, "0.12%", "mail only who asked"),
    ({"rates": {27: 0.004}}, Level.FAULT, "0.40%", "mail only who asked"),
    ({"rates": {}}, Level.OK, "too little mail", ""),
    ({"unmet": ("ENCRYPTION", "SPF", "DMARC_POLICY")}, Level.WARNING, "not met: spf, dmarc policy, encryption", "TLS"),
    ({"status": 401}, Level.WARNING, "expired", "docs/providers.md"),
    ({"status": 403}, Level.WARNING, "shows nothing of news.example.com", "postmaster.google.com"),
    ({"status": 500}, Level.WARNING, "no answer: HTTPStatusError", "later"),
    ({"broken": b"<html>"}, Level.WARNING, "no answer: JSONDecodeError", "later"),
    ({"broken": b'{"domainStats": [[]]}'}, Level.WARNING, "no answer: AttributeError", "later"),
])  # fmt: skip
def test_what_needs_work_is_reported_with_its_cure(
    google: Google, tmp_path: Path, change: dict[str, Any], level: Level, says: str, cure: str
) -> None:
    for name, value in change.items():
        setattr(google, name, value)
    found = gmail(tmp_path)
    assert (found.level, says in found.message, cure in (found.help or "")) == (level, True, True), found
    assert "secret" not in repr(found)


def test_without_a_token_a_line_says_how_and_google_is_not_asked(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("", " "):
        monkeypatch.setenv("PUBLISHER_POSTMASTER_TOKEN", token)
        changes = {"delivery": "{transport: folder}"}
        assert ask(Around(url="http://127.0.0.1:1/"), tmp_path, {"gmail"}, **changes).keys() == {"clock"}
    ran = command(tmp_path, "doctor", "--nameserver", "127.0.0.1:1", environment={"PUBLISHER_POSTMASTER_TOKEN": " "})
    assert re.search(r"skipped +gmail +Google Postmaster Tools is asked where\s+PUBLISHER_POSTMASTER_TOKEN", ran.stdout)
    monkeypatch.setenv("PUBLISHER_POSTMASTER_TOKEN", "t")
    assert gmail(tmp_path, delivery="{transport: folder}").level is Level.SKIPPED
    assert google.asked == []


def test_a_google_that_is_not_there_keeps_nobody_from_sending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_POSTMASTER_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PUBLISHER_POSTMASTER_TOKEN", "t")
    found = gmail(tmp_path)
    assert (found.level, "ConnectError" in found.message) == (Level.WARNING, True)
