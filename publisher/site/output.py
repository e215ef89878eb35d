"""Writing a folder: each file whole or not at all, unchanged files untouched, and never a stranger's file lost.

Beside the folder lies a manifest of what we made in it, and of what we made it. A file that is in the last manifest and
not in this build goes; a file that no manifest names is somebody else's: it stays, and where one of ours would have to
replace it we refuse. A file that follows from what it followed from, and was not touched since, is not made again.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any

from publisher.diagnostics import reason_of, say
from publisher.documents.atomic import clear, holds, write_file
from publisher.errors import DeployError, UsageError
from publisher.proofing.manifest import state_of
from publisher.proofing.together import beside, cores, is_alone
from publisher.site.model import Target, WriteResult

WORTH_A_COPY = 200
"""Files to make from which on a second process costs less than it saves."""
_RUN = 24
"""So many in a row are made by one process: those of an issue, or the pages of a group, have much in common."""
_KEY = re.compile("[0-9a-f]{32,64}")
Made = tuple[Any, ...]
"""Of a file of ours its SHA-256; where they are known, the key that it was made under, and its state since."""
Row = tuple[str, str, str, int]
"""Of a file that was made and is to be written its path, SHA-256, key and length."""


def manifest_beside(root: Path) -> Path:
    """Where the manifest of a built folder is: next to it, so that copying the folder copies the archive alone."""
    return root.parent / f".{root.name}.manifest.json"


def write_folder(
    root: Path,
    files: Iterable[Target],
    *,
    keep: Callable[[str], bool] = lambda _: False,
    cache: Path | None = None,
    whole: bool = True,
) -> WriteResult:
    """Make ``root`` hold ``files``; remove what an earlier build put there, unless ``keep(path)``.

    A file is made only where what lies there was made of something else, or was touched since. All are made
    before the first is written, many by two processes; with the folder ``cache``, what was made under a key before is
    taken from there: all of it where the cache is ``whole``, else what is costly. Raises :class:`DeployError` when the
    disk refuses, :class:`UsageError` when a file that is not ours is in the way.
    """
    manifest = manifest_beside(root)
    wanted = {file.path: file for file in files}
    for path in wanted:
        if not is_inside(path):
            raise ValueError(f"{path!r} is not inside the output folder")
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        before = _read(manifest)
        died = {(root / path).parent for path, made in before.items() if len(made) < 2}  # a build that was under way
        clear((manifest.parent, *died, *([cache] if cache and died else ())))
        now = {path: made for path, target in wanted.items() if (made := _stands(root, target, before.get(path, ())))}
        kept = {path: made for path, made in before.items() if path not in wanted and keep(path)}
        gone = before.keys() - wanted.keys() - kept.keys()
        stale = [target for path, target in wanted.items() if path not in now]
        by_two = len(stale) >= WORTH_A_COPY and cores() > 1 and is_alone()
        with tempfile.TemporaryFile() as contents, tempfile.TemporaryFile() as more:
            make = partial(_make, root, before, lambda one: cache if whole or one.costly else None)
            halves = [[one for at, one in enumerate(stale) if at // _RUN % 2 == half] for half in (0, 1)]
            here, there = partial(make, halves[0], contents), partial(make, halves[1], more)
            coming, others = (by_two and beside(here, there)) or (make(stale, contents), [])
            if coming:  # first the union: a build that dies half way leaves no file that nobody owns up to
                write_manifest(manifest, before | {path: (digest,) for path, digest, *_ in (*coming, *others)} | now)
            mine, its = partial(_put, root, coming, contents), partial(_put, root, others, more)
            written = [*chain(*((by_two and beside(mine, its)) or (mine(), its())))]
        now |= {path: row for path, _, row in written}
        changed = {path for path, new, _ in written if new}
        removed = [path for path in gone if remove_file(root, path)]
        if now | kept != before:
            write_manifest(manifest, now | kept)
        if cache:
            _forget_all_but(cache, {key for _, *made in (now | kept).values() for key in made[:1]})
    return WriteResult(tuple(sorted(changed)), tuple(sorted(wanted.keys() - changed)), tuple(sorted(removed)))


def _stands(root: Path, target: Target, made: Made) -> Made | None:
    """What to write down of the file if it is right as it lies there."""
    if len(made) < 2 or made[1] not in target.keys:
        return None
    try:
        state = state_of(os.stat(f"{root}/{target.path}"))  # noqa: PTH116 - most of a build where nothing has changed
        if state == made[2:] or sha256((root / target.path).read_bytes()) == made[0]:
            return (*made[:2], *state)
    except OSError:
        pass
    return None


def _make(
    root: Path,
    before: Mapping[str, Made],
    cached_in: Callable[[Target], Path | None],
    targets: Iterable[Target],
    contents: IO[bytes],
) -> list[Row]:
    """Write the contents one after the other. Raises UsageError."""
    contents.seek(0)
    contents.truncate()
    made, in_the_way = [], []
    for target in targets:
        cache = cached_in(target)
        content, key = (_cached(cache, target) if cache else None) or target.make()
        digest, path = sha256(content), root / target.path
        if cache:
            keep_in(cache, key, content)
        if target.path not in before and path.exists() and not holds(path, content):
            in_the_way.append(path)
        made.append((target.path, digest, key, contents.write(content)))
    if in_the_way:
        what: str = str(in_the_way[0])
        if len(in_the_way) > 1:
            what = say("{told} and {n} more", told=what, n=len(in_the_way) - 1)
        advice = say("move it away, or choose another folder with --out")
        raise UsageError(say("{what} was not made by publisher and would be overwritten", what=what), help=advice)
    contents.flush()
    return made


def _put(root: Path, rows: Iterable[Row], contents: IO[bytes]) -> list[tuple[str, bool, Made]]:
    """Write the files whose contents lie one after the other; whether each is new, and what to write down of it."""
    contents.seek(0)
    found = []
    for path, digest, key, length in rows:
        new = write_file(root / path, contents.read(length))
        found.append((path, new, (digest, key, *state_of((root / path).stat()))))
    return found


def keep_in(cache: Path, key: str, content: bytes) -> None:
    """Keep what was made under a key. A disk that refuses costs time, not correctness."""
    with suppress(OSError):
        write_file(cache / key, hashlib.sha256(content).digest() + content)


def _cached(cache: Path, target: Target) -> tuple[bytes, str] | None:
    for key in target.keys:
        with suppress(OSError):
            held = (cache / key).read_bytes()
            if held[:32].hex() == sha256(held[32:]):
                return held[32:], key
    return None


def _forget_all_but(cache: Path, keys: Collection[str]) -> None:
    with suppress(OSError):
        for name in os.listdir(cache):  # noqa: PTH208 - thousands of names
            if name not in keys and _KEY.fullmatch(name):  # what else lies there is a stranger's
                (cache / name).unlink()


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Raises DeployError where the disk refuses what is done in the block."""
    try:
        yield
    except OSError as error:
        raise DeployError(
            say("cannot write {path}: {reason}", path=str(error.filename or root), reason=reason_of(error)),
            help=say("make the folder writable, make room, or choose another folder"),
        ) from error


