"""What files hold, known without reading them: size, times and inode of each beside its SHA-256, as git's index has it.

A file whose size, time of change or inode differs is read again; so is one that was changed so short a time before it
was read that another change need not have altered its times (git's ``racy-git``): it is not written down.
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
"""Nanoseconds: the coarsest clock of a file system in use (FAT)."""

State = tuple[int, int, int, int]
"""Size, time of modification and of change in nanoseconds, inode."""

Folder = tuple[bytes, dict[str, State], dict[str, bytes]]
"""Of one folder: its digest, empty where a state is not known for good; the state, and the digest, of each file by its
path, which begins with ``/``."""


def state_of(status: os.stat_result) -> State:
    """What a change of a file alters."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class Manifest:
    """The files below some folders. ``file`` is where it is kept; what cannot be read there is not known.

    ``notes`` and ``issues`` are whatever else its owner knows of files, kept with it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = time.time_ns()
        self._folders, self.notes, self.issues = _read(file)
        self._before = (dict(self._folders), self.notes, self.issues)
        self._seen: set[str] = set()

    def same(self, folder: str, skip: str = "") -> bytes | None:
        """The digest of the folder as it was written down; None where a file differs since, or was never known."""
        digest, states, _ = self._folders.get(folder, (None, {}, {}))
        return digest if digest and _states(folder, skip) == states else None

    def digest(self, folder: str, skip: str = "") -> bytes:
        """32 bytes that stand for the names and contents of all files below the folder, however deep.

        Folders named ``skip`` are left out, links to folders are not followed. What is unreadable stands for its fault.
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
        """SHA-256 of each plain file below the folder, of which :meth:`digest` was asked."""
        return {*self._folders[folder][2].values()}

    def settled(self, state: State) -> bool:
        """Whether any change since the manifest was opened alters the state."""
        return max(state[1], state[2]) < self._began - RACY

    def forget_others(self) -> None:
        """Drop what is known of folders of which :meth:`digest` was not asked."""
        self._folders = {folder: held for folder, held in self._folders.items() if folder in self._seen}

    def save(self) -> None:
        """Keep it. A disk that refuses costs time, not correctness."""
        held = (self._folders, self.notes, self.issues)
        if self._before != held:
            from publisher.documents.atomic import write_file  # a run that finds nothing changed writes nothing

            with suppress(OSError):
                write_file(self._file, msgpack.packb(held, unicode_errors="surrogateescape"))


def _states(folder: str, skip: str) -> dict[str, State | int]:
    """Each file below the folder with its state; with a number, the mode or the fault, where it is no plain file."""
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
    """The digest of a file; of what is no plain file, or cannot be read, what it is instead."""
    if isinstance(state, int):
        return b"no file %d" % state
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 - this is most of a first look
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
    except Exception:  # what is damaged fails in any way there is
        return {}, None, {}
