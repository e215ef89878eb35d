"""What was learnt of links in the last day, so that a second check asks nobody twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from publisher.checks.links.outcome import LinkResult, LinkState
from publisher.diagnostics.sentences import kept, revived
from publisher.documents.atomic import write_file

DAY = 86_400.0


class LinkCache:
    """Outcomes by URL in a JSON file; a file that cannot be read is an empty one."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time, age: float = DAY) -> None:
        self._path, self._now, self._age = path, now, age
        self._entries: dict[str, tuple[float, str, Any, str | None]] = {}
        try:
            for url, (at, state, detail, target) in json.loads(path.read_text(encoding="utf-8")).items():
                if 0 <= now() - at < age and isinstance(detail, list):
                    self._entries[url] = (at, LinkState(state), detail, target)
        except (OSError, ValueError, TypeError, AttributeError):
            self._entries = {}

    def get(self, url: str) -> LinkResult | None:
        """What is known of a URL."""
        if (entry := self._entries.get(url)) is None:
            return None
        return LinkResult(LinkState(entry[1]), revived(entry[2]), entry[3])

    def put(self, url: str, outcome: LinkResult) -> None:
        """Remember what lasts."""
        if outcome.state.lasting:
            self._entries[url] = (self._now(), outcome.state, kept(outcome.detail), outcome.target)

    def save(self) -> None:
        """Write the file whole or not at all; a cache that cannot be written is no failure."""
        try:
            write_file(self._path, json.dumps(self._entries, ensure_ascii=False).encode(), 0o600)
        except OSError:
            return