def read_manifest(path: Path) -> dict[str, str]:
    """Path → SHA-256 of what we wrote; empty where there is no manifest, or none that can be believed."""
    return {name: made[0] for name, made in _read(path).items()}


def digest_below(root: Path) -> Callable[[str], str]:
    """A function that gives the SHA-256 of a file of the built folder: it is not read where it is as we left it."""
    made = _read(manifest_beside(root))

    def digest(path: str) -> str:
        known = made.get(path, ())
        return str(known[0]) if known[2:] == state_of((root / path).stat()) else sha256((root / path).read_bytes())

    return digest


def write_manifest(path: Path, files: Mapping[str, Made | str]) -> None:
    """Replace the manifest. What is known of a file beside its SHA-256 holds for this machine alone."""
    held = {"files": {name: files[name] for name in sorted(files)}}
    write_file(path, json.dumps(held, ensure_ascii=False, separators=(",\n", ":")).encode("utf-8", "replace") + b"\n")


def _read(path: Path) -> dict[str, Made]:
    """What changed as late as the manifest has no state: another change may have followed that no clock shows."""
    try:
        written, held = path.stat().st_mtime_ns, json.loads(path.read_bytes())["files"]
        found = {name: (row,) if isinstance(row, str) else _checked(written, *row) for name, row in held.items()}
        return found if all(map(is_inside, found)) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _checked(written: int, digest: str, *known: Any) -> Made:
    return (digest, *known) if max(known[2:4], default=written) < written else (digest, *known[:1])


def remove_file(root: Path, path: str) -> bool:
    """Delete a file of ours, and the folders it leaves empty."""
    target = root / path
    try:
        target.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    for parent in target.parents:
        if parent == root or not parent.is_relative_to(root):
            break
        try:
            parent.rmdir()
        except OSError:
            break
    return True


def is_inside(path: str) -> bool:
    """Whether a relative path stays below its root."""
    whole = f"/{path}/"
    return not ("//" in whole or "/./" in whole or "/../" in whole or "\\" in whole or "\0" in whole)


def sha256(content: bytes) -> str:
    """The hex digest."""
    return hashlib.sha256(content).hexdigest()
