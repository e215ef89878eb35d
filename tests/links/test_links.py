"""Links are requested at a polite rate, judged by their answers, and never lead to a private address."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from publisher.checks.links.checker import LinkCache, check_links
from publisher.checks.links.network import is_public
from publisher.checks.links.prober import LinkResult, LinkState, ProbeLimits, of_status
from publisher.checks.parts import Link
from publisher.diagnostics import Place, Span, rendered

from .server import LinkServer

MANNERS = ProbeLimits(timeout=1.0, total=3.0, allow_private=True)


@pytest.fixture(scope="module")
def server() -> Iterator[LinkServer]:
    made = LinkServer()
    yield made
    made.close()


def codes(tmp_path: Path, *urls: str, limits: ProbeLimits = MANNERS) -> list[str | None]:
    """The code for each URL, None for a sound one."""
    links = [Link(url, Place("issues/a/a.md", Span(n, 1, n, 9))) for n, url in enumerate(urls, 1)]
    with ThreadPoolExecutor(1) as pool:  # the browser's fixture keeps an event loop in the main thread
        done = pool.submit(check_links, links, cache=tmp_path / "links.json", agent="https://n.example/", limits=limits)
        found = done.result()
    by_line = {d.span.line: d.code for d in found}
    assert len(by_line) == len(found)
    return [by_line.get(n) for n in range(1, len(urls) + 1)]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/ok", None),
        ("/ok#part", None),
        ("/nohead", None),
        ("/headlies", None),
        ("/found", None),
        ("/missing", "dead-link"),
        ("/gone", "dead-link"),
        ("/teapot", "dead-link"),
        ("/loop", "dead-link"),
        ("/endless", "dead-link"),
        ("/moveddead", "dead-link"),
        ("/moved", "moved-link"),
        ("/forbidden", "unsure-link"),
        ("/broken", "unsure-link"),
        ("/hang", "unsure-link"),
        ("/close", "unsure-link"),
        ("/garbage", "unsure-link"),
        ("/busylong", "unsure-link"),
        ("/busy", None),
    ],
)
def test_a_link_is_judged_by_its_answer(server: LinkServer, tmp_path: Path, path: str, code: str | None) -> None:
    assert codes(tmp_path, server.url(path)) == [code]


def test_a_self_signed_certificate_is_in_doubt(tmp_path: Path) -> None:
    server = LinkServer(tmp_path)
    assert codes(tmp_path, server.url("/ok")) == ["unsure-link"]
    server.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/ok",
        "http://localhost:{port}/ok",
        "http://[::1]:{port}/ok",
        "http://[::ffff:127.0.0.1]:{port}/ok",
        "http://0.0.0.0:{port}/ok",
        "http://2130706433:{port}/ok",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_a_private_address_is_never_connected_to(server: LinkServer, tmp_path: Path, url: str) -> None:
    before = sum(server.asked.values())
    assert codes(tmp_path, url.format(port=server.port), limits=ProbeLimits(timeout=1.0)) == ["private-link"]
    assert sum(server.asked.values()) == before


def test_a_redirect_to_a_private_address_is_not_followed(server: LinkServer, tmp_path: Path, monkeypatch) -> None:
    # The first hop has to be reachable for the second to be tried: only loopback is taken for public here.
    monkeypatch.setattr(
        "publisher.checks.links.network.is_public", lambda address: address == "127.0.0.1" or is_public(address)
    )
    assert codes(tmp_path, server.url("/inside"), limits=ProbeLimits(timeout=1.0)) == ["private-link"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a9fe:a9fe", False),  # RFC 8215, the local NAT64
        ("2002:a9fe:a9fe::1", False),  # 6to4
        ("::a9fe:a9fe", False),  # RFC 4291, IPv4-compatible
        ("::ffff:0:a9fe:a9fe", False),  # RFC 2765, IPv4-translated
        ("::ffff:169.254.169.254", False),
        ("2001:0:5ef5:79fd::5601:5601", False),  # Teredo
        ("2a01:4f8::5efe:a9fe:a9fe", False),  # ISATAP
        ("2a01:4f8::200:5efe:a9fe:a9fe", False),
        ("3fff::1", False),
        ("4000::1", False),
        ("192.0.0.192", False),
        ("192.88.99.1", False),
        ("168.63.129.16", False),
        ("2a01:4f8::1", True),
        ("::ffff:9.9.9.9", True),
        ("ff02::1", False),
    ],
)
def test_public_addresses_are_distinguished_from_private_ones(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(("error", "code"), [(socket.EAI_AGAIN, "unsure-link"), (socket.EAI_NONAME, "dead-link")])
def test_a_host_that_nobody_answers_for_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, code: str
) -> None:
    """Without a network the resolver says "try again" of every host."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(error, "")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert codes(tmp_path, "https://n.example/") == [code]


