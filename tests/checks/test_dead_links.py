"""``check --links`` reports at the link, and an editor's ignore holds there too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from publisher.checks.links.checker import check_all_links, check_links
from publisher.checks.links.prober import ProbeLimits
from publisher.checks.parts import Link
from publisher.config import load_config
from publisher.diagnostics import Place

from .corpus import SLUG, SOUND, Case, lay_out


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response({"/alive": 200, "/far": 302}.get(self.path, 404))
        self.send_header("Location", "http://127.0.0.1:99999/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_dead_link_stands_at_its_place_unless_it_is_ignored(site: str, tmp_path: Path) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    (tmp_path / "config.yaml").write_text(SOUND["config.yaml"] + "checks: {allow_private_links: true}\n")
    (tmp_path / SLUG / "b.md").write_text(
        f"---\nheadline: x\nsource: {{name: y, url: {site}/gone}}\n---\n[a]({site}/alive) 与 [b]({site}/dead)\n\n"
        f"<!-- publisher: ignore=dead-link -->\n[c]({site}/known)\n\n<p>字<A HREF='{site}/raw?a=1&amp;b=2'>d</A></p>\n"
    )
    with ThreadPoolExecutor(1) as apart:  # a browser of another test may have left its event loop in this thread
        found = apart.submit(check_all_links, load_config(tmp_path), [SLUG.rpartition("/")[2]]).result()
    dead = [(finding.span.line, finding.span.column) for finding in found if finding.code == "dead-link"]
    assert dead == [(3, 24), (5, len(f"[a]({site}/alive) 与 ") + 1), (10, 5)]


@pytest.mark.parametrize("url", ["http://[x", "http://a＃b.com/", "https://127.0.0.1:99999/", "https://x.com:abc/"])
def test_what_is_no_address_is_not_asked_for(url: str, tmp_path: Path) -> None:
    asked = list[int]()
    with ThreadPoolExecutor(1) as apart:
        options = {"cache": tmp_path / "c.json", "agent": "x", "progress": lambda *_: asked.append(1)}
        assert apart.submit(check_links, [Link(url, Place("a.md"))], **options).result() == []
    assert asked == []


def test_a_redirect_to_a_port_that_is_none_is_dead(site: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as apart:
        options = {"cache": tmp_path / "c.json", "agent": "x", "limits": ProbeLimits(allow_private=True)}
        (found,) = apart.submit(check_links, [Link(f"{site}/far", Place("a.md"))], **options).result()
    assert (found.code, "there is no host 127.0.0.1:99999" in found.message) == ("dead-link", True)
