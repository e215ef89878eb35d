"""Atomic writing of files: the content goes to a temporary file in the same folder, which is then renamed."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

_numbers = count()


def write_file(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Write a file and create its folders; ``False`` if it has this content already. Raises OSError."""
    if holds(path, content):
        return False
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, mode) as file:
        file.write(content)
    return True


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder during the block; waits for other processes. Raises OSError."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces ``path`` after the block; deleted if the block fails. Raises OSError."""
    handle, temporary = _new_in(path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            yield file
        os.replace(temporary, path)  # noqa: PTH105 - faster; matters in a large build
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _new_in(folder: Path) -> tuple[int, str]:
    """Create a file with a unique name; tempfile takes twice as long to find one."""
    while True:
        name = f"{folder}/.publisher-{os.getpid()}-{next(_numbers)}.tmp"
        with suppress(FileExistsError):  # left by a process that died, or by another machine
            return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), name


def clear(folders: Iterable[Path]) -> None:
    """Remove the temporary files of processes that died while writing from the folders."""
    for left in (file for folder in folders for file in folder.glob(".publisher-*-*.tmp")):
        with suppress(OSError, ValueError, OverflowError):
            try:
                os.kill(int(left.name.split("-")[1]), 0)
            except ProcessLookupError:
                left.unlink()


def holds(path: Path, content: bytes) -> bool:
    """Whether the file exists and has exactly this content."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size == len(content) and file.read() == content
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
