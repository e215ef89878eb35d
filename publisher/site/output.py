"""Writing a folder: each file whole or not at all, unchanged files untouched, and never a stranger's file lost.

Beside the folder lies a manifest of what we made in it, and of what we made it. A file that is in the last manifest and
not in this build goes; a file that no manifest names is somebody else's: it stays, and where one of ours would have to
replace it we refuse. A file that follows from what it followed from, and was not touched since, is not made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from publisher.documents.atomic import holds, write_file
from publisher.errors import DeployError, UsageError
from publisher.proofing.manifest import state_of
from publisher.site.model import SiteFile, Target, WriteResult

_KEY = re.compile("[0-9a-f]{32,64}")
Made = tuple[Any, ...]
"""The key that a file was made under, and its size, times and inode since."""


def manifest_beside(root: Path) -> Path:
    """Where the manifest of a built folder is: next to it, so that copying the folder copies the archive alone."""
    return root.parent / f".{root.name}.manifest.json"


def write_folder(
    root: Path,
    files: Iterable[SiteFile | Target],
    *,
    keep: Callable[[str], bool] = lambda _: False,
    cache: Path | None = None,
) -> WriteResult:
    """Make ``root`` hold ``files``; remove what an earlier build put there, unless ``keep(path)``.

    A :class:`Target` is made only where what lies there was made of something else, or was touched since. All are made
    before the first is written; with the folder ``cache``, what was made under a key before is taken from there. Raises
    :class:`DeployError` when the disk refuses, :class:`UsageError` when a file that
    is not ours is in the way.
    """
    manifest = manifest_beside(root)
    wanted = {file.path: _target(file) if isinstance(file, SiteFile) else file for file in files}
    for path in wanted:
        if not is_inside(path):
            raise ValueError(f"{path!r} is not inside the output folder")
    try:
        root.mkdir(parents=True, exist_ok=True)
        before, made = read_manifest(manifest), _made(manifest)
        standing = {path: entry for path, target in wanted.items() if (entry := _stands(root, target, before, made))}
        stale = [target for path, target in wanted.items() if path not in standing]
        kept = {path for path in before if path not in wanted and keep(path)}
        gone = before.keys() - wanted.keys() - kept
        digests, changed = dict(before), set()
        with tempfile.TemporaryFile() as contents:
            coming = list(_make(root, stale, digests, contents, cache))
            if stale:  # first the union: a build that dies half way leaves no file that nobody owns up to
                _write(manifest, digests, standing)
            contents.seek(0)
            for path, key, length in coming:
                if write_file(root / path, contents.read(length)):
                    changed.add(path)
                standing[path] = (key, *state_of((root / path).stat()))
        removed = [path for path in gone if remove_file(root, path)]
        standing |= {path: made[path] for path in kept & made.keys()}
        if standing != made or gone:
            _write(manifest, {path: digests[path] for path in kept | wanted.keys()}, standing)
        if cache:
            _forget_all_but(cache, {key for key, *_ in standing.values()})
    except OSError as error:
        raise disk_error(error, root) from error
    return WriteResult(root, tuple(sorted(changed)), tuple(sorted(wanted.keys() - changed)), tuple(sorted(removed)))


def _target(file: SiteFile) -> Target:
    key = sha256(file.content)
    return Target(file.path, (key,), lambda: (file.content, key))


def _stands(root: Path, target: Target, digests: Mapping[str, str], made: Mapping[str, Made]) -> Made | None:
    """What to write down of the file if it is right as it lies there."""
    key, *before = made.get(target.path, ("",))
    if key not in target.keys or target.path not in digests:
        return None
    try:
        state = state_of(os.stat(root / target.path))  # noqa: PTH116 - this is most of a build where nothing has changed
        if state == (*before,) or sha256((root / target.path).read_bytes()) == digests[target.path]:
            return (key, *state)
    except OSError:
        pass
    return None


def _make(
    root: Path, targets: Iterable[Target], digests: dict[str, str], contents: IO[bytes], cache: Path | None
) -> Iterator[tuple[str, str, int]]:
    """Write the contents one after the other, and give path, key and length of each. Raises UsageError."""
    in_the_way = []
    for target in targets:
        content, key = (_cached(cache, target) if cache else None) or target.make()
        if cache:
            with suppress(OSError):  # costs time, not correctness
                write_file(cache / key, bytes.fromhex(sha256(content)) + content)
        path = root / target.path
        if target.path not in digests and path.exists() and not holds(path, content):
            in_the_way.append(path)
        digests[target.path] = sha256(content)
        yield target.path, key, contents.write(content)
    if in_the_way:
        more = f" and {len(in_the_way) - 1} more" if len(in_the_way) > 1 else ""
        raise UsageError(
            f"{in_the_way[0]}{more} was not made by publisher and would be overwritten",
            help="move it away, or choose another folder with --out",
        )


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


def disk_error(error: OSError, root: Path) -> DeployError:
    """What to say when the disk refuses."""
    return DeployError(
        f"cannot write {error.filename or root}: {error.strerror or error}",
        help="make the folder writable, make room, or choose another folder",
    )


def read_manifest(path: Path) -> dict[str, str]:
    """Path → SHA-256 of what we wrote; empty where there is no manifest, or none that can be believed."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in held.items() if is_inside(str(name))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_manifest(path: Path, digests: Mapping[str, str]) -> None:
    """Replace the manifest."""
    _write(path, digests, {})


def _write(path: Path, digests: Mapping[str, str], made: Mapping[str, Made]) -> None:
    held = {"files": dict(sorted(digests.items()))} | ({"made": dict(sorted(made.items()))} if made else {})
    write_file(path, json.dumps(held, ensure_ascii=False, indent=0).encode("utf-8", "replace") + b"\n")


def _made(path: Path) -> dict[str, Made]:
    """Of each file, what it was made under and its state then; what changed as late as the manifest has none, for
    another change may have followed that no clock shows.
    """
    try:
        written = path.stat().st_mtime_ns
        entries = json.loads(path.read_text(encoding="utf-8"))["made"].items()
        return {
            name: (str(key), *state) if max(state[1:3]) < written else (str(key),) for name, (key, *state) in entries
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


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
    parts = path.split("/")
    return all(part not in {"", ".", ".."} for part in parts) and "\\" not in path and "\0" not in path


def sha256(content: bytes) -> str:
    """The hex digest."""
    return hashlib.sha256(content).hexdigest()
