"""Facts about all issues of a repository, for the rules across issues, and the names in use.

The index of proofs is read once; issues missing from it are read one by one while there is nothing else to do.
"""

import gc
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import msgpack

from publisher.checks.engine import facts_of
from publisher.config import Config
from publisher.errors import UsageError
from publisher.issue.folder import discover
from publisher.issue.load import read_issue
from publisher.issue.model import Issue
from publisher.proofing.store import Store

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Names(NamedTuple):
    """Names that an issue uses, repeated as often as it uses them."""

    tags: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()

    @classmethod
    def of(cls, issue: Issue) -> Self:
        """Collect the names of an issue, which may be partial."""
        items = issue.items
        tags = (*issue.tags, *(tag for item in items for tag in item.tags))
        authors = (*issue.authors, *(item.commentary_by for item in items if item.commentary_by))
        return cls(tags, tuple(item.section for item in items if item.section), authors)


class ArchiveFacts:
    """Facts and names by slug; ``unread`` are the slugs of issues not read yet."""

    def __init__(self) -> None:
        self.facts: dict[str, Mapping[str, Any]] = {}
        self.names: dict[str, Names] = {}
        self.unread: list[str] = []
        self._read_with: object = None

    def fits(self, config: Config) -> bool:
        """Whether they were read with this config, as far as facts of other issues depend on it."""
        return self._read_with == (config.newsletter.language, config.newsletter.timezone, config.rule_files)

    def open(self, config: Config) -> None:
        """Load everything that the store of proofs contains."""
        self.facts, self.names, self.unread = {}, {}, []
        store = Store(config)
        rows = store.rows()
        with suppress(UsageError):
            for slug in discover(config.root):
                row = rows.get(slug)
                if row is None or not row.light or row.key != store.key(slug):
                    self.unread.append(slug)
                    continue
                edition = store.edition(slug, row.key, row.light)
                self.facts[slug] = msgpack.unpackb(row.facts)
                self.names[slug] = Names(edition.topics, edition.sections, edition.authors)
        self._read_with = config.newsletter.language, config.newsletter.timezone, config.rule_files
        gc.collect()
        gc.freeze()  # a garbage collection of all this would delay a key press

    def read(self, config: Config) -> None:
        """Read the last of the unread issues."""
        slug = self.unread.pop()
        if not any((config.root / "issues" / slug).glob("*")):  # an empty folder is no issue
            self.forget(slug)
        else:
            reading = read_issue(config, slug)
            self.know(slug, reading.partial, facts_of(config, reading)[0])

    def know(self, slug: str, issue: Issue | None, facts: Mapping[str, Any]) -> None:
        """Store facts and names of an issue; if it could not be read, the old names are kept."""
        self.facts[slug] = facts
        if issue is not None:
            self.names[slug] = Names.of(issue)

    def known(self) -> dict[str, Mapping[str, Any]]:
        """The facts of every existing issue, empty for those that are unread or unreadable."""
        return dict.fromkeys(self.unread, _NOTHING) | self.facts

    def forget(self, slug: str) -> None:
        """Remove a deleted issue."""
        self.facts.pop(slug, None)
        self.names.pop(slug, None)

    def used(self, kind: str) -> list[str]:
        """The names of a kind (a field of :class:`Names`), most used first."""
        count = Counter(name for names in [*self.names.values()] for name in getattr(names, kind))
        return [name for name, _ in count.most_common()]
