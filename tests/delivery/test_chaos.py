"""Processes killed by SIGKILL: at every commit and call of one batch, and at random moments with a faulty provider."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.database import open_database
from tests.delivery.world import add_people, make_config
from tests.stubs.ses import SesServer

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).resolve().parents[2]


def forked(*words: str) -> Any:
    command = [sys.executable, "-m", "tools.chaos.forked", *words]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, check=True, timeout=170)
    return json.loads(done.stdout)


def test_a_death_at_any_point_of_a_batch_doubles_and_loses_nobody(
    ses: Callable[..., SesServer], tmp_path: Path
) -> None:
    ses(render=False)
    points = forked("every-point", str(tmp_path))
    names = [point["name"] for point in points]
    assert {"before commit", "after commit", "before call", "after call"} == set(names)
    assert len(points) >= 12
    for point in points:
        assert sorted(point["copies"].values()) == [1] * 5, point
        assert (point["submitted"], point["left"], point["audience"]) == (5, 0, 5), point
    # The window that no sender can close: the provider has accepted, and the record of it is not committed.
    window = [point for point in points if point["accepted"] and point["uncertain"]]
    assert {point["uncertain"] for point in window} == {5}
    assert "after call" in {point["name"] for point in window}


def test_deaths_between_local_times_double_and_lose_nobody(ses: Callable[..., SesServer], tmp_path: Path) -> None:
    ses(render=False)
    found = forked("local-time", str(tmp_path))
    assert found["deaths"] >= 6
    assert found["uncertain"] > 0
    assert (found["submitted"], found["fine"]) == (12, True), found


def test_random_deaths_and_lost_answers_double_and_lose_nobody(ses: Callable[..., SesServer], tmp_path: Path) -> None:
    after = ("reset-after", "close-after", "500-after", "503-after", "truncated-after", "empty-after", "short-after")
    ses(render=False, latency=0.02, rate=900, faults=dict.fromkeys(after, 0.03))
    database = open_database(make_config(tmp_path, "ses"))
    add_people(database, 5000)
    database.close()
    found = forked("random", str(tmp_path), "25", "20241229")
    assert found["kills"] == 25
    assert found["faults"] > 0
    assert (found["duplicates"], found["missing"], found["submitted"], found["fine"]) == (0, 0, 5000, True), found
