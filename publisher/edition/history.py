"""Which commit an issue was made of, read from git in one pass for all issues."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

SHARED = ""
"""The part of every issue: the theme and config.yaml."""

_MARK = "\x01"
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
Edge = tuple[str, frozenset[str]]  # a parent, and the parts that differ from it


@dataclass(frozen=True, eq=False)
class History:
    """The graph of commits with, for each parent, the parts that changed; and the parts that are not committed."""

    head: str | None = None
    edges: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)
    dirty: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    def commit(self, slug: str) -> str | None:
        """The last commit that touched the slug or what all share: what ``git log -1 -- PATHS`` names.

        A merge is passed through to the parent that has the same state, so the commit found always holds exactly the
        files that were rendered.
        """
        parts = {SHARED, slug}
        if self.head is None or parts & self.dirty or slug not in self.known:
            return None
        at = self.head
        while True:
            same = next((parent for parent, changed in self.edges.get(at, ()) if not parts & changed), None)
            if same is None:
                return at
            at = same


@lru_cache(maxsize=4)
def history_of(root: Path, templates: str) -> History:
    """The history of a newsletter repository; an empty one outside git or without git. Kept while the process lives."""
    try:
        head = _git(root, "rev-parse", "--verify", "-q", "HEAD").strip()
        status = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
        prefix = _git(root, "rev-parse", "--show-prefix").rstrip("\n")
        log = _git(
            root, "log", "-m", "--name-only", "-z", "--no-renames", "--relative", f"--format={_MARK}%H %P{_MARK}"
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return History()
    dirty = {
        part for entry in status.split("\0") if (part := _part(entry[3:].removeprefix(prefix), templates)) is not None
    }
    edges = _edges(log, templates)
    known = {part for links in edges.values() for _parent, parts in links for part in parts}
    return History(head, edges, frozenset(dirty), frozenset(known))


def _edges(log: str, templates: str) -> dict[str, tuple[Edge, ...]]:
    """Commits of ``git log -m``, which shows a merge once for each parent, in the parents' order."""
    edges: dict[str, list[Edge]] = {}
    for commit, parents, names in _entries(log):
        parts = frozenset(part for name in names if (part := _part(name, templates)) is not None)
        links = edges.setdefault(commit, [])
        links.append((parents[len(links)] if len(links) < len(parents) else "", parts))
    return {commit: tuple(_closed(links)) for commit, links in edges.items()}


def _closed(links: list[Edge]) -> list[Edge]:
    # The first commit has no parent: nothing lies behind it, whatever it touched.
    return [(parent, parts) for parent, parts in links if parent] or [("", parts | {SHARED}) for _, parts in links]


def _entries(log: str) -> Iterator[tuple[str, list[str], list[str]]]:
    pieces = log.split(_MARK)
    for head, names in zip(pieces[1::2], pieces[2::2], strict=True):
        commit, *parents = head.split()
        yield commit, parents, [name.lstrip("\n") for name in names.split("\0") if name.strip("\n")]


def _part(path: str, templates: str) -> str | None:
    """What a file belongs to: an issue's slug, what all share, or nothing."""
    pieces = PurePosixPath(path).parts
    if not pieces:
        return None
    theme = PurePosixPath(os.path.normpath(templates).replace(os.sep, "/")).parts
    if pieces == ("config.yaml",) or pieces[: len(theme)] == theme:
        return SHARED
    return pieces[1] if pieces[0] == "issues" and len(pieces) > 2 else None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-C", str(root), *arguments]
    done = subprocess.run(  # noqa: S603 -- fixed arguments
        command, capture_output=True, check=True, env=os.environ | _ENVIRONMENT, timeout=60
    )
    return done.stdout.decode("utf-8", "surrogateescape")
