"""What an earlier build rendered, kept by the content it was made of.

An entry is found again only when everything an edition follows from is the same: the issue's files, config.yaml, the
theme, the package and the libraries that write HTML. So a build with the cache equals one without to the byte. An entry
that is damaged, or from another version, is simply not there. The cache may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import publisher
from publisher.config import Config
from publisher.config.plugins import RULES, load_plugin, plugin_name, plugins
from publisher.documents.atomic import write_file
from publisher.edition.theme_folder import package_theme, theme_folder
from publisher.issue.paths import files_below
from publisher.proofing.codec import Packed
from publisher.proofing.proof import Proof

_LARGE = 4_000_000  # bytes from which on a file is not held in memory
_LIBRARIES = (
    "markdown-it-py",
    "mdit-py-plugins",
    "linkify-it-py",
    "nh3",
    "mjml-python",
    "css-inline",
    "jinja2",
    "babel",
    "pillow",
)


class Store:
    """Entries under ``.publisher/cache/editions``, one an issue. ``Store(config, enabled=False)`` holds nothing."""

    def __init__(self, config: Config, *, enabled: bool = True) -> None:
        self._folder = config.root / ".publisher" / "cache" / "editions"
        self._issues = config.root / "issues"
        self._common = _common_key(config) if enabled else b""
        self._enabled = enabled

    def key(self, slug: str) -> bytes:
        """32 bytes that stand for everything the issue's edition follows from."""
        sha = hashlib.sha256(self._common)
        _add(sha, slug.encode())
        _add_folder(sha, self._issues / slug)
        return sha.digest()

    def load(self, slug: str, key: bytes, *, whole: bool = True) -> Proof | None:
        """What was kept under that key, or ``None``; without its edition unless ``whole``."""
        if not self._enabled:
            return None
        try:
            with (self._folder / f"{slug}.entry").open("rb") as file:
                held, sum_of_head, sum_of_body, length = (file.read(n) for n in (32, 32, 32, 8))
                if held != key:
                    return None
                packed = Packed(file.read(int.from_bytes(length, "big")), file.read() if whole else b"")
        except (OSError, OverflowError, MemoryError):
            return None
        if _sum(packed.head) != sum_of_head or (whole and _sum(packed.body) != sum_of_body):
            return None
        try:
            return packed.whole() if whole else packed.without_edition()
        except ValueError:
            return None

    def keep(self, slug: str, key: bytes, packed: Packed) -> None:
        """Keep a proof. A disk that refuses costs time, not correctness."""
        if self._enabled:
            parts = (key, _sum(packed.head), _sum(packed.body), len(packed.head).to_bytes(8, "big"))
            with suppress(OSError):
                write_file(self._folder / f"{slug}.entry", b"".join((*parts, packed.head, packed.body)))

    def forget_all_but(self, slugs: Iterable[str]) -> None:
        """Drop the entries of issues that no longer exist."""
        wanted = {f"{slug}.entry" for slug in slugs}
        with suppress(OSError):
            for file in list(self._folder.iterdir()):
                if file.name not in wanted:
                    file.unlink()


def worth_keeping(proof: Proof, folder: Path) -> bool:
    """Whether the key covers all that the proof follows from.

    A broken issue may be mended by a file elsewhere, and an edition may show an image from outside its folder:
    neither is kept.
    """
    if proof.edition is None:
        return False
    assets = [asset for asset in proof.edition.assets if not asset.copied]
    if not assets:
        return True
    own = set()
    for path, plain in files_below(str(folder)):
        with suppress(OSError):
            own.add(_sum_of_file(path) if plain else b"")
    return all(hashlib.sha256(asset.content).digest() in own for asset in assets)


def _add_sources(sha: Any, package: ModuleType) -> None:
    """A developer's edit counts as a version."""
    folders = getattr(package, "__path__", None)
    found = (file for folder in folders or () for end in ("*.py", "*.mo") for file in Path(folder).rglob(end))
    for file in sorted(found) if folders else [Path(package.__file__ or "")]:
        status = file.stat()
        _add(sha, f"{file} {status.st_size} {status.st_mtime_ns}".encode())


def _common_key(config: Config) -> bytes:
    sha = hashlib.sha256(b"publisher cache 4\n")
    _add(sha, config.model_dump_json().encode())
    _add(sha, str(config.root.resolve()).encode("utf-8", "surrogateescape"))
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            _add(sha, f"{name} {version(name)}".encode())
    _add(sha, publisher.__version__.encode())
    _add_sources(sha, publisher)
    for rule_file in config.rule_files:
        _add(sha, repr(rule_file).encode())
    for entry in plugins(RULES).values():
        _add(sha, f"{plugin_name(entry)} {entry.value}".encode())
        load_plugin(entry)
        _add_sources(sha, sys.modules[entry.module.partition(".")[0]])
    for folder in dict.fromkeys((theme_folder(config), package_theme())):
        _add_folder(sha, folder)
    return sha.digest()


def _sum_of_file(path: str) -> bytes:
    """Of a file as large as it likes."""
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.file_digest(file, "sha256").digest()


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _add(sha: Any, content: bytes) -> None:
    sha.update(len(content).to_bytes(8, "big"))
    sha.update(content)


def _add_folder(sha: Any, folder: Path) -> None:
    for path, plain in sorted(files_below(str(folder))):
        _add(sha, path[len(str(folder)) :].encode("utf-8", "surrogateescape"))
        try:
            if not plain:  # what it is or leads to may change; what reads it tells what is wrong
                _add(sha, str(Path(path).stat().st_mode).encode())
                continue
            with open(path, "rb") as file:  # noqa: PTH123 - this loop is most of a check where nothing has changed
                content = file.read(_LARGE)
            _add(sha, content if len(content) < _LARGE else _sum_of_file(path))
        except OSError as error:
            _add(sha, f"unreadable {error.errno}".encode())
