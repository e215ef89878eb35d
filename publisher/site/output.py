"""Writing a folder: each file whole or not at all, unchanged files untouched, and never a stranger's file lost.

Beside the folder lies a manifest of what we made in it. A file that is in the last manifest and not in this build goes;
a file that no manifest names is somebody else's: it stays, and where one of ours would have to replace it we refuse.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from publisher.documents.atomic import holds, write_file
from publisher.errors import DeployError, UsageError
from publisher.site.model import SiteFile, WriteResult


def manifest_beside(root: Path) -> Path:
    """Where the manifest of a built folder is: next to it, so that copying the folder copies the archive alone."""
    return root.parent / f".{root.name}.manifest.json"


def write_folder(
    root: Path, files: Iterable[SiteFile], *, keep: Callable[[str], bool] = lambda _: False
) -> WriteResult:
    """Make ``root`` hold ``files``; remove what an earlier build put there, unless ``keep(path)``.

    Raises :class:`DeployError` when the disk refuses, :class:`UsageError` when a file that is not ours is in the way.
    """
    manifest = manifest_beside(root)
    wanted = {file.path: file.content for file in files}
    for path in wanted:
        if not is_inside(path):
            raise ValueError(f"{path!r} is not inside the output folder")
    try:
        root.mkdir(parents=True, exist_ok=True)
        before = read_manifest(manifest)
        _refuse_strangers(root, wanted, before)
        kept = {path: digest for path, digest in before.items() if path not in wanted and keep(path)}
        digests = {path: sha256(content) for path, content in wanted.items()}
        # First the union: a build that dies half way leaves no file that nobody owns up to.
        write_manifest(manifest, before | digests)
        changed = {path for path, content in wanted.items() if write_file(root / path, content)}
        removed = [path for path in before if path not in wanted and path not in kept and remove_file(root, path)]
        write_manifest(manifest, kept | digests)
    except OSError as error:
        raise disk_error(error, root) from error
    return WriteResult(root, tuple(sorted(changed)), tuple(sorted(wanted.keys() - changed)), tuple(sorted(removed)))


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
    text = json.dumps({"files": dict(sorted(digests.items()))}, ensure_ascii=False, indent=0)
    write_file(path, text.encode("utf-8", "replace") + b"\n")


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


def _refuse_strangers(root: Path, wanted: Mapping[str, bytes], ours: Mapping[str, str]) -> None:
    in_the_way = [
        path
        for path, content in wanted.items()
        if path not in ours and (root / path).exists() and not holds(root / path, content)
    ]
    if in_the_way:
        more = f" and {len(in_the_way) - 1} more" if len(in_the_way) > 1 else ""
        raise UsageError(
            f"{root / in_the_way[0]}{more} was not made by publisher and would be overwritten",
            help="move it away, or choose another folder with --out",
        )
