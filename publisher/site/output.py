"""Write a folder: each file completely or not at all, unchanged files untouched, and no foreign file overwritten.

A manifest beside the folder lists the files of the last build and the keys they were made under. Files in it that are
not part of this build are removed. Files in no manifest are foreign: they stay, and a build that would replace one
raises UsageError. A file is not made again if its key is the same and it has not been touched since.
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
from publisher.edition.provenance import in_git, linked_in_git
from publisher.errors import DeployError, UsageError
from publisher.proofing.manifest import state_of
from publisher.proofing.together import beside, cores, is_alone
from publisher.site.model import Target, WriteResult

WORTH_A_COPY = 200
"""Minimum number of files for which a second process saves time."""
_RUN = 24
"""Files made in a row by one process: the files of an issue, or the pages of a group, share work."""
_KEY = re.compile("[0-9a-f]{32,64}")
Made = tuple[Any, ...]
"""Manifest row of a file: SHA-256; if known, the key it was made under and its file state."""
Row = tuple[str, str, str, int]
"""File to be written: path, SHA-256, key, length in bytes."""


def manifest_beside(root: Path) -> Path:
    """The path of a folder's manifest: beside the folder, so that a copy of it contains the archive only."""
    return root.parent / f".{root.name}.manifest.json"


def write_folder(
    root: Path,
    files: Iterable[Target],
    *,
    keep: Callable[[str], bool] = lambda _: False,
    cache: Path | None = None,
    whole: bool = True,
) -> WriteResult:
    """Make ``root`` contain ``files``; remove files of earlier builds unless ``keep(path)``.

    A file is made only if its key has changed or it was touched since. All are made before the first is written,
    large numbers by two processes. With the folder ``cache``, content made earlier under a key is taken from there:
    all files if the cache is ``whole``, otherwise only costly ones. Raises :class:`DeployError` if writing fails,
    :class:`UsageError` if a foreign file would be overwritten.
    """
    manifest = manifest_beside(root)
    wanted = {file.path: file for file in files}
    for path in wanted:
        if not is_inside(path):
            raise ValueError(f"{path!r} is not inside the output folder")
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        before = _earlier(root, manifest)
        died = {(root / path).parent for path, made in before.items() if len(made) < 2}  # of an interrupted build
        clear((manifest.parent, *died, *([cache] if cache and died else ())))
        now = {path: made for path, target in wanted.items() if (made := _stands(root, target, before.get(path, ())))}
        kept = {path: made for path, made in before.items() if path not in wanted and keep(path)}
        gone = before.keys() - wanted.keys() - kept.keys()
        stale = [target for path, target in wanted.items() if path not in now]
        by_two = len(stale) >= WORTH_A_COPY and cores() > 1 and is_alone()
        with tempfile.TemporaryFile() as contents, tempfile.TemporaryFile() as more, tempfile.TemporaryFile() as turns:
            make = partial(_make, root, before, lambda one: cache if whole or one.costly else None)
            runs = [stale[at : at + _RUN] for at in range(0, len(stale), _RUN)]
            turns.write(bytes(len(runs)))
            turns.seek(0)
            here = partial(make, _in_turn(runs, turns), contents)
            there = partial(make, _in_turn(runs[::-1], turns), more)
            coming, others = (by_two and beside(here, there)) or (make(stale, contents), [])
            if coming:  # record old and new files first: an interrupted build leaves no file unrecorded
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


def _in_turn(runs: Iterable[list[Target]], turns: IO[bytes]) -> Iterator[Target]:
    """Yield the files of runs, each run after a byte read from ``turns``, whose position a forked process shares.

    That process takes the runs from the other end, so both are busy until they meet, and the fonts of cards, which are
    last, are loaded by one of them.
    """
    for run in runs:
        if not os.read(turns.fileno(), 1):
            return
        yield from run


def _earlier(root: Path, manifest: Path) -> dict[str, Made]:
    """Rows of the last build. Of a folder that git has, none is taken for up to date: others may have written its files
    and rows, which no review of the issues would show. Raises UsageError if git has a link there.
    """
    rows = _read(manifest)
    if not (in_git(root) or (rows and in_git(manifest))):
        return rows
    if link := linked_in_git(root):
        message = say("{link} is a link that git has, and files would be written where it leads", link=link)
        raise UsageError(message, help=say("remove it, or choose another folder with --out"))
    return {path: made[:1] for path, made in rows.items()}


def _stands(root: Path, target: Target, made: Made) -> Made | None:
    """The manifest row of a file that is up to date, otherwise None."""
    if len(made) < 2 or made[1] not in target.keys:
        return None
    try:
        state = state_of(os.stat(f"{root}/{target.path}"))  # noqa: PTH116 - most of the time of a build without changes
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
    """Make targets and write their contents one after another to ``contents``. Raises UsageError."""
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
    """Write files from concatenated ``contents``; return path, whether it is new, and manifest row of each."""
    contents.seek(0)
    found = []
    for path, digest, key, length in rows:
        new = write_file(root / path, contents.read(length))
        found.append((path, new, (digest, key, *state_of((root / path).stat()))))
    return found


def keep_in(cache: Path, key: str, content: bytes) -> None:
    """Store content under a key. A write error is ignored: the content is made again next time."""
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
            if name not in keys and _KEY.fullmatch(name):  # all other files are foreign
                (cache / name).unlink()


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Turn OSError in the block into DeployError."""
    try:
        yield
    except OSError as error:
        message = say("cannot write {path}: {reason}", path=str(error.filename or root), reason=reason_of(error))
        advice = say("make the folder writable, make room, or choose another folder")
        raise DeployError(message, help=advice) from error


def read_manifest(path: Path) -> dict[str, str]:
    """Map path to SHA-256 of the files written; empty if there is no valid manifest."""
    return {name: made[0] for name, made in _read(path).items()}


def digest_below(root: Path) -> Callable[[str], str]:
    """A function that returns the SHA-256 of a file in a built folder; unchanged files are not read."""
    made = _read(manifest_beside(root))

    def digest(path: str) -> str:
        known = made.get(path, ())
        return str(known[0]) if known[2:] == state_of((root / path).stat()) else sha256((root / path).read_bytes())

    return digest


def write_manifest(path: Path, files: Mapping[str, Made | str]) -> None:
    """Replace the manifest. Values other than the SHA-256 are valid on this machine only."""
    held = {"files": {name: files[name] for name in sorted(files)}}
    write_file(path, json.dumps(held, ensure_ascii=False, separators=(",\n", ":")).encode("utf-8", "replace") + b"\n")


def _read(path: Path) -> dict[str, Made]:
    """Read a manifest. File states not older than it are dropped: a later change may have the same timestamp."""
    try:
        written, held = path.stat().st_mtime_ns, json.loads(path.read_bytes())["files"]
        found = {name: (row,) if isinstance(row, str) else _checked(written, *row) for name, row in held.items()}
        return found if all(map(is_inside, found)) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _checked(written: int, digest: str, *known: Any) -> Made:
    return (digest, *known) if max(known[2:4], default=written) < written else (digest, *known[:1])


def remove_file(root: Path, path: str) -> bool:
    """Delete a file, and folders that become empty; whether it existed."""
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
    """The SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
