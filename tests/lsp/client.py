"""An editor, as raw JSON-RPC over the pipes of a real ``publisher lsp``."""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

WAIT = 60.0  # seconds; only a machine that stands still takes so long


class Editor:
    """One server. ``findings`` holds by address what was published last; ``said``, each message of the server."""

    def __init__(self, folder: Path, *, encodings: list[str] | None = None, environment: dict[str, str] | None = None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "publisher", "lsp", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
        self.findings: dict[str, list[dict[str, Any]]] = {}
        self.versions: dict[str, list[int | None]] = {}
        self.said: list[dict[str, Any]] = []
        self.errors = b""
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._early: dict[Any, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._told = threading.Condition()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._listen, self._complaints)]
        for thread in self._threads:
            thread.start()
        capabilities = {
            "general": {"positionEncodings": encodings} if encodings else {},
            "textDocument": {"rename": {"prepareSupport": True}},
            "workspace": {"fileOperations": {"willRename": True}},
        }
        asked = {"processId": None, "rootUri": None, "capabilities": capabilities}
        self.capabilities = self.ask("initialize", asked)["capabilities"]
        self.tell("initialized", {})

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT)
        for thread in self._threads:
            thread.join(WAIT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def end(self) -> int:
        """Shut it down as the protocol asks; its exit status."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(WAIT)

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> int:
        number = next(self._numbers)
        self.send({"id": number, "method": method, "params": params})
        return number

    def answer(self, number: int) -> dict[str, Any]:
        while number not in self._early:
            message = self._answers.get(timeout=WAIT)
            assert message, self.errors  # else the server has ended
            self._early[message["id"]] = message
        return self._early.pop(number)

    def ask(self, method: str, params: Any) -> Any:
        answer = self.answer(self.request(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    # Texts

    def open(self, file: Path | str, text: str | None = None) -> str:
        """Open a file, with a text of the editor's own; its address."""
        uri = file if isinstance(file, str) else file.as_uri()
        text = Path(file).read_bytes().decode("utf-8") if text is None else text
        item = {"uri": uri, "languageId": "markdown", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, version: int, *changes: dict[str, Any] | str) -> None:
        """Change a text: as a whole, or by ranges."""
        listed = [{"text": change} if isinstance(change, str) else change for change in changes]
        self.tell(
            "textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": listed}
        )

    def close(self, uri: str) -> None:
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    def at(self, method: str, uri: str, line: int, character: int, **more: Any) -> Any:
        """Ask something of a place."""
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": place, **more})

    # Findings

    def codes(self, uri: str) -> list[str]:
        return sorted(finding["code"] for finding in self.findings.get(uri, ()))

    def until(self, seen: Any, wait: float = WAIT) -> None:
        """Wait until ``seen(self)`` is true."""
        with self._told:
            assert self._told.wait_for(lambda: seen(self), wait), (self.findings, self.said, self.errors)

    def until_codes(self, uri: str, *codes: str) -> None:
        """Wait until these and no others are what was published last of a file."""
        self.until(lambda editor: uri in editor.findings and editor.codes(uri) == sorted(codes))

    def until_version(self, uri: str, version: int) -> None:
        self.until(lambda editor: version in editor.versions.get(uri, ()))

    def settle(self, quiet: float = 0.4) -> None:
        """Wait until nothing was said for a while."""
        count = -1
        while count != len(self.said):
            count = len(self.said)
            time.sleep(quiet)

    def _listen(self) -> None:
        stream = self.process.stdout
        while header := stream.readline():
            name, _, value = header.partition(b":")
            assert name == b"Content-Length", header  # frames only
            while stream.readline().strip():
                pass
            message = json.loads(stream.read(int(value)))
            with self._told:
                self.said.append(message)
                if message.get("method") == "textDocument/publishDiagnostics":
                    params = message["params"]
                    self.findings[params["uri"]] = params["diagnostics"]
                    self.versions.setdefault(params["uri"], []).append(params.get("version"))
                self._told.notify_all()
            if "id" in message and "method" not in message:
                self._answers.put(message)
        self._answers.put({})

    def _complaints(self) -> None:
        self.errors = self.process.stderr.read()
