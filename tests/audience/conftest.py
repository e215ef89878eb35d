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


@pytest.fixture
def database(dialect: str, config: Config) -> Iterator[Database]:
    """The contract suite: every test that takes it holds on both."""
    opened = open_database(config)
    yield opened
    opened.close()
