"""Whatever is sent, there is an answer below 500, bounded and with safe headers."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.model import ConsentSource, ConsentState
from publisher.audience.tokens import Purpose
from publisher.config.model import Config, Newsletter, ServiceConfig
from publisher.web.app import create_app
from publisher.web.forms import Limiter, network
from publisher.web.service import Service as WebService
from tests.web.conftest import Site

HEADERS = {
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "cache-control",
    "cross-origin-opener-policy",
    "permissions-policy",
}


def test_every_answer_has_safe_headers_and_no_cookie(site: Site) -> None:
    ann = site.add("ann@example.com")
    paths = ["", "subscribe", "healthz", "metrics", "nothing", "confirm/x", "webhooks/sns"]
    paths += [site.service.tokens.url(Purpose.PREFERENCES, ann.reference)]
    for path in paths:
        for method in ("GET", "POST", "PUT"):
            answer = site.client.request(method, path)
            assert set(answer.headers) >= HEADERS, (method, path)
            assert "set-cookie" not in answer.headers
            assert answer.headers["server"] == "publisher"
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "script-src" not in policy
            assert "<script" not in answer.text


def test_the_webhook_is_not_there_until_topics_are_named(site: Site) -> None:
    assert site.client.post("webhooks/sns", content=b"{}").status_code == 404


def test_healthz_and_metrics(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("ann@example.com")
    site.client.get("unsubscribe/some-token")
    assert site.client.get("healthz").text == "ok\n"
    text = site.client.get("metrics").text
    assert 'publisher_subscribers{state="confirmed"} 1' in text
    assert 'publisher_web_requests_total{method="GET",route="unsubscribe",status="410"} 1' in text
    assert "some-token" not in text
    assert "@" not in text
    # behind a proxy on this machine: the reader's own address counts
    assert site.client.get("metrics", headers={"x-forwarded-for": "9.9.9.9"}).status_code == 404
    # behind a proxy of a private network that nobody named: the proxy is near, who asks it may be anybody
    monkeypatch.setattr("publisher.web.operations.is_near", lambda _: True)
    for header in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
        assert site.client.get("metrics", headers={header: "9.9.9.9"}).status_code == 404


def test_a_database_that_is_gone_is_a_page_and_a_status(site: Site) -> None:
    ann = site.add("ann@example.com")
    link = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference)
    with site.service.database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE consents")
    assert site.client.post(link).status_code == 503
    assert "没有任何改动" in site.client.post(link).text
    assert site.state("ann@example.com") == "confirmed"  # all or nothing


def test_bodies_are_bounded(site: Site) -> None:
    declared = site.client.post("subscribe", content=b"x" * 70_000)
    assert declared.status_code == 413
    form = {"content-type": "application/x-www-form-urlencoded"}
    chunked = site.client.post("subscribe", content=iter([b"a=" + b"x" * 9_000] * 10), headers=form)
    assert chunked.status_code == 413
    parts = urlsplit(site.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as raw:  # says much, sends little
        raw.sendall(b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in raw.recv(100)


def test_a_body_that_turns_into_no_http_gets_one_answer_and_no_traceback(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    parts = urlsplit(site.url)
    for path in ("subscribe", "nowhere"):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as raw:
            raw.sendall(f"POST /{path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n".encode())
            answer = b"".join(iter(lambda raw=raw: raw.recv(4096), b""))
        assert answer.count(b"HTTP/1.1 ") == 1
    assert site.client.get("healthz").status_code == 200
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_service_under_a_path(tmp_path: Path, slash: str) -> None:
    newsletter = Newsletter(**{"name": "n", "url": "https://n.example/", "from": "a@n.example"})
    config = Config(
        newsletter=newsletter, service=ServiceConfig(url=f"https://n.example/letters{slash}"), root=tmp_path
    )
    with TestClient(create_app(WebService.open(config)), base_url="https://n.example") as client:
        answer = client.get("/letters/subscribe")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert client.get("/subscribe").status_code == 200  # a proxy that takes the path off
        for typed in ("/letters", "/letters/", "/"):
            assert client.get(typed, follow_redirects=False).headers["location"] == "/letters/subscribe"
        assert client.get("/lettersx").status_code == 404


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A service in process, that raises nothing through."""
    root = tmp_path_factory.mktemp("wild")
    newsletter = Newsletter(**{"name": "n", "url": "https://n.example/", "from": "a@n.example"})
    config = Config(newsletter=newsletter, topics={"weekly": "Weekly"}, root=root)
    service = WebService.open(config, limiter=Limiter("1000000/minute", "1000000/day"))
    with service.database.begin() as connection:
        ann = store.add(
            connection, read_address("ann@example.com"), how=ConsentSource.COMMAND, state=ConsentState.PENDING
        )
    client = TestClient(create_app(service), raise_server_exceptions=False)
    client.tokens = {purpose.value: service.tokens.sign(purpose, ann.reference) for purpose in Purpose}  # type: ignore[attr-defined]
    return client


