"""The messages of a mailbox: an mbox, a Maildir, a folder of messages, one message. Nothing is changed in it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from publisher.feedback.reports import LARGEST

_HEADER = re.compile(rb"From |[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]")


def is_mail(stream: io.BufferedReader) -> bool:
    """Whether a file begins as mail does: with a header, or as an mbox."""
    return _HEADER.match(stream.peek(100)) is not None


def messages_of(stream: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each message of a file; of a long one only its beginning."""
    is_mbox = stream.peek(5).startswith(b"From ")
    lines: list[bytes] = []
    number, size, blank = 1, 0, True
    while line := stream.readline(LARGEST):
        if is_mbox and blank and line.startswith(b"From "):
            if lines:
                yield f"message {number}", b"".join(lines)
                number += 1
            lines, size = [], 0
        elif size < LARGEST:
            lines.append(line)
            size += len(line)
        blank = not line.strip()
    if lines:
        yield f"message {number}", b"".join(lines)


def messages_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of each message of a Maildir (``cur`` and ``new``), or of a plain folder, in order."""
    parts = [folder / name for name in ("cur", "new") if (folder / name).is_dir()] or [folder]
    for path in sorted(path for part in parts for path in part.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield str(path.relative_to(folder)), path
