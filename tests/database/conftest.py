"""The audience's fixtures serve the database as well, which is made from nothing in each test."""

import pytest

from tests.audience.conftest import config, database

__all__ = ["config", "database"]


@pytest.fixture
def postgres_url(empty_postgres_url: str) -> str:
    return empty_postgres_url
