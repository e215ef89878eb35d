"""Former failures and first inputs of the fuzzers keep the promise: no traceback, one message at a place, nothing lost.

``make fuzz`` looks for more; each finding becomes a file of ``corpus/``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(autouse=True)
def no_loop() -> Iterator[None]:
    """Hide the loop that a browser of another test keeps."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_in_the_corpus_breaks_a_promise(name: str, tmp_path: Path) -> None:
    run = TARGETS[name](tmp_path)
    for path in sorted((CORPUS / name).iterdir()):
        try:
            run(path.read_bytes())
        except Exception as error:
            pytest.fail(f"{path.name}: {error!r}")
