"""A newsletter with people in a real database, an edition to mail them, an SES to mail them through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from boto3 import Session

from publisher.config.model import Config
from publisher.database import Database, open_database
from tests.delivery.world import make_config
from tests.stubs.postmark import TOKEN, PostmarkServer
from tests.stubs.ses import SesServer


@cache
def _session() -> Any:
    """One session a worker: reading botocore's models takes longer than a test."""
    return Session()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A newsletter that sends into a folder."""
    return make_config(tmp_path)


@pytest.fixture
def database(dialect: str, config: Config) -> Iterator[Database]:
    """A migrated database: each test that asks for it runs on SQLite and on a real PostgreSQL."""
    opened = open_database(config)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(config: Config) -> Iterator[Database]:
    """A migrated SQLite database."""
    opened = open_database(config)
    yield opened
    opened.close()


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SesServer]]:
    """``ses(**settings)`` starts an SES stub over HTTP and points boto3 at it."""
    from tests.stubs.ses import Settings

    running: list[SesServer] = []
    monkeypatch.setattr("boto3.Session", _session)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    def start(**settings: Any) -> SesServer:
        server = SesServer(Settings(**settings)).__enter__()
        running.append(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", server.url)
        return server

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def postmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostmarkServer]:
    """A Postmark stub over HTTP, and the environment that leads to it."""
    monkeypatch.setenv("PUBLISHER_POSTMARK_TOKEN", TOKEN)
    with PostmarkServer() as server:
        monkeypatch.setenv("PUBLISHER_POSTMARK_URL", server.url)
        yield server
