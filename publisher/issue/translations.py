"""Which issues are translations of which: a family is an issue and all that name it in ``translation_of``.

Only a file that holds that key, or that one names, is parsed, and those whose heads are asked for; all are looked at
once, and again when they change, so that a newsletter of thousands of issues pays for its families alone.
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

_NAMES = ("issue.yaml", "issue.yml")
_KEY = b"translation_of"
_HEAD = frozenset({"title", "date", "language", "status", _KEY.decode()})


@dataclass(frozen=True, slots=True)
class Sibling:
    """A member of a family, as its issue.yaml has it; ``ready``: no draft."""

    slug: str
    language: str
    ready: bool = True


Family = tuple[Sibling, ...]
"""The original, then its translations by slug."""


@dataclass(frozen=True, slots=True)
class Translations:
    """The families of a newsletter, what each translation names, whether that is an issue or not, and all issues."""

    families: Mapping[str, Family] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    slugs: frozenset[str] = frozenset()

    def family(self, slug: str) -> Family:
        """The members of the issue's family, itself among them; nobody where it has no translation and is none."""
        return self.families.get(self.named.get(slug, slug), ())

    def others(self, slug: str) -> Family:
        """The other members."""
        return tuple(one for one in self.family(slug) if one.slug != slug)

    def original(self, slug: str) -> str:
        """The slug that stands for the family: the original's, or its own."""
        return self.named[slug] if self.family(slug) and slug in self.named else slug


def pick(language: str | None, family: Iterable[Sibling], fallback: str) -> str:
    """The slug of the edition for a reader: in the exact language, else of its language and script, else of its
    language, else the same for the newsletter's (``fallback``), else the original.
    """
    members = {one.language: one.slug for one in family}
    for tag in filter(None, (language, fallback)):
        known = canonical(tag) or tag
        found = known if known in members else closest(known, members)
        if found:
            return members[found]
    return next(iter(members.values()))


def translations_of(config: Config) -> Translations:
    """The families on disk. A family with a member that cannot be read goes without its language."""
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
    """What is known of the files of issues, for :func:`know`; without those that may change and keep their state."""
    seen = ((path, file) for path, file in _seen.items() if path.startswith(f"{root}/"))
    return {path: (file.path, file.state, file.names, file.words) for path, file in seen if settled(file.state)}


def know(seen: Mapping[str, Any]) -> None:
    """Take over what an earlier process knew of files: it holds of those that still have their states."""
    _seen.update((path, _IssueFile(*held)) for path, held in seen.items() if path not in _seen)


def heads(root: Path) -> dict[str, Mapping[str, str]]:
    """Of each issue by its slug what a list needs of its issue.yaml; parsed again where it changed."""
    return {slug: file.head(root) for slug, file in _issue_files(root).items() if file}


@dataclass(slots=True)
class _IssueFile:
    """An issue's file as it was looked into; ``names``: it may hold the key. ``words``: its head, once it was read."""

    path: str  # from the root
    state: tuple[int, ...] | bytes
    names: bool
    words: Mapping[str, str] | None = None

    def head(self, root: Path) -> Mapping[str, str]:
        """The keys of a head that hold a text or nothing; empty where it cannot be read, which is told elsewhere."""
        if not leads_inside(root, root / self.path):
            return {}
        if self.words is None:
            file = read_text(root, self.path)[0]
            node = parse_yaml(file)[0] if file else None
            entries = node.entries if isinstance(node, YamlMapping) else ()
            texts = ((key.text, value.text.strip()) for key, value in entries if isinstance(value, Scalar))
            self.words = {key: text for key, text in texts if key in _HEAD}
        return self.words


_seen: dict[str, _IssueFile] = {}  # by whole path


def _issue_files(root: Path) -> dict[str, _IssueFile | None]:
    """Of each issue its file, where there is one; looked into where it changed. Who has one holds something."""
    found: dict[str, _IssueFile | None] = {}

    def holds(slug: str) -> bool:
        paths = (f"{ISSUES}/{slug}/{name}" for name in _NAMES)
        found[slug] = next((file for path in paths if (file := _looked(root, path))), None)
        return found[slug] is not None

    return {slug: found.get(slug) for slug in discover(root, holds)}


def _looked(root: Path, path: str) -> _IssueFile | None:
    whole = f"{root}/{path}"
    if (held := shadows.get().get(whole)) is not None:
        return _IssueFile(path, held, _KEY in held)
    try:
        status = os.stat(whole)  # noqa: PTH116 - asked of every issue
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        known = _seen.get(whole)
        if known is None or known.state != state:
            names = False
            if stat.S_ISREG(status.st_mode):  # a fifo would keep us waiting
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
