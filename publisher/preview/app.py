"""The preview's web application: a page, its data, the frames, and a stream of changes."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publisher.diagnostics import rendered, say
from publisher.diagnostics.sentences import LANGUAGES, language
from publisher.documents.yaml import read_data
from publisher.edition.model import Edition
from publisher.errors import PublisherError, UsageError
from publisher.language import first_spoken
from publisher.preview import frames
from publisher.preview.listing import describe, listing
from publisher.preview.watch import Changes
from publisher.preview.workshop import PreviewState, Workshop
from publisher.providers import open_provider

STATIC = Path(__file__).parent / "static"
HEARTBEAT = 15.0  # seconds between comments that keep an idle stream open
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
EDITORS = "vscode-webview: vscode-file:"
"""Origins that may frame the preview if an editor started it: the editor's own pages, no web site."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
WORDS = tuple(say(word) for word in read_data(Path(__file__).with_name("words.yaml"))["words"])
"""The words of the page, which is English as it is written, for browsers that prefer another language."""


def create_app(root: Path, port: int, *, editor: bool = False) -> Starlette:
    """Create the application for a repository, to be served at 127.0.0.1:``port``. Raises :class:`ConfigError`.

    With ``editor``, pages of an editor may show it in a frame.
    """
    workshop = Workshop(root)
    changes = Changes(workshop)
    stopping = asyncio.Event()

    async def page(_: Request) -> Response:
        return FileResponse(STATIC / "preview.html")

    def words(request: Request) -> Response:
        _speak(request)
        return JSONResponse({"lang": language.get(), **{str(word): rendered(word) for word in WORDS}})

    def issues(_: Request) -> Response:
        return JSONResponse(listing(workshop))

    def issue(request: Request) -> Response:
        view = _view(workshop, request)
        _speak(request)
        return JSONResponse(describe(workshop, view, frames.look(request.query_params)))

    def frame(request: Request) -> Response:
        view, look = _view(workshop, request), frames.look(request.query_params)
        if view.edition is None or look.kind not in frames.KINDS:
            raise HTTPException(404)
        content = frames.document(view.edition, look, workshop.config)
        policy = frames.policy(look, f"http://{request.headers['host']}")
        if editor:
            policy = policy.replace("frame-ancestors 'self'", f"frame-ancestors 'self' {EDITORS}")
        return HTMLResponse(content, headers={"content-security-policy": policy})

    async def asset(request: Request) -> Response:
        found = workshop.asset(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return Response(found[0], 200, {"content-security-policy": "default-src 'none'; sandbox"}, found[1])

    async def events(_: Request) -> Response:
        return StreamingResponse(_stream(changes, stopping), media_type="text/event-stream")

    async def send_test(request: Request) -> Response:
        _speak(request)
        view = await run_in_threadpool(_view, workshop, request, anew=True)  # the watcher may lag behind a save
        try:
            address = str((await request.json())["to"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": rendered(say("say whom to send the test to"))}, 400)
        if view.edition is None or view.broken:
            return JSONResponse({"error": rendered(say("mend the errors first"))}, 409)
        try:
            message = await run_in_threadpool(_send_test, workshop, view.edition, address)
        except PublisherError as error:
            return JSONResponse({"error": rendered(error.message), "help": rendered(error.help or "")}, 502)
        return JSONResponse({"message": message})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(changes.watch()), asyncio.create_task(changes.warm())]
        yield
        stopping.set()
        for task in tasks:
            task.cancel()

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/words", words),
            Route("/api/issues", issues),
            Route("/api/issues/{slug:path}/test", send_test, methods=["POST"]),
            Route("/api/issues/{slug:path}", issue),
            Route("/frame/{slug:path}", frame),
            Route("/site/{name:path}", asset),
            Route("/events", events),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(PreviewGuard, port=port, editor=editor)],
        lifespan=lifespan,
    )


def _speak(request: Request) -> None:
    """Set the language of findings and words for this request to one that the browser prefers."""
    language.set(first_spoken(request.headers.get("accept-language", ""), LANGUAGES) or language.get())


def _view(workshop: Workshop, request: Request, *, anew: bool = False) -> PreviewState:
    try:
        return workshop.view(request.path_params["slug"], anew=anew)
    except UsageError as error:
        raise HTTPException(404, error.message) from error


def _send_test(workshop: Workshop, edition: Edition, address: str) -> str:
    from publisher.delivery.send import send_test

    if failed := send_test(workshop.config, edition, [address]):
        return rendered(say("The test was refused: {reason}", reason=failed[0][1]))
    said = {"transport": workshop.config.delivery.transport}
    if folder := open_provider(workshop.config).written(""):
        where = os.path.relpath(folder, workshop.config.root)
        return rendered(say("Handed to the {transport} transport (look in {folder}/).", folder=where, **said))
    return rendered(say("Handed to the {transport} transport.", **said))


async def _stream(changes: Changes, stopping: asyncio.Event) -> AsyncIterator[str]:
    """Server-sent events (HTML Living Standard §9.2): ``change`` maps slugs to versions, null while being made."""
    with changes.subscribe() as queue:
        yield "retry: 500\n\n"
        while not stopping.is_set():
            try:
                versions = await asyncio.wait_for(queue.get(), HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"
            else:
                yield f"event: change\ndata: {json.dumps(versions)}\n\n"


class PreviewGuard:
    """ASGI middleware: only the preview's own page may use the preview; every response gets security headers.

    A page of another web site can make a browser send requests to 127.0.0.1. Therefore the Host header must be ours
    (DNS rebinding), requests caused by other sites are refused (Fetch Metadata), and all methods but GET and HEAD
    need our Origin.
    """

    def __init__(self, app: ASGIApp, port: int, editor: bool = False) -> None:
        self._app, self._editor = app, editor
        self._policy = PAGE_POLICY.replace("ancestors 'none'", f"ancestors {EDITORS}") if editor else PAGE_POLICY
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        # The page itself contains no data, and its policy limits who may frame it.
        framed = self._editor and scope["path"] == "/" and headers.get("sec-fetch-dest") == "iframe"
        if refusal := self._refusal(scope["method"], headers, framed):
            _speak(Request(scope))
            await PlainTextResponse(f"{rendered(refusal)}\n", 403)(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                more = HEADERS | {"content-security-policy": self._policy}
                message["headers"] += [(k.encode(), v.encode()) for k, v in more.items() if k.encode() not in present]
            await send(message)

        await self._app(scope, receive, safely)

    def _refusal(self, method: str, headers: Headers, framed: bool) -> str | None:
        """The reason to refuse a request, or None."""
        if headers.get("host") not in self._hosts:
            return say("the preview answers only at its own address")
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"} and not framed:
            return say("the preview answers only its own page")
        if method not in {"GET", "HEAD"} and headers.get("origin") != f"http://{headers['host']}":
            return say("the preview is driven only from its own page")
        return None
