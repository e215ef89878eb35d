"""Writing a folder: each file whole or not at all, unchanged files untouched, and never a stranger's file deleted.

The folder keeps a manifest of what we made in it. A file that is in the last manifest and not in this build goes; a
file that no manifest names is somebody else's and stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from publisher.errors import DeployError
from publisher.site.model import SiteFile, Written

MANIFEST = ".publisher-manifest.json"


def write_folder(
    root: Path,
    files: Iterable[SiteFile],
    *,
    keep: Callable[[str], bool] = lambda _: False,
    manifest: str = MANIFEST,
) -> Written:
    """Make ``root`` hold ``files``; remove what an earlier build put there, unless ``keep(path)``.

    Raises :class:`DeployError` when the disk refuses.
    """
    wanted = {file.path: file.content for file in files}
    try:
        root.mkdir(parents=True, exist_ok=True)
        before = read_manifest(root / manifest)
        kept = {path: digest for path, digest in before.items() if path not in wanted and keep(path)}
        digests = {path: _digest(content) for path, content in wanted.items()}
        # First the union is recorded: a build that dies half way leaves no file that nobody owns up to.
        _write_manifest(root / manifest, before | digests)
        written, unchanged = _write_all(root, wanted)
        removed = [path for path in before if path not in wanted and path not in kept and _remove(root, path)]
        _write_manifest(root / manifest, kept | digests)
    except OSError as error:
        raise DeployError(
            f"{error.filename or root}: {error.strerror or error}",
            help="make the folder writable, or choose another with --out",
        ) from error
    return Written(root, tuple(sorted(written)), tuple(sorted(unchanged)), tuple(sorted(removed)))


def read_manifest(path: Path) -> dict[str, str]:
    """Path → SHA-256 of what we wrote; empty where there is no manifest, or none that can be believed."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in held.items() if _inside(str(name))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_file(path: Path, content: bytes) -> bool:
    """Write atomically; ``False`` when the file already holds just that."""
    if _holds(path, content):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".publisher-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    return True


def _write_all(root: Path, wanted: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    written: list[str] = []
    unchanged: list[str] = []
    for path, content in wanted.items():
        if not _inside(path):
            raise ValueError(f"{path!r} is not inside the output folder")
        (written if write_file(root / path, content) else unchanged).append(path)
    return written, unchanged


def _write_manifest(path: Path, digests: Mapping[str, str]) -> None:
    text = json.dumps({"files": dict(sorted(digests.items()))}, ensure_ascii=False, indent=0)
    write_file(path, text.encode() + b"\n")


def _remove(root: Path, path: str) -> bool:
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


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except (FileNotFoundError, NotADirectoryError):
        return False


def _inside(path: str) -> bool:
    parts = path.split("/")
    return not path.startswith("/") and all(part not in {"", ".", ".."} for part in parts) and "\\" not in path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
