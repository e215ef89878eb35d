"""One chaos run: real commands against a stub, killed repeatedly, with faults in between, then the account."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from publisher.delivery.states import RecipientState
from tools.chaos.newsletter import BEST, HELLO, ISSUE, Newsletter, address
from tools.chaos.providers import Stub, lines

REFUSED, RAISING = address(1), address(2)
"""Whom the provider refuses, and whose call raises."""
LOST = 0.01
"""The share of calls whose answer is lost."""
UNSETTLED = (RecipientState.PENDING, RecipientState.CLAIMED)
PATIENCE = 240.0
"""Seconds without a message after which something is wrong."""


@contextmanager
def stub(**settings: object) -> Iterator[str]:
    """The SES stub in a process of its own; its address."""
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


class ChaosError(AssertionError):
    """Something happened during the run that must not happen."""


@dataclass(frozen=True)
class Verdict:
    """What came out. ``flagged`` were uncertain in all, ``left`` still are, with an operator to decide."""

    kills: int
    recipients: int
    doubled: int
    missing: int
    flagged: int
    left: int
    seconds: float
    faults: tuple[str, ...]

    @property
    def fine(self) -> bool:
        """Nobody twice, nobody missing, every account adds up."""
        return not (self.doubled or self.missing or self.faults)


class Mother:
    """The process of :mod:`tools.chaos.life`: a forked process starts in a tenth of the time."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tools.chaos.life"]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request: object) -> int | None:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass
class Life:
    """A running command."""

    mother: Mother
    pid: int
    status: int | None = None

    def poll(self, *, block: bool = False) -> int | None:
        """Its exit status; None while it lives."""
        if self.status is None:
            self.status = self.mother.ask(wait=self.pid, block=block)
        return self.status

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.poll(block=True)


