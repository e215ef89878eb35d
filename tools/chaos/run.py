"""Kill senders at random moments, in fresh processes, against a stub in another; then judge."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.chaos.judge import Verdict, apply_events, ask, judge, release, tell

_AFTER = ("reset-after", "close-after", "500-after", "503-after", "truncated-after", "empty-after", "short-after")
FAULTS = dict.fromkeys((*_AFTER, "reset-before", "429-before"), 0.01)


@contextmanager
def stub(**settings: object) -> Iterator[str]:
    """The SES stub in a process of its own; its address."""
    import json

    words = [sys.executable, "-m", "tests.stubs.ses", "--settings", json.dumps({"render": False} | settings)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def credentials(url: str) -> None:
    """Point this process, and those it starts, at the stub."""
    os.environ.update(AWS_ENDPOINT_URL_SESV2=url, AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="secret")


@dataclass
class Deaths:
    """Lives that begin, and most of which end by SIGKILL. ``within`` is the longest a life may send, in seconds."""

    root: Path
    within: float
    random: random.Random
    kills: int = 0
    _alive: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """Start a sender, and wait until it is about to send (or has ended)."""
        words = [sys.executable, "-m", "tools.chaos.life", str(self.root)]
        life = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert life.stdout is not None
        if wait:
            select.select([life.stdout], [], [], 60)
        return life

    def kill_after_a_while(self, life: subprocess.Popen[bytes]) -> bool:
        """Kill it at a random moment; False where it had ended by then."""
        time.sleep(self.random.uniform(0, self.within))
        if life.poll() is not None:
            return False
        life.send_signal(signal.SIGKILL)
        life.wait()
        self.kills += 1
        return True

    def kill_many(self, times: int) -> None:
        """One sender at a time, killed and begun anew."""
        while self.kills < times:
            if not self.kill_after_a_while(self.begin()):
                return

    def kill_one_of(self, workers: int, times: int) -> None:
        """Several senders at a time, one killed at a time and begun anew."""
        lives = [self.begin(wait=False) for _ in range(workers)]
        for life in lives:
            assert life.stdout is not None
            select.select([life.stdout], [], [], 60)
        while self.kills < times and any(life.poll() is None for life in lives):
            number = self.random.randrange(workers)
            self.kill_after_a_while(lives[number])
            lives[number] = self.begin()
        for life in lives:
            life.wait(600)

    def finish(self) -> int:
        """A life to its natural end; its exit status."""
        return self.begin().wait(1200)


def settle(root: Path, url: str) -> Verdict:
    """Events, release, and the last runs; then the verdict. The faults are over by then, as they would be."""
    from publisher.database import open_database
    from tests.delivery.world import make_config

    database = open_database(make_config(root, "ses"))
    deaths = Deaths(root, 0, random.Random(0))
    tell(url, faults={}, latency=0)
    if database.dialect == "postgresql":
        time.sleep(2.5)  # until the lease of the last one killed has run out
    deaths.finish()
    for _ in range(3):
        apply_events(database, url)
        if not release(database) and judge(database, url).account.left == 0:
            break
        deaths.finish()
    verdict = judge(database, url)
    database.close()
    return verdict


__all__ = ["FAULTS", "Deaths", "ask", "credentials", "settle", "stub"]
