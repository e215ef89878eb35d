"""Nobody but this machine's own page drives the preview.

A page of another web site can make a browser ask 127.0.0.1 for things. Three answers: the Host header has to be ours
(DNS rebinding), a request that another site caused is refused (Fetch Metadata), and whatever acts needs our Origin.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class PreviewGuard:
    """ASGI middleware: checks Host, Fetch Metadata and Origin, and puts safe headers on every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if refusal := self._refusal(scope["method"], Headers(scope=scope)):
            await PlainTextResponse(refusal, 403)(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                more = HEADERS | {"content-security-policy": PAGE_POLICY}
                message["headers"] += [(k.encode(), v.encode()) for k, v in more.items() if k.encode() not in present]
            await send(message)

        await self._app(scope, receive, safely)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        """Why a request is refused; None where it is ours."""
        if headers.get("host") not in self._hosts:
            return "the preview answers only at its own address\n"
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return "the preview answers only its own page\n"
        if method not in {"GET", "HEAD"} and headers.get("origin") != f"http://{headers['host']}":
            return "the preview is driven only from its own page\n"
        return None
