"""What is known of all issues of a repository: what the rules across issues look at, and the names that are in use.

The index of proofs is read once; what it does not know is read issue by issue, when there is nothing else to do.
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
    """The names that an issue uses, each as often as it does."""

    tags: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()

    @classmethod
    def of(cls, issue: Issue) -> Self:
        """Those of an issue, which may be a partial one."""
        items = issue.items
        tags = (*issue.tags, *(tag for item in items for tag in item.tags))
        authors = (*issue.authors, *(item.commentary_by for item in items if item.commentary_by))
        return cls(tags, tuple(item.section for item in items if item.section), authors)


class ArchiveFacts:
    """Facts and names by slug; ``unread`` are the slugs of which nothing is known yet."""

    def __init__(self) -> None:
        self.facts: dict[str, Mapping[str, Any]] = {}
        self.names: dict[str, Names] = {}
        self.unread: list[str] = []

    def open(self, config: Config) -> None:
        """Take what the store of proofs knows."""
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
        gc.collect()
        gc.freeze()  # looking through it for what can go would be felt at some key

    def read(self, config: Config) -> None:
        """Read the newest of the issues that are unread."""
        slug = self.unread.pop()
        if not (config.root / "issues" / slug).is_dir():
            self.forget(slug)
        else:
            issue = read_issue(config, slug).partial
            self.know(slug, issue, facts_of(config, issue)[0] if issue is not None else {})

    def know(self, slug: str, issue: Issue | None, facts: Mapping[str, Any]) -> None:
        """Take what was just read of an issue; where it cannot be read, what is known of it stays."""
        if issue is not None:
            self.names[slug], self.facts[slug] = Names.of(issue), facts
        self.facts.setdefault(slug, {})

    def known(self) -> dict[str, Mapping[str, Any]]:
        """The facts of every issue that is there; none of one that is not read yet, or never could be."""
        return dict.fromkeys(self.unread, _NOTHING) | self.facts

    def forget(self, slug: str) -> None:
        """The issue has gone."""
        self.facts.pop(slug, None)
        self.names.pop(slug, None)

    def used(self, kind: str) -> list[str]:
        """The names of a kind (a field of :class:`Names`), the most used first."""
        count = Counter(name for names in [*self.names.values()] for name in getattr(names, kind))
        return [name for name, _ in count.most_common()]
