"""Checking and rendering many issues: from the cache where it can, on every core where it pays.

The result does not depend on the number of processes: an issue is prepared alone, and the answers are put in the
order of the slugs.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from publisher.checks import check_reading
from publisher.config import Config
from publisher.edition import provenance, render
from publisher.edition.model import Edition
from publisher.issue import Status, read_issue
from publisher.site.cache import Cache, worth_keeping
from publisher.site.codec import dumps, loads
from publisher.site.model import Prepared

WORTH_PROCESSES = 40
"""Issues to render from which on starting processes costs less than it saves."""

_CHUNK = 8
_config: Config | None = None
_drafts = False


def prepare_all(
    config: Config,
    slugs: Sequence[str],
    *,
    drafts: bool,
    cache: Cache,
    processes: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Prepared]:
    """Every issue of ``slugs``, in their order. ``progress()`` is called once an issue."""
    keys = {slug: cache.key(slug) for slug in slugs}
    found: dict[str, Prepared] = {}
    missing = []
    for slug in slugs:
        if held := cache.load(slug, keys[slug]):
            found[slug] = held
            progress()
        else:
            missing.append(slug)
    for payload in _render(config, missing, drafts, processes):
        prepared: Prepared = loads(payload)
        found[prepared.slug] = prepared
        if worth_keeping(prepared, config.root / "issues" / prepared.slug):
            cache.store(prepared.slug, keys[prepared.slug], payload)
        progress()
    return [_of_commit(found[slug], config) for slug in slugs]


def prepare(config: Config, slug: str, *, drafts: bool) -> Prepared:
    """Check one issue and render it, unless it has an error or is a draft that nobody asked for.

    ``commit`` is left out of the edition: it changes without the content's changing, so it is no part of the cache.
    """
    reading = read_issue(config, slug)
    issue = reading.issue
    draft = issue is not None and issue.status is Status.DRAFT
    checked = Prepared(slug, draft, None, tuple(check_reading(config, reading)), reading.partial)
    if issue is None or checked.broken or (draft and not drafts):
        return checked
    edition, more = render(issue, config)
    known = set(checked.diagnostics)
    rendered = replace(checked, diagnostics=(*checked.diagnostics, *(found for found in more if found not in known)))
    return rendered if edition is None or rendered.broken else replace(rendered, edition=_plain(edition))


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _plain(edition: Edition) -> Edition:
    """The same edition without its commit: what the cache holds and processes exchange."""
    return replace(edition, commit=None)


def _of_commit(prepared: Prepared, config: Config) -> Prepared:
    if prepared.edition is None:
        return prepared
    return replace(prepared, edition=replace(prepared.edition, commit=provenance.commit(config, prepared.slug)))


def _render(config: Config, slugs: Sequence[str], drafts: bool, processes: int | None) -> Iterator[bytes]:
    count = processes or (cores() if len(slugs) >= WORTH_PROCESSES else 1)
    if count == 1:
        for slug in slugs:
            yield dumps(prepare(config, slug, drafts=drafts))
        return
    context = multiprocessing.get_context(_start_method())
    with ProcessPoolExecutor(count, context, _start, (config, drafts)) as pool:
        yield from pool.map(_prepare_in_worker, slugs, chunksize=_CHUNK)


def _start_method() -> str:
    """Never fork: the caller may have threads (a progress bar, the preview's server)."""
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def _start(config: Config, drafts: bool) -> None:
    global _config, _drafts
    _config, _drafts = config, drafts


def _prepare_in_worker(slug: str) -> bytes:
    assert _config is not None
    return dumps(prepare(_config, slug, drafts=_drafts))
