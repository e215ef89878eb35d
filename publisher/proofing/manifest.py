"""What files hold, known without reading them: size, times and inode of each beside its SHA-256, as git's index has it.

A file whose size, time of change or inode differs is read again; so is one that was changed so short a time before it
was read that another change need not have altered its times (git's ``racy-git``): it is not written down.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgpack

from publisher.documents.atomic import write_file

RACY = 2_000_000_000
"""Nanoseconds: the coarsest clock of a file system in use (FAT)."""

State = tuple[int, int, int, int]
"""Size, time of modification and of change in nanoseconds, inode."""

Files = dict[str, tuple[int, int, int, int, bytes]]
"""Of one folder: the state and the digest of each file by its path, which begins with ``/``."""


def state_of(status: os.stat_result) -> State:
    """What a change of a file alters."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def settled(state: State, began: int) -> bool:
    """Whether any change after ``began`` (nanoseconds) alters the state."""
    return max(state[1], state[2]) < began - RACY


class Manifest:
    """The files below some folders. ``file`` is where it is kept; what cannot be read there is not known."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = time.time_ns()
        self._folders = _read(file)
        self._digests: dict[str, set[bytes]] = {}
        self._changed = False

    def digest(self, folder: str, skip: str = "") -> bytes:
        """32 bytes that stand for the names and contents of all files below the folder, however deep.

        Folders named ``skip`` are left out, links to folders are not followed. What is unreadable stands for its fault.
        """
        before, held = self._folders.get(folder, {}), Files()
        found = sorted(_below(folder, skip, before))
        self._digests[folder] = {digest for _, digest, _ in found}
        sha = hashlib.sha256()
        for name, digest, state in found:
            sha.update(b"%d %b%d %b" % (len(name), os.fsencode(name), len(digest), digest))
            if state is not None and settled(state, self._began):
                held[name] = (*state, digest)
        if held != before:
            self._folders[folder], self._changed = held, True
        return sha.digest()

    def digests(self, folder: str) -> set[bytes]:
        """SHA-256 of each plain file below the folder, of which :meth:`digest` was asked."""
        return self._digests[folder]

    def forget_others(self) -> None:
        """Drop what is known of folders of which :meth:`digest` was not asked."""
        for folder in self._folders.keys() - self._digests.keys():
            del self._folders[folder]
            self._changed = True

    def save(self) -> None:
        """Keep it. A disk that refuses costs time, not correctness."""
        if self._changed:
            with suppress(OSError):
                write_file(self._file, msgpack.packb(self._folders, unicode_errors="surrogateescape"))


def _below(folder: str, skip: str, before: Files) -> Iterator[tuple[str, bytes, State | None]]:
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        try:
            with os.scandir(folder + inner) as entries:
                for entry in entries:
                    name = f"{inner}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        waiting += [name] if entry.name != skip else []
                    else:
                        yield name, *_look(entry, before.get(name))
        except OSError as error:
            yield inner, b"unreadable %d" % (error.errno or 0), None


def _look(entry: os.DirEntry[str], known: tuple[int, int, int, int, bytes] | None) -> tuple[bytes, State | None]:
    """The digest of a file and its state; of what is no plain file, or cannot be read, what it is instead."""
    try:
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):
            return b"mode %d" % status.st_mode, None
        state = state_of(status)
        if known and known[:4] == state:
            return known[4], state
        with open(entry.path, "rb") as file:  # noqa: PTH123 - this is most of a first look
            return hashlib.file_digest(file, "sha256").digest(), state
    except OSError as error:
        return b"unreadable %d" % (error.errno or 0), None


def _read(file: Path) -> dict[str, Files]:
    try:
        held = msgpack.unpackb(file.read_bytes(), use_list=False, unicode_errors="surrogateescape")
        digests = (entry[4] for files in held.values() for entry in files.values())
        return held if all(isinstance(digest, bytes) for digest in digests) else {}
    except Exception:  # what is damaged fails in any way there is
        return {}
