"""The links of issues, asked whether they are alive: the one check that leaves this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from publisher.checks.context import Context
from publisher.checks.ignores import hidden, ignores_of
from publisher.checks.levels import with_levels
from publisher.checks.links import check_links
from publisher.checks.links.prober import ProbeLimits
from publisher.checks.parts import Link
from publisher.config import Config
from publisher.diagnostics import Diagnostic
from publisher.issue import read_issue


def check_all_links(
    config: Config, slugs: Iterable[str], progress: Callable[[int, int], None] | None = None
) -> list[Diagnostic]:
    """What became of every link of the issues ``slugs``, at each place where it stands."""
    chosen = list(slugs)
    links = [link for slug in chosen for link in links_of(config, slug)]
    found = check_links(
        links,
        cache=config.root / ".publisher" / "cache" / "links.json",
        agent=config.newsletter.url,
        limits=ProbeLimits(allow_private=config.checks.allow_private_links),
        progress=progress,
    )
    ignores = [ignore for slug in chosen for ignore in ignores_of(config.root, slug)]
    silent = hidden(ignores, found)
    kept = [finding for finding in found if finding not in silent]
    return sorted(with_levels(config.checks.levels, kept), key=lambda finding: finding.sort_key)


def links_of(config: Config, slug: str) -> Iterator[Link]:
    """Every link of one issue, as far as the issue can be read."""
    issue = read_issue(config, slug).partial
    if issue is None:
        return
    yield from Context(config, issue).links
