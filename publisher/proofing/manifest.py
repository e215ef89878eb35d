"""Digests of files, cached by size, times and inode, as in git's index.

A file whose size, time of change or inode differs is read again. A file that changed shortly before it was read is not
recorded, as another change may leave its times the same (see git's ``racy-git``).
"""

import hashlib
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack

RACY = 2_000_000_000
"""Nanoseconds: the coarsest resolution of timestamps of a file system in use (FAT)."""

State = tuple[int, int, int, int]
"""Size, time of modification and of change in nanoseconds, inode."""

Folder = tuple[bytes, dict[str, State], dict[str, bytes]]
"""Digest of a folder, empty if a file's state is unsettled; states and digests of its files by path (``/…``)."""


def state_of(status: os.stat_result) -> State:
    """The attributes by which a change of a file is detected."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class Manifest:
    """Digests of the files below some folders, stored in ``file``; empty if that is missing or damaged.

    ``notes`` and ``issues`` are other data of its owner about files, stored with it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = time.time_ns()
        self._folders, self.notes, self.issues = _read(file)
        self._before = (dict(self._folders), self.notes, self.issues)
        self._seen: set[str] = set()

    def same(self, folder: str, skip: str = "") -> bytes | None:
        """The recorded digest of the folder; None if a file has changed since, or if none was recorded."""
        digest, states, _ = self._folders.get(folder, (None, {}, {}))
        return digest if digest and _states(folder, skip) == states else None

    def digest(self, folder: str, skip: str = "") -> bytes:
        """Return 32 bytes that identify the names and contents of all files below the folder, recursively.

        Folders named ``skip`` are left out, links to folders not followed. An unreadable file counts by its errno.
        """
        self._seen.add(folder)
        held, known, digests = self._folders.get(folder, (b"", {}, {}))
        states = _states(folder, skip)
        if held and states == known:
            return held
        sha, fresh, settled = hashlib.sha256(), {}, {}
        for name, state in sorted(states.items()):
            fresh[name] = told = digests[name] if known.get(name) == state else _look(folder + name, state)
            sha.update(b"%d %b%d %b" % (len(name), os.fsencode(name), len(told), told))
            if isinstance(state, tuple) and self.settled(state):
                settled[name] = state
        digest = sha.digest()
        self._folders[folder] = digest if settled == states else b"", settled, fresh
        return digest

    def digests(self, folder: str) -> set[bytes]:
        """SHA-256 of each regular file below a folder that was passed to :meth:`digest`."""
        return {*self._folders[folder][2].values()}

    def settled(self, state: State) -> bool:
        """Whether any change since the manifest was opened would alter the state."""
        return max(state[1], state[2]) < self._began - RACY

    def forget_others(self) -> None:
        """Drop the folders that were not passed to :meth:`digest`."""
        self._folders = {folder: held for folder, held in self._folders.items() if folder in self._seen}

    def save(self) -> None:
        """Write the manifest. A write error is ignored: the next run only takes longer."""
        held = (self._folders, self.notes, self.issues)
        if self._before != held:
            from publisher.documents.atomic import write_file  # loaded only if something has changed

            with suppress(OSError):
                write_file(self._file, msgpack.packb(held, unicode_errors="surrogateescape"))


def _states(folder: str, skip: str) -> dict[str, State | int]:
    """The state of each file below the folder; the mode if it is not a regular file; -errno if unreadable."""
    states: dict[str, State | int] = {}
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        try:
            with os.scandir(folder + inner) as entries:
                for entry in entries:
                    name = f"{inner}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        waiting += [name] if entry.name != skip else []
                        continue
                    try:
                        status = entry.stat()
                        states[name] = state_of(status) if stat.S_ISREG(status.st_mode) else status.st_mode
                    except OSError as error:
                        states[name] = -(error.errno or 1)
        except OSError as error:
            states[inner] = -(error.errno or 1)
    return states


def _look(file: str, state: State | int) -> bytes:
    """The digest of a file; if it is not a regular file or unreadable, a text with its mode or errno."""
    if isinstance(state, int):
        return b"no file %d" % state
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 - most of the time of a first run
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError as error:
        return b"no file %d" % -(error.errno or 1)


def _read(file: Path) -> tuple[dict[str, Folder], Any, dict[str, Any]]:
    try:
        folders, notes, issues = msgpack.unpackb(file.read_bytes(), use_list=False, unicode_errors="surrogateescape")
        held = [digest for digest, *_, digests in folders.values() for digest in (digest, *digests.values())]
        held += [word.encode() for _, _, _, words in issues.values() for word in (words or {}).values()]
        sound = all(isinstance(digest, bytes) for digest in held)
        return (folders, notes, issues) if sound else ({}, None, {})
    except Exception:  # damaged bytes can raise any exception
        return {}, None, {}
