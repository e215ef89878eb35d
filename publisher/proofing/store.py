"""Cache of proofs, keyed by the content they were made from.

Located in ``.publisher/cache``, or the folder given by ``--cache``: ``files``, the :class:`Manifest`; ``index``, the
data of every issue that a list and a report need; ``editions/``, one entry per issue, of which parts are read on
demand; ``made/``, files of a build: all of them with ``--cache``, otherwise those that are costly to make.

An entry is valid only if all inputs of an edition are unchanged: the issue's files, config.yaml, the theme, the
package and the libraries that read, judge and render. Keys contain neither times nor paths, so a build with the cache
is byte-identical to one without, on any machine. Entries that are damaged or from another version are ignored; so is a
cache that git has: whoever wrote it there could put any text into an issue that nobody reads in a review.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import publisher
from publisher.config import Config
from publisher.config.plugins import RULES, load_plugin, plugin_name, plugins
from publisher.config.theme import theme_folders
from publisher.diagnostics import say
from publisher.documents.atomic import write_file
from publisher.edition.model import Edition
from publisher.edition.others import OtherIssues
from publisher.edition.provenance import in_git
from publisher.errors import UsageError
from publisher.issue.translations import know, seen_files
from publisher.proofing.codec import PART_OF, PARTS, Packed, pack, stored, unpack
from publisher.proofing.index import SUM, IndexRow, checksum, key_of_issue, read_index, write_index
from publisher.proofing.manifest import Manifest
from publisher.proofing.proof import Proof, proofread

_NAMES = "markdown-it-py mdit-py-plugins linkify-it-py nh3 mjml-python css-inline jinja2 babel pillow pyyaml selectolax"
_LIBRARIES = tuple(_NAMES.split())


class Store:
    """Entries, one per issue, their index, and ``files``. ``Store(config, enabled=False)`` stores nothing."""

    def __init__(self, config: Config, *, enabled: bool = True, folder: Path | None = None) -> None:
        held = folder or config.root / ".publisher" / "cache"
        ours = not in_git(held)
        self._config = config
        self._enabled = enabled and ours
        self.named = self._enabled and folder is not None
        self._folder = held if ours else Path(os.devnull)
        self.files = Manifest(self._folder / "files")
        self._issues = config.root / "issues"
        self._part = lru_cache(8)(self._read_part)
        self.common = _common_key(config, self.files) if enabled else os.urandom(32)

    def made(self, name: str) -> Path | None:
        """The folder for finished files of a build; None if the store is disabled."""
        return self._folder / "made" / name if self._enabled else None

    @cached_property
    def others(self) -> OtherIssues:
        """The other issues of the newsletter, as they were at first access."""
        know(self.files.issues)
        return OtherIssues.of(self._config)

    @property
    def slugs(self) -> list[str]:
        """The slugs of all issues, sorted; raises UsageError as :func:`publisher.issue.folder.discover` does."""
        return sorted(self.others.translations.slugs)

    def key(self, slug: str) -> bytes:
        """Return 32 bytes that identify all inputs of the issue's edition."""
        if not self._enabled:
            return b""
        return key_of_issue(self.common, slug, self.files.digest(self._of(slug)), self.beside(slug))

    def beside(self, slug: str) -> bytes:
        """Return a hash of the other issues that the edition depends on; empty if there are none."""
        known, before = self.others.translations, self.others.before(slug)
        family, of = known.family(slug), known.named.get(slug)
        if not family and not of and not before:
            return b""
        original = self.files.digest(self._of(of)) if of and family else b""  # a translation is compared with it
        return hashlib.sha256(repr((family, of, known.named.get(of or ""), original, before)).encode()).digest()

    def rows(self) -> dict[str, IndexRow]:
        """Return the index; empty if it is missing, stale or damaged."""
        return read_index(self._folder / "index", self.common) if self._enabled else {}

    def save(self, rows: Mapping[str, IndexRow] | None = None, notes: Any = None) -> None:
        """Write the index and ``notes``, if given, and the manifest."""
        if not self._enabled:
            return
        if rows is not None:
            write_index(self._folder / "index", self.common, rows)
        self.files.notes = notes or self.files.notes
        self.files.issues = seen_files(self._config.root, self.files.settled)
        self.files.save()

    def load(self, slug: str, key: bytes) -> Proof | None:
        """Return the proof stored under ``key``, or ``None``. The parts of its edition are read on demand."""
        head, light = self._entry(slug, key, "head"), self._entry(slug, key, "light")
        if head is None or not light:
            return None
        try:
            return Packed(head).proof(self.edition(slug, key, light))
        except ValueError:
            return None

    def edition(self, slug: str, key: bytes, light: bytes) -> Edition:
        """Return the edition with that light part. Raises ``ValueError`` if the bytes are invalid."""
        return stored(light, key, lambda name: self._part(slug, key, PART_OF[name])[name])

    def keep(self, slug: str, key: bytes, packed: Packed) -> Proof:
        """Store a proof if the key covers all its inputs: a broken issue may be corrected by a file elsewhere, and an
        edition may show an image from outside its folder. Returns the proof as :meth:`load` would.
        """
        if packed.light and self._enabled and self._covers(slug, packed):
            with suppress(OSError):
                parts = [getattr(packed, part) for part in PARTS]
                table = b"".join(checksum(part) + len(part).to_bytes(8, "big") for part in parts)
                write_file(self._folder / "editions" / f"{slug}.entry", b"".join((key, table, *parts)))
                return packed.proof(self.edition(slug, key, packed.light))
        return packed.proof(packed.edition() if packed.light else None)

    def forget_all_but(self, slugs: Iterable[str]) -> None:
        """Delete the entries of issues that no longer exist."""
        if not self._enabled:
            return
        wanted = {f"{slug}.entry" for slug in slugs}
        self.files.forget_others()
        self.files.save()
        with suppress(OSError):
            for name in {*os.listdir(self._folder / "editions")} - wanted:  # noqa: PTH208
                if name.endswith(".entry"):  # do not touch files of others
                    (self._folder / "editions" / name).unlink()

    def _of(self, slug: str) -> str:
        return f"{self._issues}/{slug}"

    def _covers(self, slug: str, packed: Packed) -> bool:
        assets = [asset for asset in unpack("assets", packed.assets)["assets"] if not asset.copied]
        shown = {hashlib.sha256(asset.content).digest() for asset in assets}
        return not shown or shown <= self.files.digests(self._of(slug))

    def _read_part(self, slug: str, key: bytes, part: str) -> dict[str, Any]:
        """Fields of an edition; proofread again if the entry is gone. Raises UsageError if the issue changed."""
        packed = self._entry(slug, key, part)
        with suppress(ValueError, IndexError):
            if packed is not None:
                return unpack(part, packed)
        again = pack(proofread(self._config, slug, commit=False, others=self.others))
        if self.key(slug) != key or not again.light:
            raise UsageError(say("{slug} changed meanwhile", slug=slug), help=say("type the command again"))
        self.keep(slug, key, again)
        return unpack(part, getattr(again, part))

    def _entry(self, slug: str, key: bytes, part: str) -> bytes | None:
        """Return one part of an entry, or None if it is missing, stale or damaged."""
        if not self._enabled:
            return None
        try:
            with (self._folder / "editions" / f"{slug}.entry").open("rb") as file:
                if file.read(32) != key:
                    return None
                table = file.read((SUM + 8) * len(PARTS))
                rows = [table[at : at + SUM + 8] for at in range(0, len(table), SUM + 8)]
                lengths = [int.from_bytes(row[SUM:], "big") for row in rows]
                at = PARTS.index(part)
                file.seek(sum(lengths[:at]), os.SEEK_CUR)
                packed = file.read(lengths[at])
                return packed if checksum(packed) == rows[at][:SUM] else None
        except (OSError, OverflowError, MemoryError, IndexError):
            return None


def _common_key(config: Config, files: Manifest) -> bytes:
    sha = hashlib.sha256(b"publisher cache 7\n")
    _add(sha, config.model_dump_json().encode())
    _add(sha, str(sys.implementation.cache_tag).encode())  # its version of Unicode affects editions
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            _add(sha, f"{name} {version(name)}".encode())
    for rule_file in config.rule_files:
        _add(sha, repr(rule_file).encode())
    for folder in dict.fromkeys((Path(publisher.__file__).parent, *theme_folders(config))):
        sha.update(files.digest(str(folder), "__pycache__"))
    for entry in plugins(RULES).values():
        _add(sha, f"{plugin_name(entry)} {entry.value}".encode())
        load_plugin(entry)
        package = sys.modules[entry.module.partition(".")[0]]
        folders = getattr(package, "__path__", None)
        for folder in folders or ():
            sha.update(files.digest(str(folder), "__pycache__"))
        _add(sha, b"" if folders else Path(package.__file__ or "").read_bytes())
    for name in config.brand_files:
        _add(sha, (config.root / name).read_bytes())
    return sha.digest()


def _add(sha: Any, content: bytes) -> None:
    sha.update(len(content).to_bytes(8, "big"))
    sha.update(content)
