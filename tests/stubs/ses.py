"""A server that speaks Amazon SES API v2 over real HTTP, as much of it as a sender meets, with faults to order.

``python -m tests.stubs.ses --port 0 --log accepted.jsonl`` runs it as a process of its own and prints its address.
``POST /stub/settings`` changes :class:`Settings` while it runs; ``GET /stub/summary``, ``/stub/accepted``,
``/stub/events`` and ``/stub/message/<message id>`` say what it saw. What is accepted is logged before any reply.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BEFORE = ("reset-before", "close-before", "500-before", "503-before", "429-before")
AFTER = (
    "reset-after",
    "close-after",
    "timeout-after",
    "500-after",
    "503-after",
    "truncated-after",
    "empty-after",
    "short-after",
)


@dataclass
class Settings:
    """What the account allows, and what goes wrong: ``faults`` maps a fault's name to its probability a call."""

    rate: float = 0.0  # recipients a second; 0: no limit
    daily: float = -1.0
    sent: float = 0.0
    sending_enabled: bool = True
    production: bool = True
    enforcement: str = "HEALTHY"
    latency: float = 0.0
    hang: float = 3.0
    faults: dict[str, float] = field(default_factory=dict)
    entry_faults: dict[str, float] = field(default_factory=dict)  # entry status → probability
    refuse: dict[str, Any] = field(default_factory=dict)  # {"status": 400, "code": …, "message": …} to every send
    account_rate: float = 0.0  # GetAccount calls a second; 0: no limit
    refuse_account: dict[str, Any] = field(default_factory=dict)  # the same to GetAccount
    only_to: list[str] = field(default_factory=list)  # the verified addresses of a sandbox
    poison: list[str] = field(default_factory=list)  # addresses for whose sake a whole call is answered 400
    outage: dict[str, Any] = field(default_factory=dict)  # {"status": 503} to every send while it stands there
    configuration_sets: list[str] = field(default_factory=list)  # known ones; empty: any
    render: bool = True
    seed: int = 7


@dataclass
class Accepted:
    """One accepted message."""

    message_id: str
    to: str
    tags: dict[str, str]
    at: float
    content: dict[str, Any] | None
    failure: str | None = None  # a rendering failure: accepted, never mailed


class RenderingError(Exception):
    """SES accepts such a message and never mails it."""


_TAG = re.compile(r"(\\*)\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_]*\s*")


