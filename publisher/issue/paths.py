"""Names and folders as a disk has them: names that are no text, links that lead nowhere, folders nobody may open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def is_text(name: str) -> bool:
    """Whether the name can be written in UTF-8; bytes that are none reach Python as lone surrogates."""
    return name.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in name)


def shown(path: str) -> str:
    """The path as it can be printed."""
    return path if is_text(path) else os.fsencode(path).decode("utf-8", "replace")


def is_file(path: Path | str) -> bool:
    """Whether it is, or leads to, a plain file. ``Path.is_file`` raises where a link leads to too long a name."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether it is, or leads to, a folder; as above."""
    return os.path.isdir(path)  # noqa: PTH112


def files_below(folder: str) -> Iterator[tuple[str, bool]]:
    """Every file below the folder, however deep, and whether it is a plain one; links to folders are not followed.

    A folder that cannot be listed stands for what is in it. Nothing is raised.
    """
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.path, is_file(entry.path)
        except OSError:
            yield folder, False