def test_an_answer_is_remembered_for_a_day_and_trouble_is_not(server: LinkServer, tmp_path: Path) -> None:
    for path, asks_again in (("/ok/remember", False), ("/missing/remember", False), ("/broken/remember", True)):
        codes(tmp_path, server.url(path))
        before = sum(server.asked.values())
        codes(tmp_path, server.url(path))
        assert (sum(server.asked.values()) > before) is asks_again


def test_an_old_answer_or_a_spoilt_file_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "links.json"
    cache = LinkCache(path, now=lambda: 1000.0)
    cache.put("https://a.example/", of_status(404))
    cache.save()
    kept = LinkCache(path, now=lambda: 1000.0 + 86_399).get("https://a.example/")
    assert kept == of_status(404)
    assert rendered(kept.detail, "zh") == "链接答 404：找不到"
    assert LinkCache(path, now=lambda: 1000.0 + 86_400).get("https://a.example/") is None
    path.write_text('{"https://a.example/": [1000.0, "dead", "answers 404", null]}')  # before sentences were data
    assert LinkCache(path, now=lambda: 1001.0).get("https://a.example/") is None
    path.write_text('{"https://a.example/": [1, "no such state"]}')
    assert LinkCache(path, now=lambda: 1.0).get("https://a.example/") is None


def test_each_link_is_asked_for_once_and_reported_everywhere(server: LinkServer, tmp_path: Path) -> None:
    url = server.url("/missing/once")
    assert codes(tmp_path, url, url + "#a", url) == ["dead-link"] * 3
    assert server.asked["HEAD /missing/once"] == 1


def test_only_web_links_are_asked_for(tmp_path: Path) -> None:
    assert codes(tmp_path, "mailto:a@example.com", "#anchor", "images/a.png", "tel:+1") == [None] * 4


def test_every_status_has_an_outcome() -> None:
    assert all(isinstance(of_status(status), LinkResult) for status in range(100, 600))


class _Scripted:
    """A prober that answers from a table, and counts."""

    asked: list[str]

    def __init__(self, limits: ProbeLimits, agent: str) -> None:
        type(self).asked = []

    async def __aenter__(self) -> _Scripted:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def probe(self, url: str) -> LinkResult:
        self.asked.append(url)
        return LinkResult(LinkState.ALIVE)


def test_http_is_reported_where_https_answers_and_a_host_that_hangs_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.checks.links.checker.Prober", _Scripted)
    urls = ["http://a.example/", "https://a.example/x", "http://b.example:8080/"]
    assert codes(tmp_path, *urls) == ["insecure-link", None, None]
    monkeypatch.setattr(_Scripted, "probe", _hangs_over_https)
    assert codes(tmp_path, *(f"http://slow.example/{n}" for n in range(9))) == [None] * 9
    assert sum(url.startswith("https:") for url in _Scripted.asked) == 1


async def _hangs_over_https(self: _Scripted, url: str) -> LinkResult:
    self.asked.append(url)
    return LinkResult(LinkState.UNSURE, "hangs") if url.startswith("https:") else LinkResult(LinkState.ALIVE)
