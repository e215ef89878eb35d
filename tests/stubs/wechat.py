"""WeChat's API on loopback: tokens that go stale, uploads, drafts; and errors, each for as many calls as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class WechatStub:
    """``calls`` are the paths that were asked for, in order; ``errors[path]`` the codes of its next answers."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.bodies: list[tuple[str, bytes]] = []
        self.errors: dict[str, list[tuple[int, str]]] = {}
        self.unknown: set[str] = set()
        self.drafts: dict[str, dict[str, Any]] = {}
        self.tokens = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                url = urlsplit(self.path)
                name = url.path.removeprefix("/cgi-bin/")
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                stub.calls.append(name)
                stub.bodies.append((name, body))
                status = 404 if name in stub.unknown else 200
                found = stub.answer(name, parse_qs(url.query), body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, name: str, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
        if self.errors.get(name):
            code, told = self.errors[name].pop(0)
            return {"errcode": code, "errmsg": told}
        if name in {"stable_token", "token"}:
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 7200}
        if query.get("access_token") != [f"token-{self.tokens}"]:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        if name == "media/uploadimg":
            return {"url": f"http://mmbiz.qpic.cn/body/{len(self.calls)}"}
        if name == "material/add_material":
            return {"media_id": f"cover-{len(self.calls)}", "url": f"http://mmbiz.qpic.cn/cover/{len(self.calls)}"}
        given = json.loads(body)
        if name == "draft/add":
            media_id = f"draft-{len(self.drafts) + 1}"
            (self.drafts[media_id],) = given["articles"]
            return {"media_id": media_id}
        if given["media_id"] not in self.drafts:
            return {"errcode": 40007, "errmsg": "invalid media_id"}
        self.drafts[given["media_id"]] = given["articles"]
        return {"errcode": 0, "errmsg": "ok"}

    def __enter__(self) -> WechatStub:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