@dataclass
class Chaos:
    """One configuration. ``lives`` are three workers on PostgreSQL, one ``publish`` on SQLite."""

    letter: Newsletter
    stub: Stub
    chance: random.Random
    environment: dict[str, str]
    mother: Mother
    copy: Callable[[Path], None]  # the database, as docs/backup.md says
    put_back: Callable[[Path], None]
    kills: int = 0
    flagged: int = 0
    faults: list[str] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    _asked_at: float = 0.0
    _left: int = 0  # uncertain when the last day ended
    _taken_then: int = 0  # of the issue, when the copy was made

    @property
    def sqlite(self) -> bool:
        return self.letter.database.dialect == "sqlite"

    def run(self, people: int, kills: int) -> Verdict:
        """The issue and the first step, three days, the second step; ``kills`` in all."""
        began, started = time.monotonic(), people // 4
        self.letter.subscribe(people)
        self._expect(0, "publish")  # it finds the series, and nobody is on the way
        self.letter.enrol(0, started)
        self.letter.write_issue(people)
        self.stub.refuse(REFUSED)
        if not self.sqlite:
            self._freeze()
        self._day(people + started, kills * 3 // 5, self._misfortunes(kills * 3 // 5))
        self.letter.pass_days()
        self.letter.enrol(started, started + people // 20)
        of_second = kills - kills * 3 // 5
        edited = {of_second // 3: self.letter.edit, of_second * 2 // 3: self._outage}
        self._day(started + people // 20, of_second, edited)
        return self._judge(time.monotonic() - began)

    def _freeze(self) -> None:
        """A run of publish freezes the issue, and is killed; the workers continue."""
        first = self._begin("publish")
        while ISSUE not in self.letter.slugs.values() and first.poll() is None:
            time.sleep(0.1)
            self.letter.remember()
        self._kill(first)

    def _misfortunes(self, kills: int) -> dict[int, Callable[[], None]]:
        """The faults, by the number of the kill that they precede."""
        kept = self.letter.root / "backup"
        what = (
            self._second_sender,
            self._outage,
            lambda: self._back_up(kept),
            self._hang_up,
            lambda: self._restore(kept),
        )
        return {(number + 1) * kills // (len(what) + 1): one for number, one in enumerate(what)}

    # -- lives

    def _day(self, messages: int, kills: int, misfortunes: Mapping[int, Callable[[], None]]) -> None:
        """Kill while the provider accepts about so many messages; then let it end, and settle what is uncertain."""
        self.stub.lose(LOST)
        before = self.stub.taken
        for number in range(kills):
            self._live_until(before + int(messages * (number + self.chance.random()) / (kills + 0.5)))
            if number in misfortunes:
                misfortunes[number]()
            self._live_until(0)
            time.sleep(self.chance.uniform(0, 0.1))
            self._kill(self.chance.choice([life for life in self.lives if life.poll() is None] or self.lives))
        self.stub.lose(0)
        self._end()
        self.flagged += self.letter.count(RecipientState.UNCERTAIN) - self._left
        for _ in range(6 if self.stub.tells else 0):
            self._hear()
            if self.letter.count(RecipientState.UNCERTAIN) <= len(self.letter.wanted):
                break
            for slug in self.letter.wanted:
                self._expect(0, "reconcile", slug, "--release-uncertain", "--yes")
            self._end()
        self._left = self.letter.count(RecipientState.UNCERTAIN)
        for life in self.lives:
            self._kill(life, counts=False)

    def _begin(self, *words: str, **more: str) -> Life:
        words = words or (("publish",) if self.sqlite else ("worker",))
        environment = self.environment | ({} if more else {"CHAOS_RAISES": RAISING})
        log = more.get("log", str(self.letter.root / "log"))
        pid = self.mother.ask(words=["--root", str(self.letter.root), *words], environment=environment, log=log)
        return Life(self.mother, pid or 0)

    def _live_until(self, taken: int) -> None:
        """Restart dead processes until the provider has accepted so many messages."""
        moved, last = time.monotonic(), self.stub.taken
        while not self.lives or self.stub.taken < taken or all(life.poll() is not None for life in self.lives):
            dead = [life for life in self.lives if life.poll() is not None]
            if dead or not self.lives:
                self.lives = [life for life in self.lives if life not in dead]
                while len(self.lives) < (1 if self.sqlite else 3):
                    self.lives.append(self._begin())
            time.sleep(0.03)
            if self.stub.taken != last:
                moved, last = time.monotonic(), self.stub.taken
            if self._is_done() or time.monotonic() - moved > PATIENCE:
                return

    def _is_done(self) -> bool:
        """Whether nobody is pending; evaluated rarely."""
        now = time.monotonic()
        if now < self._asked_at + 1.0:
            return False
        self._asked_at = now
        return self.stub.taken > 0 and self.letter.count(*UNSETTLED) == 0

    def _kill(self, life: Life, *, counts: bool = True) -> None:
        if life.poll() is None:
            life.kill()
            self.kills += counts

    def _end(self) -> None:
        """Run until nobody is pending."""
        deadline = time.monotonic() + PATIENCE + len(self.letter.wanted[ISSUE]) / 100
        while True:
            if time.monotonic() > deadline:
                raise ChaosError(f"{self.letter.count(*UNSETTLED)} are left, and nothing moves: {self.letter.root}/log")
            if self.sqlite:
                self._begin().poll(block=True)
            else:
                self._live_until(0)
                time.sleep(1)
            if not self._due() and self.letter.count(*UNSETTLED) == 0:  # in this order: a worker may freeze meanwhile
                return

    def _due(self) -> bool:
        """Whether somebody in a series has not got a step that is due."""
        fates = self.letter.fates()
        return any((slug, who) not in fates for slug, people in self.letter.wanted.items() for who in people)

    def _expect(self, status: int, *words: str) -> None:
        """Run a command to its end; its exit status."""
        log = self.letter.root / "said"
        log.write_bytes(b"")
        if (found := self._begin(*words, log=str(log)).poll(block=True)) != status:
            self.faults.append(f"publisher {' '.join(words)}: {found}: {log.read_text(encoding='utf-8')[-700:]}")

    # -- misfortunes

    def _second_sender(self) -> None:
        """On SQLite it is refused while the first runs; on PostgreSQL it takes a share."""
        second = self._begin("send", ISSUE)
        time.sleep(self.chance.uniform(2, 4))
        self._kill(second)

    def _outage(self) -> None:
        self.stub.fail(failing=True)
        time.sleep(3)
        self.stub.fail(failing=False)

    def _back_up(self, file: Path) -> None:
        self.copy(file)
        self._taken_then = self._taken_of_issue()

    def _taken_of_issue(self) -> int:
        self.letter.remember()
        mine = {reference for reference, slug in self.letter.slugs.items() if slug == ISSUE}
        return sum(key.rpartition("-")[0] in mine for _, key in self.stub.accepted)

    def _hang_up(self) -> None:
        self.stub.hang_up()
        time.sleep(3)
        self.stub.open()

    def _hear(self) -> None:
        """The provider's events for each message."""
        self.letter.remember()
        file = self.letter.root / "events.jsonl"
        file.write_text(lines(self.stub, self.chance), encoding="utf-8")
        self._expect(0, "events", "apply", str(file))

    def _restore(self, kept: Path) -> None:
        """Restore the older database; the newest copy if the provider reports no events.

        A copy mails nobody until an operator says so; of SQLite, the newest copy is complete.
        """
        for life in self.lives:
            self._kill(life)
        time.sleep(1)  # the provider ends what it is at
        newest, before = self.letter.root / "newest", self.stub.taken
        forgotten = self._taken_of_issue() > self._taken_then
        if not self.stub.tells:
            self.copy(newest)
        self.put_back(kept)
        if forgotten:
            self._expect(2, "send", ISSUE)
            if self.stub.taken != before:
                self.faults.append(f"{self.stub.taken - before} were mailed by a ledger that had forgotten")
        if not self.stub.tells:
            self.put_back(newest)
            if self.sqlite:
                return
        self._hear()
        steps = [slug for slug in (HELLO, BEST) if slug not in self.letter.wanted]
        words = (word for slug in (*self.letter.wanted, *steps) for word in ("--unmailed", slug))
        allowed = self._begin("publish", *words)
        while allowed.poll() is None and self.stub.taken == before:
            time.sleep(0.05)
        self.lives = [allowed]

    # -- the end

    def _judge(self, seconds: float) -> Verdict:
        self.letter.remember()
        copies = Counter((self.letter.slugs.get(key.rpartition("-")[0], "?"), to) for to, key in self.stub.accepted)
        fates, wanted = self.letter.fates(), {(slug, who) for slug, all_ in self.letter.wanted.items() for who in all_}
        stray = len(copies.keys() - wanted)
        refused = {(slug, REFUSED) for slug in self.letter.wanted}
        told = {pair for pair, state in fates.items() if state == RecipientState.UNCERTAIN}
        missing = len(wanted - copies.keys() - told - {one for one in refused if fates.get(one) == "rejected"})
        found = {
            f"{stray} messages that nobody was to get": stray,
            f"{self.letter.count(*UNSETTLED)} are left": self.letter.count(*UNSETTLED),
            "an account does not add up": not self.letter.adds_up(),
            f"{len(told)} are uncertain that events would have settled": self.stub.tells and len(told) > len(refused),
        }
        return Verdict(
            self.kills,
            len(wanted),
            sum(copies.values()) - len(copies),
            missing,
            self.flagged,
            len(told),
            seconds,
            (*self.faults, *(words for words, wrong in found.items() if wrong)),
        )
