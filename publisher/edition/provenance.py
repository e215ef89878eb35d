"""Where an edition comes from: a digest over all a reader gets, and its commit, read from git once for all issues."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from publisher.config import Config
from publisher.config.theme import built_in
from publisher.edition.model import AnySlot, Asset, CountedLinks, Personal, Slotted
from publisher.issue.folder import ISSUES, SERIES, SUFFIXES
from publisher.issue.opening import SUFFIXES as PICTURES
from publisher.issue.series import slug_of_path

SHARED = ""
"""The part that all issues depend on: see :func:`shared_paths`."""

_DIFF_TREE = ("diff-tree", "--stdin", "--root", "--always", "-r", "--name-only", "-z", "--no-renames", "--relative")
_IGNORED = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
Edge = tuple[str, frozenset[str]]  # a parent, and the parts that differ from it


@dataclass(frozen=True, eq=False)
class CommitGraph:
    """Commits with, for each parent, the parts that changed; and the parts with uncommitted changes."""

    head: str | None = None
    edges: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)
    dirty: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    def commit(self, slug: str, *others: str) -> str | None:
        """Return the last commit that changed the slug, ``others`` or shared files, as ``git log -1 -- PATHS`` does.

        At a merge, the parent with the same state is followed, so that the commit always contains exactly the rendered
        files.
        """
        parts = {SHARED, slug, *others}
        if self.head is None or parts & self.dirty or slug not in self.known:
            return None
        at = self.head
        while True:
            same = next((parent for parent, changed in self.edges.get(at, ()) if not parts & changed), None)
            if same is None:
                return at
            at = same


def shared_paths(config: Config) -> tuple[str, ...]:
    """The paths that all issues depend on: config.yaml, the theme's folders, the files that config.yaml names."""
    own = () if config.theme.name in built_in() else (config.theme.name,)
    paths = ("config.yaml", config.templates, *own, *config.brand_files)
    return tuple(dict.fromkeys(os.path.normpath(path).replace(os.sep, "/") for path in paths))


def history_of(config: Config) -> CommitGraph:
    """Read the history of a newsletter repository; an empty graph if git is missing or there is no repository."""
    root, shared = config.root, shared_paths(config)
    try:
        prefix, _, head = _git(root, "rev-parse", "--show-prefix", "HEAD").rstrip("\n").rpartition("\n")
        status = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
        hidden = _git(root, "--literal-pathspecs", *_IGNORED, ISSUES, SERIES, *config.brand_files).split("\0")
        edges = _edges(root, head, shared)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return CommitGraph()
    paths = [entry[3:].removeprefix(prefix) for entry in status.split("\0")]
    paths += [path for path in hidden if path in shared or path.lower().endswith((*SUFFIXES, *PICTURES))]
    dirty = {part for path in paths if (part := part_of(path, shared)) is not None}
    known = {part for links in edges.values() for _parent, parts in links for part in parts}
    return CommitGraph(head, edges, frozenset(dirty), frozenset(known))


def digest(
    subject: Slotted,
    preheader: str,
    html: Slotted,
    text: Slotted,
    web: str,
    assets: Iterable[Asset],
    clicks: CountedLinks | None = None,
) -> str:
    """``sha256:`` and 64 hex digits over everything a reader gets and the targets of counted links."""
    parts = [*_parts("subject", subject), ("preheader", preheader.encode())]
    parts += (*_parts("html", html), *_parts("text", text))
    parts.append(("web", web.encode()))
    parts += ((f"asset {asset.name}", asset.content) for asset in sorted(assets, key=lambda asset: asset.name))
    parts += (("click", target.encode()) for _, target in (clicks.links if clicks else ()))
    return hash_parts("publisher edition 1", parts)


def _parts(name: str, text: Slotted) -> Iterator[tuple[str, bytes]]:
    for part in text.parts:
        told = json.dumps(asdict(part)) if isinstance(part, Personal) else str(part)
        yield f"{name} slot" if isinstance(part, AnySlot) else name, told.encode()


def hash_parts(what: str, parts: Iterable[tuple[str, bytes]]) -> str:
    """``sha256:`` and 64 hex digits. Each part is hashed with its kind and length, so that parts cannot be confused."""
    sha = hashlib.sha256(f"{what}\n".encode())
    for kind, content in parts:
        sha.update(f"{kind} {len(content)}\n".encode())
        sha.update(content)
    return f"sha256:{sha.hexdigest()}"


@lru_cache(maxsize=4)
def _edges(root: Path, head: str, shared: tuple[str, ...]) -> dict[str, tuple[Edge, ...]]:
    """Map each commit to its parents with the parts that differ. A root commit counts as changing shared files."""
    graph = [line.split() for line in _git(root, "rev-list", "--parents", head).splitlines()]
    pairs = (f"{commit} {parent}\n" for commit, *parents in graph for parent in parents or [""])
    answers = iter(_answers(_git(root, *_DIFF_TREE, input="".join(pairs))))
    edges: dict[str, tuple[Edge, ...]] = {}
    for commit, *parents in graph:
        links = []
        for parent in parents or [""]:
            parts = {part for name in next(answers) if (part := part_of(name, shared)) is not None}
            links.append((parent, frozenset(parts if parent else parts | {SHARED})))
        edges[commit] = tuple(links)
    return edges


def _answers(changes: str) -> list[list[str]]:
    """The file names per input line; diff-tree repeats the commit, and ``--always`` makes it answer every line."""
    answers: list[list[str]] = []
    for entry in changes.split("\0"):
        if _COMMIT.fullmatch(entry):
            answers.append([])
        elif entry and answers:
            answers[-1].append(entry)
    return answers


def part_of(path: str, shared: Iterable[str] = ()) -> str | None:
    """The part that a file belongs to: the slug of an issue or of a step of a series, ``SHARED``, or None."""
    pieces = PurePosixPath(path).parts
    if not pieces:
        return None
    if len(pieces) > 2 and pieces[0] in {ISSUES, SERIES}:
        return slug_of_path(path)
    return SHARED if any(one == "." or f"{path}/".startswith(f"{one}/") for one in shared) else None


def _git(root: Path, *arguments: str, input: str = "") -> str:
    return run_git(root, *arguments, input=input).decode("utf-8", "surrogateescape")


def run_git(root: Path, *arguments: str, input: str = "") -> bytes:
    """Return git's output in ``root``. Raises OSError or SubprocessError if git is missing, fails or times out."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-C", str(root), *arguments]
    return subprocess.run(  # noqa: S603 - no shell; a revision never begins with a hyphen
        command, capture_output=True, check=True, input=input.encode(), env=os.environ | _ENVIRONMENT, timeout=120
    ).stdout


def in_git(path: Path) -> bool:
    """Whether git has the path, something below it, or a link on the way to it, so that others may have written it."""
    links = [one for one in (path, *path.absolute().parents) if one.is_symlink()]
    return any(_has(one) for one in (*links, Path(os.path.realpath(path))) if os.path.lexists(one))


def linked_in_git(folder: Path) -> Path | None:
    """A link that git has, at the folder, on the way to it or below it; None if there is none."""
    links = [one for one in (folder, *folder.absolute().parents, *folder.rglob("*")) if one.is_symlink()]
    return next(filter(_has, links), None)


def _has(path: Path) -> bool:
    with suppress(OSError, subprocess.SubprocessError):
        return run_git(path.parent, "ls-files", "-z", "--", f"./{path.name}") != b""
    return False
