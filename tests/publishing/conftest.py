"""Real servers on loopback for publishing: S3 and CloudFront by moto, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest


@dataclass
class Aws:
    """A moto server: its address, and what was asked of it as ``(method, path)``."""

    url: str
    calls: list[tuple[str, str]]

    def client(self, service: str) -> Any:
        """A boto3 client to it."""
        import boto3

        return boto3.client(service, region_name="eu-west-1", endpoint_url=self.url)

    def puts(self) -> list[str]:
        """The keys put since the last call of this, in the order they came."""
        keys = [path for method, path in self.calls if method == "PUT" and path.count("/") >= 2]
        self.calls.clear()
        return [path.split("/", 2)[2] for path in keys]


@pytest.fixture(scope="session")
def _moto() -> Iterator[Aws]:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from werkzeug.wrappers import Request

    calls: list[tuple[str, str]] = []
    ask = DomainDispatcherApplication.__call__

    def record(self: Any, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        calls.append((request.method, request.path))
        return ask(self, environ, start_response)

    DomainDispatcherApplication.__call__ = record  # type: ignore[method-assign]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Aws(f"http://{host}:{port}", calls)
    server.stop()
    DomainDispatcherApplication.__call__ = ask  # type: ignore[method-assign]


@pytest.fixture
def aws(_moto: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """moto with nothing in it, and an environment in which boto3 finds it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", _moto.url)
    httpx.post(f"{_moto.url}/moto-api/reset")
    _moto.calls.clear()
    return _moto


@pytest.fixture(scope="session")
def zygote() -> Any:
    """A warm process that forks a child a command."""
    from tests.warm import zygote as shared

    return shared()


@pytest.fixture
def newsroom(aws: Aws, zygote: Any, tmp_path: Any) -> Iterator[Any]:
    """A newsletter whose archive is in S3 and whose mail goes to SES, both on loopback."""
    from tests.stubs.ses import SesServer

    from .newsroom import Edge, Newsroom

    with SesServer() as ses, Edge(aws) as edge:
        root = tmp_path / "newsletter"
        root.mkdir()
        yield Newsroom(root, aws, ses, edge, zygote)