def substitute(template: str, values: dict[str, str]) -> str:
    """SES's simple substitution: one pass, values not escaped, a missing variable a failure, ``\\{{`` an escape."""

    def replace(match: re.Match[str]) -> str:
        slashes, name = match[1], match[2]
        if len(slashes) == 1:
            return "{{" + name + "}}"  # escaped: literal
        if not _NAME.fullmatch(name) or template[match.start(0) + len(slashes) :].startswith("{{{"):
            raise RenderingError(f"not a simple variable: {name[:40]!r}")
        if name.strip() not in values:
            raise RenderingError(f"Attribute '{name.strip()}' is not present in the rendering data.")
        return slashes[: len(slashes) // 2] + values[name.strip()]

    rendered = _TAG.sub(replace, template)
    if "{{" in _TAG.sub("", template):
        raise RenderingError("an opening {{ without its end")
    return rendered


class Account:
    """The state of the account, shared by the server's threads."""

    def __init__(
        self, settings: Settings, log: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings, self.clock = settings, clock
        self.lock = threading.Lock()
        self.accepted: list[Accepted] = []
        self.arrived = self.calls = self.offered = self.throttled = self.refused_calls = 0
        self.questions, self.questioned_at = 0, float("-inf")
        self.seconds: dict[int, list[int]] = {}
        self.faulted: dict[str, int] = {}
        self._tokens, self._filled = max(1.0, settings.rate), clock()
        self._random = random.Random(settings.seed)
        self._log = log.open("a", encoding="utf-8", buffering=1) if log else None

    def change(self, values: dict[str, Any]) -> None:
        known = {f.name for f in fields(Settings)}
        with self.lock:
            for name, value in values.items():
                assert name in known, name
                setattr(self.settings, name, value)
            self._tokens = min(self._tokens, max(1.0, self.settings.rate))

    def fault(self, names: tuple[str, ...]) -> str | None:
        with self.lock:
            for name in names:
                if self._random.random() < self.settings.faults.get(name, 0.0):
                    self.faulted[name] = self.faulted.get(name, 0) + 1
                    return name
        return None

    def admit_question(self) -> bool:
        """Whether GetAccount answers."""
        with self.lock:
            now, before, self.questioned_at = time.monotonic(), self.questioned_at, time.monotonic()
            self.questions += 1
            return not self.settings.account_rate or now - before >= 1 / self.settings.account_rate

    def admit(self) -> str | None:
        """None, or the entry status that refuses one recipient. Call with the lock held."""
        s = self.settings
        self.offered += 1
        bucket = self.seconds.setdefault(int(self.clock()), [0, 0])
        for status, probability in s.entry_faults.items():
            if self._random.random() < probability:
                return status
        if 0 <= s.daily <= s.sent:
            return "ACCOUNT_DAILY_QUOTA_EXCEEDED"
        if s.rate > 0:
            now = self.clock()
            self._tokens = min(max(1.0, s.rate), self._tokens + (now - self._filled) * s.rate)
            self._filled = now
            if self._tokens < 1:
                self.throttled += 1
                bucket[1] += 1
                return "ACCOUNT_THROTTLED"
            self._tokens -= 1
        bucket[0] += 1
        return None

    def accept(self, to: str, tags: dict[str, str], content: dict[str, Any] | None, failure: str | None) -> str:
        """Log a message as accepted; its id. Call with the lock held."""
        message_id = f"0102{len(self.accepted):08x}-{uuid.uuid4()}-000000"
        self.settings.sent += 1
        self.accepted.append(Accepted(message_id, to, tags, time.time(), content, failure))
        if self._log:
            self._log.write(json.dumps({"id": message_id, "recipient": tags.get("recipient"), "to": to}) + "\n")
        return message_id

    def events(self, kinds: tuple[str, ...] = ("Send",), *, tagged: bool = True) -> list[dict[str, Any]]:
        """A configuration-set event of each kind for every accepted message."""
        found = []
        for message in list(self.accepted):
            at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(message.at))
            mail = {"timestamp": at, "messageId": message.message_id, "destination": [message.to], "tags": {}}
            if tagged:
                mail["tags"] = {name: [value] for name, value in message.tags.items()}
            for kind in kinds:
                if message.failure and kind != "Send":
                    continue
                body: dict[str, Any] = {"timestamp": at, "recipients": [message.to]} if kind == "Delivery" else {}
                found.append({"eventType": kind, "mail": mail, kind.lower(): body})
            if message.failure:
                failure = {"errorMessage": message.failure, "templateName": ""}
                found.append({"eventType": "Rendering Failure", "mail": mail, "failure": failure})
        return found

    def summary(self) -> dict[str, Any]:
        recipients: dict[str, int] = {}
        for message in self.accepted:
            name = message.tags.get("recipient", "")
            recipients[name] = recipients.get(name, 0) + 1
        return {
            "accepted": len(self.accepted),
            "distinct": len(recipients),
            "most": max(recipients.values(), default=0),
            "calls": self.calls,
            "offered": self.offered,
            "throttled": self.throttled,
            "seconds": self.seconds,
            "faulted": self.faulted,
            "rendering_failures": sum(m.failure is not None for m in self.accepted),
        }


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: SesServer

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        account = self.server.account
        path = self.path.partition("?")[0]
        if path == "/v2/email/account":
            self._account()
        elif path == "/stub/summary":
            self._answer(200, account.summary())
        elif path == "/stub/accepted":
            rows = [{"id": m.message_id, "to": m.to, "tags": m.tags} for m in account.accepted]
            self._answer(200, rows)
        elif path == "/stub/events":
            self._answer(200, account.events())
        elif path.startswith("/stub/message/"):
            found = [m for m in account.accepted if m.message_id == path.rpartition("/")[2]]
            self._answer(200, {"content": found[0].content, "failure": found[0].failure})
        else:
            self._error(404, "NotFoundException", f"no such path: {path}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/stub/settings":
            self.server.account.change(body)
            self._answer(200, {})
        elif self.path == "/v2/email/outbound-bulk-emails":
            self._send(body, bulk=True)
        elif self.path == "/v2/email/outbound-emails":
            self._send(body, bulk=False)
        else:
            self._error(404, "NotFoundException", f"no such path: {self.path}")

    def _account(self) -> None:
        s = self.server.account.settings
        if s.refuse_account:
            self._error(s.refuse_account["status"], s.refuse_account["code"], s.refuse_account.get("message", ""))
            return
        if not self.server.account.admit_question():
            self._error(429, "TooManyRequestsException", "Rate exceeded")
            return
        self._answer(
            200,
            {
                "SendQuota": {
                    "MaxSendRate": s.rate or 1e6,
                    "Max24HourSend": s.daily,
                    "SentLast24Hours": s.sent,
                },
                "SendingEnabled": s.sending_enabled,
                "ProductionAccessEnabled": s.production,
                "EnforcementStatus": s.enforcement,
            },
        )

    def _send(self, body: dict[str, Any], *, bulk: bool) -> None:
        account, s = self.server.account, self.server.account.settings
        with account.lock:
            account.arrived += 1
        if s.latency:
            time.sleep(s.latency)
        if s.refuse:
            self._error(s.refuse["status"], s.refuse["code"], s.refuse.get("message", ""))
            return
        if s.outage:
            self._error(s.outage["status"], "ServiceUnavailable", "")
            return
        entries = body["BulkEmailEntries"] if bulk else [body]
        if s.poison and any(set(entry["Destination"]["ToAddresses"]) & set(s.poison) for entry in entries):
            account.refused_calls += 1
            self._error(400, "BadRequestException", f"Illegal address {s.poison[0]} in the request")
            return
        if complaint := self._complaint(body, bulk=bulk):
            self._error(*complaint)
            return
        if fault := account.fault(BEFORE):
            self._fail(fault, b"")
            return
        with account.lock:
            account.calls += 1
            if bulk:
                results = [self._bulk_entry(body, entry) for entry in body["BulkEmailEntries"]]
                reply: Any = {"BulkEmailEntryResults": results}
            else:
                reply = self._single(body)
        if "refused" in reply:
            self._error(*reply["refused"])
            return
        if fault := account.fault(AFTER):
            if fault == "empty-after":
                reply = {}
            elif fault == "short-after":
                reply = {"BulkEmailEntryResults": reply.get("BulkEmailEntryResults", [])[:-1]}
            else:
                self._fail(fault, json.dumps(reply).encode())
                return
        self._answer(200, reply)

    def _complaint(self, body: dict[str, Any], *, bulk: bool) -> tuple[int, str, str] | None:
        """What SES checks before it looks at recipients."""
        s = self.server.account.settings
        name = body.get("ConfigurationSetName")
        if s.configuration_sets and name is not None and name not in s.configuration_sets:
            return 404, "NotFoundException", f"Configuration set <{name}> does not exist."
        if not s.sending_enabled:
            return 400, "SendingPausedException", "Sending is paused."
        if not str(body.get("FromEmailAddress", "")).isascii():
            return 400, "BadRequestException", "the display name must be encoded"
        if bulk:
            entries = body.get("BulkEmailEntries", [])
            if not 1 <= len(entries) <= 50:
                return 400, "BadRequestException", f"{len(entries)} destinations"
            template = body["DefaultContent"]["Template"]
            for entry in entries:
                headers = [*template.get("Headers", []), *entry.get("ReplacementHeaders", [])]
                if len(headers) > 15:
                    return 400, "BadRequestException", "too many headers"
                for header in headers:
                    size = len(header["Name"]) + len(header["Value"])
                    if size > 995 or not header["Value"].isascii() or not header["Value"].isprintable():
                        return 400, "BadRequestException", f"header {header['Name']}"
        for tag in self._all_tags(body):
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag["Value"]):
                return 400, "BadRequestException", f"tag {tag['Name']}"
        return None

    @staticmethod
    def _all_tags(body: dict[str, Any]) -> list[dict[str, str]]:
        tags = [*body.get("EmailTags", []), *body.get("DefaultEmailTags", [])]
        for entry in body.get("BulkEmailEntries", []):
            tags += entry.get("ReplacementTags", [])
        return tags

    def _bulk_entry(self, body: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        account, s = self.server.account, self.server.account.settings
        (to,) = entry["Destination"]["ToAddresses"]
        if s.only_to and to not in s.only_to:
            return {"Status": "MESSAGE_REJECTED", "Error": f"Email address is not verified: {to}"}
        if refused := account.admit():
            return {"Status": refused, "Error": refused}
        template = body["DefaultContent"]["Template"]
        tags = {t["Name"]: t["Value"] for t in [*body.get("DefaultEmailTags", []), *entry.get("ReplacementTags", [])]}
        content, failure = None, None
        if s.render:
            values = json.loads(template.get("TemplateData") or "{}")
            replacement = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {})
            values |= json.loads(replacement.get("ReplacementTemplateData") or "{}")
            headers = {h["Name"]: h["Value"] for h in template.get("Headers", [])}
            headers |= {h["Name"]: h["Value"] for h in entry.get("ReplacementHeaders", [])}
            try:
                parts = {k: substitute(v, values) for k, v in template["TemplateContent"].items()}
                content = parts | {"headers": headers, "from": body["FromEmailAddress"]}
            except RenderingError as error:
                failure = str(error)
        return {"Status": "SUCCESS", "MessageId": account.accept(to, tags, content, failure)}

    def _single(self, body: dict[str, Any]) -> dict[str, Any]:
        account, s = self.server.account, self.server.account.settings
        (to,) = body["Destination"]["ToAddresses"]
        if s.only_to and to not in s.only_to:
            return {"refused": (400, "MessageRejected", f"Email address is not verified: {to}")}
        if refused := account.admit():
            if refused == "ACCOUNT_DAILY_QUOTA_EXCEEDED":
                return {"refused": (429, "TooManyRequestsException", "Daily message quota exceeded.")}
            return {"refused": (429, "TooManyRequestsException", "Maximum sending rate exceeded.")}
        tags = {t["Name"]: t["Value"] for t in body.get("EmailTags", [])}
        content = {"raw": body["Content"].get("Raw", {}).get("Data")} if s.render else None
        return {"MessageId": account.accept(to, tags, content, None)}

    def _fail(self, fault: str, reply: bytes) -> None:
        """Break the connection, or the answer, as ordered."""
        kind = fault.rpartition("-")[0]
        if kind in {"500", "503"}:
            self._error(int(kind), "InternalFailure", "")
            return
        if kind == "429":
            self._error(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
            return
        if kind == "timeout":
            time.sleep(self.server.account.settings.hang)
        if kind == "truncated":
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (len(reply) + 40)
            )
            self.wfile.write(reply[: len(reply) // 2])
            self.wfile.flush()
        if kind == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close() if kind == "reset" else self.connection.shutdown(socket.SHUT_RDWR)

    def _error(self, status: int, code: str, message: str) -> None:
        self._answer(status, {"message": message}, {"x-amzn-ErrorType": code})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


class SesServer(ThreadingHTTPServer):
    """The server; ``url`` is what ``AWS_ENDPOINT_URL_SESV2`` is to be."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, settings: Settings | None = None, port: int = 0, log: Path | None = None) -> None:
        self._clients: list[socket.socket] = []
        super().__init__(("127.0.0.1", port), Handler)
        self.account = Account(settings or Settings(), log)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> Any:
        client, address = super().get_request()
        self._clients.append(client)
        return client, address

    def server_close(self) -> None:
        super().server_close()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a client that was killed

    def __enter__(self) -> SesServer:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.shutdown()
        self.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--settings", default="{}", help="JSON")
    options = parser.parse_args()
    server = SesServer(Settings(**json.loads(options.settings)), options.port, options.log)
    print(server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
