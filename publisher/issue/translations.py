"""Families of translations: a family is an issue and all issues that name it in ``translation_of``.

Only files that contain this key, or that are named by one, and those whose heads are requested are parsed. Files are
searched for the key once and after each change, so a newsletter of thousands of issues stays fast.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.config import Config
from publisher.documents import Mapping as YamlMapping
from publisher.documents import Scalar, parse_yaml, read_text
from publisher.documents.text import MAX_BYTES, shadows
from publisher.issue.folder import ISSUES, discover, leads_inside
from publisher.language.tags import canonical, closest

_KEY = b"translation_of"
_HEAD = frozenset({"title", "date", "language", "status", _KEY.decode()})


@dataclass(frozen=True, slots=True)
class Sibling:
    """Member of a family, as in its issue.yaml; ``ready``: not a draft."""

    slug: str
    language: str
    ready: bool = True


Family = tuple[Sibling, ...]
"""The original, then its translations sorted by slug."""


@dataclass(frozen=True, slots=True)
class Translations:
    """Families of a newsletter; the target of each translation, even if it does not exist; and all slugs."""

    families: Mapping[str, Family] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    slugs: frozenset[str] = frozenset()

    def family(self, slug: str) -> Family:
        """The family of an issue, including itself; empty if it has no translation and is not one."""
        return self.families.get(self.named.get(slug, slug), ())

    def others(self, slug: str) -> Family:
        """The other members of the issue's family."""
        return tuple(one for one in self.family(slug) if one.slug != slug)

    def original(self, slug: str) -> str:
        """The slug of the family's original; without a family, the slug itself."""
        return self.named[slug] if self.family(slug) and slug in self.named else slug


def pick(language: str | None, family: Iterable[Sibling], fallback: str) -> str:
    """Choose the edition for a reader: that with the same language tag, otherwise the same language and script,
    otherwise the same language; likewise for the newsletter's language (``fallback``); otherwise the original. Returns
    its slug.
    """
    members = {one.language: one.slug for one in family}
    for tag in filter(None, (language, fallback)):
        known = canonical(tag) or tag
        found = known if known in members else closest(known, members)
        if found:
            return members[found]
    return next(iter(members.values()))


def translations_of(config: Config) -> Translations:
    """Read the families from disk. A member that cannot be parsed counts as in the newsletter's language."""
    known = _issue_files(config.root)
    files = {slug: file for slug, file in known.items() if file}
    named = {
        slug: of for slug, file in files.items() if file.names and (of := file.head(config.root).get(_KEY.decode()))
    }
    members: dict[str, list[Sibling]] = {}
    for slug, of in sorted(named.items()):
        if of in files and of not in named:
            members.setdefault(of, [_sibling(config, of, files[of])]).append(_sibling(config, slug, files[slug]))
    return Translations({of: tuple(family) for of, family in members.items()}, named, frozenset(known))


def seen_files(root: Path, settled: Callable[[Any], bool]) -> dict[str, Any]:
    """Export the cache of issue files for :func:`know`, without files that could change unnoticed."""
    seen = ((path, file) for path, file in _seen.items() if path.startswith(f"{root}/"))
    return {path: (file.path, file.state, file.names, file.words) for path, file in seen if settled(file.state)}


def know(seen: Mapping[str, Any]) -> None:
    """Import the cache of an earlier process; an entry is valid while the state of its file is unchanged."""
    _seen.update((path, _IssueFile(*held)) for path, held in seen.items() if path not in _seen)


def heads(root: Path) -> dict[str, Mapping[str, str]]:
    """Return the keys of issue.yaml that a list needs, by slug; files that have changed are parsed again."""
    return {slug: file.head(root) for slug, file in _issue_files(root).items() if file}


@dataclass(slots=True)
class _IssueFile:
    """Cache entry of an issue's file; ``names``: it may contain the key. ``words``: its head, if it was parsed."""

    path: str  # relative to the root
    state: tuple[int, ...] | bytes
    names: bool
    words: Mapping[str, str] | None = None

    def head(self, root: Path) -> Mapping[str, str]:
        """The scalar keys of the head; empty if it cannot be read, which is reported elsewhere."""
        if not leads_inside(root, root / self.path):
            return {}
        if self.words is None:
            file = read_text(root, self.path)[0]
            node = parse_yaml(file)[0] if file else None
            entries = node.entries if isinstance(node, YamlMapping) else ()
            texts = ((key.text, value.text.strip()) for key, value in entries if isinstance(value, Scalar))
            self.words = {key: text for key, text in texts if key in _HEAD}
        return self.words


_seen: dict[str, _IssueFile] = {}  # by absolute path


def _issue_files(root: Path) -> dict[str, _IssueFile | None]:
    """The file of each issue, or None; searched again if it changed. A folder with such a file is not empty."""
    found: dict[str, _IssueFile | None] = {}

    def holds(slug: str) -> bool:
        paths = (f"{ISSUES}/{slug}/{name}" for name in ("issue.yaml", "issue.yml"))
        found[slug] = next((file for path in paths if (file := _looked(root, path))), None)
        return found[slug] is not None

    return {slug: found.get(slug) for slug in discover(root, holds)}


def _looked(root: Path, path: str) -> _IssueFile | None:
    whole = f"{root}/{path}"
    if (held := shadows.get().get(whole)) is not None:
        return _IssueFile(path, held, _KEY in held)
    try:
        status = os.stat(whole)  # noqa: PTH116 - called for every issue
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        known = _seen.get(whole)
        if known is None or known.state != state:
            names = False
            if stat.S_ISREG(status.st_mode):  # reading a FIFO would block
                with open(whole, "rb") as file:  # noqa: PTH123
                    names = _KEY in file.read(MAX_BYTES)
            known = _seen[whole] = _IssueFile(path, state, names)
    except OSError:
        return None
    return known


def _sibling(config: Config, slug: str, file: _IssueFile) -> Sibling:
    words = file.head(config.root)
    language = words.get("language") or config.newsletter.language
    return Sibling(slug, canonical(language) or language, words.get("status") == "ready")
