"""Pages of every kind, on loopback, for ``publisher add``: the path says which."""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

HTML = "text/html; charset=utf-8"


class Served(NamedTuple):
    body: bytes = b""
    kind: str | None = HTML
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012


def html(head: str, **more: Any) -> Served:
    text = f"<!doctype html><html><head>{head}</head><body><p>THE ARTICLE'S TEXT</p></body></html>"
    return Served(text.encode(), **more)


def linked(data: Any, head: str = "<title>Of the head</title>") -> Served:
    return html(f'{head}<script type="application/ld+json">{json.dumps(data)}</script>')


def titled(text: str) -> Served:
    return html(f"<title>{text}</title>")


def to(path: str, status: int = 302) -> Served:
    return Served(b"", HTML, status, {"Location": path})


ARTICLE = {"@type": "NewsArticle", "headline": "Told in JSON-LD"}
CHINESE = "<title>字节跳动的资本开支</title>"
BIG = b"<title>Big</title>" + b"x" * 10_000_000
PAGES: dict[str, Served] = {
    "title": titled("Only a title"),
    "entities": titled("Fish &amp; chips &#8211; &quot;now&quot;"),
    "spaces": titled("  Over\n\t two   lines\r\n"),
    "two-titles": html("<title>First</title><title>Second</title>"),
    "door": html("<title>Attention Required! | Cloudflare</title>"),
    "door-zh": html("<title>百度安全验证</title>"),
    "moment": html("<title>One moment in time: access denied, and why</title>"),
    "svg-title": Served(b"<body><svg><title>An icon</title></svg></body>"),
    "og": html('<title>x</title><meta property="og:title" content="Of Open Graph"><meta property="og:site_name" '
               'content="The Site"><meta property="og:image" content="https://i.example/a.png">'),
    "og-as-name": html('<meta name="og:title" content="Of Open Graph">'),
    "twitter": html('<title>x</title><meta name="twitter:title" content="Of Twitter">'),
    "empty-og": html('<title>Of the title</title><meta property="og:title" content="">'),
    "unquoted": Served(b"<meta property=og:title content=Unquoted><title>x</title>"),
    "ld": linked(ARTICLE | {"author": {"name": "Ada"}, "publisher": {"name": "The Daily"},
                            "datePublished": "2024-12-26"}),
    "ld-array": linked([{"@type": "BreadcrumbList"}, ARTICLE]),
    "ld-graph": linked({"@graph": [{"@type": "WebSite", "name": "W"}, ARTICLE | {"@type": ["Thing", "Article"]}]}),
    "ld-authors": linked(ARTICLE | {"author": [{"name": "Ada"}, "Bob", {"name": ["Eve"]}, 7]}),
    "ld-images": linked(ARTICLE | {"image": [{"url": "https://i.example/1.png"}, "https://i.example/2.png"]}),
    "ld-broken": html('<title>Of the head</title><script type="application/ld+json">{"headline": "x",}</script>'),
    "ld-deep": html('<title>Of the head</title><script type="application/ld+json">' + "[" * 50_000 + "</script>"),
    "ld-types": linked(ARTICLE | {"headline": ["a"], "name": {"x": 1}, "author": 5, "publisher": None, "image": {}}),
    "ld-newlines": html('<script type="application/ld+json">{"@type": "Article", "headline": "Two\nlines"}</script>'),
    "ld-schema-url": linked({"@type": "https://schema.org/BlogPosting", "headline": "Told in JSON-LD"}),
    "ld-two": html("".join(f'<script type="application/ld+json">{json.dumps(one)}</script>'
                           for one in ({"@type": "Organization", "name": "O"}, ARTICLE))),
    "ld-comment": html(f'<script type="application/ld+json"><!--{json.dumps(ARTICLE)}--></script>'),
    "yaml": titled("a: b #5 - [x] {y} 'q' &quot;d&quot; | &gt; &amp;anchor *alias !tag % @ `"),
    "yaml-lines": titled("x\n---\nstatus: ready\ncommentary: |\n  evil"),
    "shell": titled("$(touch /tmp/pwned); `id` &amp;&amp; rm -rf ~ ../../etc/passwd"),
    "template": titled("{{ subscriber.name }} {% raw %}"),
    "controls": titled("a\x1b[31mb\x07c\x00d"),
    "directions": titled("a\u202eb\u2066c\u200bd\ufeffe"),
    "long": titled("word " * 5_000),
    "emoji": titled("👩‍👩‍👧 family 𠮷野家"),
    "no-title": html(""),
    "no-title/deep/page.html": html(""),
    "empty": Served(b""),
    "no-content": Served(b"", None, 204),
    "gbk-header": Served(CHINESE.encode("gbk"), "text/html; charset=GBK"),
    "gbk-meta": Served(b'<meta charset="gb2312">' + CHINESE.encode("gbk"), "text/html"),
    "gbk-http-equiv": Served(b'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'
                             + CHINESE.encode("gbk"), "text/html"),
    "gbk-silent": Served((CHINESE + "<p>研报显示，字节跳动去年的资本开支达到八百亿元。").encode("gbk"), "text/html"),
    "gbk-lied": Served(b'<meta charset="gbk">' + CHINESE.encode("gbk"), "text/html; charset=utf-8"),
    "sjis": Served("<title>半導体の新工場</title>".encode("cp932"), "text/html; charset=Shift_JIS"),
    "bom": Served(b"\xef\xbb\xbf" + CHINESE.encode(), "text/html; charset=iso-8859-1"),
    "utf16": Served(b"\xff\xfe" + CHINESE.encode("utf-16-le"), "text/html"),
    "odd-charset": Served(CHINESE.encode(), "text/html; charset=klingon"),
    "latin": Served("<title>Élan à Besançon</title>".encode("latin-1"), "text/html; charset=iso-8859-1"),
    "no-type": Served(b"<!doctype html><title>Untyped</title>", None),
    "xhtml": Served(b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><title>X</title></html>',
                    "application/xhtml+xml"),
    "pdf": Served(b"%PDF-1.7\n" + b"<title>no</title>" * 50, "application/pdf"),
    "pdf-as-html": Served(b"%PDF-1.7\n<title>no</title>"),
    "image": Served(b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "image/png"),
    "json": Served(b'{"title": "no"}', "application/json"),
    "text": Served(b"<title>no</title>", "text/plain"),
    "huge": Served(BIG),
    "gzip": Served(gzip.compress(b"<title>Zipped</title>"), headers={"Content-Encoding": "gzip"}),
    "deflate": Served(zlib.compress(b"<title>Zipped</title>"), headers={"Content-Encoding": "deflate"}),
    "bomb": Served(gzip.compress(b"<title>Bomb</title>" + bytes(200_000_000), 9), headers={"Content-Encoding": "gzip"}),
    "gzip-broken": Served(b"\x1f\x8b\x08garbage", headers={"Content-Encoding": "gzip"}),
    "brotli": Served(b"\x0b\x02", headers={"Content-Encoding": "br"}),
    "404": html("<title>Not here</title>", status=404),
    "410": html("<title>Gone</title>", status=410),
    "403": html("<title>Robots stay out</title>", status=403),
    "500": html("<title>Oh no</title>", status=500),
    "304": Served(b"", HTML, 304),
    "moved": to("/title", 301),
    "found": to("title"),
    "five": to("/r2"), "r2": to("/r3"), "r3": to("/r4"), "r4": to("/r5"), "r5": to("/title"),
    "six": to("/five"),
    "loop": to("/loop"),
    "to-file": to("file:///etc/passwd"),
    "to-user": to("http://me:secret@127.0.0.1/"),
    "to-metadata": to("http://169.254.169.254/latest/meta-data/"),
    "nowhere": Served(b"", HTML, 302),
    "refresh": html('<meta http-equiv="refresh" content="0; url=/title">'),
    "refresh-loop": html('<meta http-equiv="refresh" content="0;URL=\'/refresh-loop\'">'),
    "refresh-later": html('<title>Reloads</title><meta http-equiv="refresh" content="300">'),
}  # fmt: skip


class PageServer:
    """``url("og")`` and so on; ``asked`` are the paths that were."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                name = self.path.lstrip("/").partition("?")[0]
                if name in {"drip", "hang", "cut"}:
                    self._badly(name)
                    return
                page = PAGES.get(name, PAGES["404"])
                self.send_response(page.status)
                for header, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
                    self.send_header(header, value)
                if page.kind:
                    self.send_header("Content-Type", page.kind)
                self.end_headers()
                with suppress(OSError):  # who asked has enough
                    self.wfile.write(page.body)

            def _badly(self, name: str) -> None:
                with suppress(OSError):
                    if name != "hang":
                        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n")
                    for _ in range(0 if name == "cut" else 600):
                        if name == "drip":
                            self.wfile.write(b" ")
                        time.sleep(0.05)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
