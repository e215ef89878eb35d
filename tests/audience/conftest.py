"""A newsletter's config, and its database on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.config.model import Config, Newsletter
from publisher.database import Database, open_database


@pytest.fixture
def config(tmp_path: Path) -> Config:
    newsletter = {
        "name": "AI 周报",
        "language": "zh-CN",
        "url": "https://news.example.com/",
        "from": "a <a@example.com>",
    }
    return Config(newsletter=Newsletter(**newsletter), root=tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The contract suite: every test that takes it holds on both."""
    monkeypatch.delenv("PUBLISHER_DATABASE_URL", raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv("PUBLISHER_DATABASE_URL", request.getfixturevalue("postgres_url"))
    opened = open_database(config)
    yield opened
    opened.close()
