"""A server that speaks Postmark's API over real HTTP, as much of it as publisher meets, with faults to order."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "00000000-1111-2222-3333-444444444444"
ACCOUNT_TOKEN = "99999999-1111-2222-3333-444444444444"
_MAILBOX = re.compile(r"[a-z0-9.!#$%&'`*+\-/=^_{}|~]+@[a-z0-9.-]+", re.IGNORECASE)


@dataclass
class Account:
    """What the account allows, what goes wrong, and what was taken. ``faults`` are used up, one a batch."""

    stream: dict[str, Any] = field(
        default_factory=lambda: {
            "ID": "broadcast",
            "MessageStreamType": "Broadcasts",
            "ArchivedAt": None,
            "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Custom"},
        }
    )
    server: dict[str, Any] = field(default_factory=lambda: {"Name": "Weekly", "DeliveryType": "Live"})
    domains: list[dict[str, Any]] = field(default_factory=lambda: [{"Name": "news.example.com", "DKIMVerified": True}])
    senders: list[dict[str, Any]] = field(default_factory=list)
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)  # address → the error code of its result
    refuse: tuple[int, dict[str, Any]] | None = None  # status and body of every batch
    suppressed: dict[str, str] = field(default_factory=dict)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    bodies: bool = True  # whether those of accepted messages are kept
    lock: threading.Lock = field(default_factory=threading.Lock)

    def copies(self) -> Counter[str]:
        return Counter(message["To"] for message in self.accepted)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account: Account

    def do_GET(self) -> None:
        account, path = self.account, urlsplit(self.path).path
        answers: dict[str, Any] = {
            f"/message-streams/{account.stream['ID']}": account.stream,
            f"/message-streams/{account.stream['ID']}/suppressions/dump": {
                "Suppressions": [{"EmailAddress": a, "SuppressionReason": r} for a, r in account.suppressed.items()]
            },
            "/server": account.server,
            "/webhooks": {"Webhooks": account.webhooks},
            "/domains": {"Domains": account.domains},
            "/senders": {"SenderSignatures": account.senders},
        }
        if self._believed(path in {"/domains", "/senders"}):
            if path in answers:
                self._say(200, answers[path])
            else:
                self._say(422, {"ErrorCode": 1226, "Message": "The Message Stream was not found."})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._believed(account=False):
            return
        if self.path.endswith("/suppressions"):
            entries = [entry["EmailAddress"] for entry in body["Suppressions"]]
            assert len(entries) <= 50
            self.account.suppressed |= dict.fromkeys(entries, "ManualSuppression")
            self._say(200, {"Suppressions": [{"EmailAddress": e, "Status": "Suppressed"} for e in entries]})
            return
        assert self.path == "/email/batch"
        with self.account.lock:
            fault = self.account.faults.pop(0) if self.account.faults else ""
        if fault.endswith("-before"):
            self._fail(fault.removesuffix("-before"), b"")
            return
        if self.account.refuse:
            self._say(*self.account.refuse)
            return
        if len(body) > 500:
            self._say(422, {"ErrorCode": 410, "Message": "Too many batch messages."})
            return
        with self.account.lock:
            self.account.batches.append(len(body))
            results = [self._take(message) for message in body]
        if fault == "short-after":
            results = results[:-1]
        if fault and fault != "short-after":
            self._fail(fault.removesuffix("-after"), json.dumps(results).encode())
            return
        self._say(200, results)

    def _take(self, message: dict[str, Any]) -> dict[str, Any]:
        code = self.account.codes.get(message["To"], 0)
        if not _MAILBOX.fullmatch(message["To"]):
            code = 300
        if message["MessageStream"] != self.account.stream["ID"]:
            code = 1235
        if code:
            return {"ErrorCode": code, "Message": f"You tried to send to {message['To']}."}
        message_id = str(uuid.uuid4())
        kept = message if self.account.bodies else {key: message[key] for key in ("To", "Metadata")}
        self.account.accepted.append(kept | {"MessageID": message_id})
        return {"ErrorCode": 0, "Message": "OK", "MessageID": message_id, "To": message["To"]}

    def _believed(self, account: bool) -> bool:
        name, wanted = ("Account", ACCOUNT_TOKEN) if account else ("Server", TOKEN)
        if self.headers.get(f"X-Postmark-{name}-Token") == wanted:
            return True
        self._say(401, {"ErrorCode": 10, "Message": "The Server Token you provided could not be verified."})
        return False

    def _fail(self, how: str, answer: bytes) -> None:
        """``reset``, ``close``, ``timeout``, ``truncated``, ``empty``, or a status."""
        if how.isdigit():
            self._say(int(how), None)
            return
        if how == "timeout":
            time.sleep(1.0)
        if how in {"truncated", "empty"}:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer) if how == "truncated" else 0))
            self.end_headers()
            self.wfile.write(answer[: len(answer) // 2] if how == "truncated" else b"")
        self.close_connection = True
        self.wfile.flush()
        if how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close() if how == "reset" else self.connection.shutdown(socket.SHUT_RDWR)

    def _say(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


class PostmarkServer:
    """The server, running while the ``with`` lasts. ``url`` is for PUBLISHER_POSTMARK_URL."""

    def __init__(self) -> None:
        self.account, self.port = Account(), 0

    def __enter__(self) -> PostmarkServer:
        handler = type("Own", (Handler,), {"account": self.account})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
