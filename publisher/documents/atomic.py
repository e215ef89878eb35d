"""Writing a file whole or not at all: to a temporary one beside it, which then takes its name."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

_numbers = count()


def write_file(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Write it; ``False`` when the file already holds just that. Folders are made. Raises OSError."""
    if holds(path, content):
        return False
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, mode) as file:
        file.write(content)
    return True


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """No other process is within a block like this one over the same folder. Raises OSError."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A new file, which takes the name after the block, and is gone where the block fails. Raises OSError."""
    handle, temporary = _new_in(path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            yield file
        os.replace(temporary, path)  # noqa: PTH105 - a good part of a large build
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _new_in(folder: Path) -> tuple[int, str]:
    """A new file with a name of its own; tempfile takes twice the time to find one."""
    while True:
        name = f"{folder}/.publisher-{os.getpid()}-{next(_numbers)}.tmp"
        with suppress(FileExistsError):  # of a process that died, or of another machine
            return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), name


def clear(folders: Iterable[Path]) -> None:
    """Remove from folders what processes that died in the middle of writing have left there."""
    for left in (file for folder in folders for file in folder.glob(".publisher-*-*.tmp")):
        with suppress(OSError, ValueError, OverflowError):
            try:
                os.kill(int(left.name.split("-")[1]), 0)
            except ProcessLookupError:
                left.unlink()


def holds(path: Path, content: bytes) -> bool:
    """Whether the file has just that content."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size == len(content) and file.read() == content
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
