"""Which issues are translations of which: a family is an issue and all that name it in ``translation_of``.

Only a file that holds that key, or that one names, is parsed; the others are looked at once, and again when they
change, so that a newsletter of thousands of issues pays for its families alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from publisher.config import Config
from publisher.documents import Mapping as YamlMapping
from publisher.documents import Scalar, parse_yaml, read_text
from publisher.documents.text import MAX_BYTES, shadows
from publisher.issue.folder import ISSUES, discover, leads_inside
from publisher.language.tags import canonical, closest

_NAMES = ("issue.yaml", "issue.yml")
_KEY = b"translation_of"
_seen: dict[str, tuple[tuple[int, ...], bool]] = {}  # by path: its state, and whether it may hold the key


@dataclass(frozen=True, slots=True)
class Sibling:
    """A member of a family, as its issue.yaml has it. ``of`` is empty for the original; ``ready``: no draft."""

    slug: str
    language: str
    of: str = ""
    ready: bool = True


Family = tuple[Sibling, ...]
"""The original, then its translations by slug."""


@dataclass(frozen=True, slots=True)
class Translations:
    """The families of a newsletter, and what each translation names, whether that is an issue or not."""

    families: Mapping[str, Family] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)

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
    paths = {slug: path for slug in discover(config.root) if (path := _issue_file(config.root, slug))}
    holding = [slug for slug, path in paths.items() if _seen[f"{config.root}/{path}"][1]]
    if not holding:
        return Translations()
    read = {slug: _sibling(config, slug, paths[slug]) for slug in holding}
    named = {slug: one.of for slug, one in read.items() if one.of}
    families: dict[str, Family] = {}
    for original in sorted({*named.values()} & paths.keys() - named.keys()):
        members = [read[slug] for slug, of in sorted(named.items()) if of == original]
        families[original] = (_sibling(config, original, paths[original]), *members)
    return Translations(families, named)


def _issue_file(root: Path, slug: str) -> str | None:
    """The issue's file where it holds the key or may be named by one; looked into where it changed."""
    return next((path for name in _NAMES if _looked(root, path := f"{ISSUES}/{slug}/{name}")), None)


def _looked(root: Path, path: str) -> bool:
    whole = f"{root}/{path}"
    if (held := shadows.get().get(whole)) is not None:
        _seen[whole] = (), _KEY in held
        return True
    try:
        status = os.stat(whole)  # noqa: PTH116 - asked of every issue
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        if whole not in _seen or _seen[whole][0] != state:
            holds = False
            if stat.S_ISREG(status.st_mode):  # a fifo would keep us waiting
                with open(whole, "rb") as file:  # noqa: PTH123
                    holds = _KEY in file.read(MAX_BYTES)
            _seen[whole] = state, holds
    except OSError:
        return False
    return True


def head_of(root: Path, path: str) -> dict[str, str]:
    """The keys of an issue file that hold a text or nothing; empty where it cannot be read, which is told elsewhere."""
    file = read_text(root, path)[0] if leads_inside(root, root / path) else None
    node = parse_yaml(file)[0] if file else None
    entries = node.entries if isinstance(node, YamlMapping) else ()
    return {entry.key.text: entry.value.text.strip() for entry in entries if isinstance(entry.value, Scalar)}


def _sibling(config: Config, slug: str, path: str) -> Sibling:
    words = head_of(config.root, path)
    language = words.get("language") or config.newsletter.language
    return Sibling(
        slug, canonical(language) or language, words.get("translation_of", ""), words.get("status") == "ready"
    )