TEXT = st.text(max_size=40)
NAMES = st.sampled_from(["email", "name", "language", "topics", "action", "website", "List-Unsubscribe"]) | TEXT
VALUES = (
    st.sampled_from(["ann@example.com", "a@b", "zh-CN", "stay", "save", "One-Click", "\ud800", "\x00", "x" * 5000])
    | TEXT
)
KINDS = st.sampled_from([
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "application/json",
    "application/json; charset=nonsense", "text/html", "multipart/form-data; boundary=\"", "",
]) | st.from_regex(r"[ -~]{0,30}", fullmatch=True)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    pairs = draw(st.lists(st.tuples(NAMES, VALUES), max_size=5))
    shape = draw(st.sampled_from(["form", "multipart", "json", "raw"]))
    if shape == "form":
        return "&".join(f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in pairs).encode()
    if shape == "multipart":
        parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in pairs]
        return ("".join(parts) + draw(st.sampled_from(["--b--\r\n", "--b", ""]))).encode("utf-8", "replace")
    if shape == "json":
        value = draw(
            st.recursive(VALUES | st.none() | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=5)
        )
        return json.dumps({k: value if n % 2 else v for n, (k, v) in enumerate(pairs)}).encode()
    return draw(st.binary(max_size=200))


@settings(max_examples=250)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    place=st.sampled_from(
        ["subscribe", "confirm", "unsubscribe", "preferences", "webhooks/sns", "healthz", "metrics", ""]
    ),
    token=st.sampled_from(["good", "other", "none"]) | st.text(max_size=30),
    query=TEXT,
    kind=KINDS,
    body=bodies(),
    headers=st.dictionaries(
        st.sampled_from(["origin", "sec-fetch-site", "user-agent", "accept", "x-forwarded-for", "content-encoding"]),
        st.from_regex(r"[!-~]{1,30}", fullmatch=True)
        | st.sampled_from(["http://[", "null", "https://n.example", "::1"]),
        max_size=3,
    ),
)
def test_nothing_that_is_sent_makes_a_server_error(
    wild: TestClient, method: str, place: str, token: str, query: str, kind: str, body: bytes, headers: dict[str, str]
) -> None:
    tokens: dict[str, str] = wild.tokens  # type: ignore[attr-defined]
    path = f"/{place}"
    if token == "good":
        path += "/" + tokens.get(place, "")
    elif token == "other":
        path += "/" + tokens["unsubscribe"]
    elif token != "none":
        path += "/" + quote(token, safe="", errors="replace")
    answer = wild.request(
        method,
        path + "?" + quote(query, errors="replace"),
        content=body,
        headers={**headers, "content-type": kind},
        follow_redirects=False,
    )
    assert answer.status_code < 500, answer.text
    assert (
        "ann@example.com" not in answer.text
        or b"ann@example.com" in body
        or "ann%40example.com" in body.decode("latin-1")
    )


def test_the_webhook_believes_named_topics_only(tmp_path: Path) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:ses"
    newsletter = Newsletter(**{"name": "n", "url": "https://n.example/", "from": "a@n.example"})
    config = Config(newsletter=newsletter, service=ServiceConfig(sns_topics=(topic,)), root=tmp_path)
    fields = {"MessageId": "1", "Message": "x" * 200_000, "Timestamp": "2026-01-01T00:00:00Z", "SignatureVersion": "2",
              "Signature": "eA==", "SigningCertURL": "https://evil.example/x.pem"}  # fmt: skip
    with TestClient(create_app(WebService.open(config)), client=("127.0.0.1", 1)) as client:
        for arn in (topic, topic.replace("1234", "9999")):
            answer = client.post("/webhooks/sns", json={"Type": "Notification", "TopicArn": arn, **fields})
            assert answer.status_code == 403
        assert client.post("/webhooks/sns", content=b"{").status_code == 400
        assert client.post("/webhooks/sns", content=b"x" * 1_100_000).status_code == 413
        assert 'publisher_web_webhooks_total{status="403"} 2' in client.get("/metrics").text


def test_a_slash_too_many_leads_nobody_to_another_host_and_keeps_nobody_subscribed(site: Site) -> None:
    ann = site.add("ann@example.com")
    link = site.service.tokens.url(Purpose.UNSUBSCRIBE, ann.reference)
    kept = site.service.tokens.url(Purpose.KEEP, ann.reference)
    turned = [(f"{one}/", f"../{one.rpartition('/')[2]}") for one in ("subscribe", link, kept)]
    for path, leads in turned:
        answer = site.client.get(path, headers={"host": "evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (308, leads)
        assert set(answer.headers) >= HEADERS
        assert site.client.get(path, follow_redirects=True).status_code == 200
    spoken = site.client.get("subscribe/?language=ar", headers={"host": "evil.example"})
    assert spoken.headers["location"] == "../subscribe?language=ar"
    for path in ("/", "healthz/x/", "nothing/", "//evil.example/"):
        answer = site.client.get(site.url.rstrip("/") + "/" + path, headers={"host": "evil.example"})
        assert "evil.example" not in answer.headers.get("location", "").replace("../evil.example", "")
    answer = site.client.post(f"{link}/", data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, site.state("ann@example.com")) == (200, "unsubscribed")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.8", False),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.8", False),  # IPv4 on a listener for both
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("2a01:4f8:1:2::1", "2a01:4f8:1:2:ffff::1", True),
        ("2a01:4f8:1:2::1", "2a01:4f8:1:3::1", False),
    ],
)
def test_who_is_counted_as_one_asker(one: str, other: str, same: bool) -> None:
    networks = [network(Request({"type": "http", "client": (host, 1), "headers": []})) for host in (one, other)]
    assert (networks[0] == networks[1]) is same


def test_a_refused_method_is_told_every_method_that_its_path_has(site: Site) -> None:
    allowed = {path: site.client.put(path).headers["allow"] for path in ("/subscribe", "/keep/x", "/webhooks/x", "/")}
    both = "GET, HEAD, POST"
    assert allowed == {"/subscribe": both, "/keep/x": both, "/webhooks/x": "POST", "/": "GET, HEAD"}
