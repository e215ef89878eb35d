"""What every step of a run needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from publisher.config import Config
from publisher.database import Database
from publisher.publishing.lease import Lease
from publisher.publishing.outcome import Step, Watch


@dataclass(frozen=True)
class Context:
    """One run: its lease, its one moment, the commit that is checked out (None outside git)."""

    config: Config
    database: Database
    lease: Lease
    watch: Watch
    now: datetime
    commit: str | None

    def step(self, step: Step, detail: str = "") -> None:
        """Tell whoever listens."""
        self.watch.step(step, detail)
