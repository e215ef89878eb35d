"""Proofs of many issues: from the store if possible, on several cores if worthwhile; then judged together.

The result does not depend on the number of processes: issues are proofread independently, and the results are sorted
by slug.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import msgpack

from publisher.config import Config
from publisher.diagnostics import Diagnostic
from publisher.edition.model import EarlierStory
from publisher.edition.others import OtherIssues
from publisher.edition.provenance import history_of
from publisher.proofing.codec import Packed, StoredEdition, light_of, pack, with_values
from publisher.proofing.index import IndexRow
from publisher.proofing.proof import Basis, Proof, proofread
from publisher.proofing.store import Store

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing.connection import Connection

_T = TypeVar("_T")
WORTH_PROCESSES = 40
"""Minimum number of issues to render for which starting processes saves time."""

_CHUNK = 8
_PRELOADED = [__name__, "publisher.checks.engine", "publisher.edition.rendering"]
"""Modules that proofreading needs, loaded once by the fork server."""
_given: tuple[Config, OtherIssues] | None = None


def judge_whole(
    config: Config,
    slugs: Sequence[str],
    *,
    drafts: bool,
    store: Store,
    processes: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Proof]:
    """Judge all issues ``slugs`` together, in their order. ``progress()`` is called once per issue.

    Drafts are proofread too, to report their errors, but their editions are left out unless ``drafts``.
    """
    done = []
    history = history_of(config)
    for proof in judge(config, slugs, store=store, processes=processes, progress=progress):
        shown = proof if drafts or not proof.draft else replace(proof, edition=None)
        done.append(shown.dated(history, store.others))
    return done


def judge(
    config: Config,
    slugs: Sequence[str],
    *,
    among: Sequence[str] | None = None,
    store: Store,
    processes: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Proof]:
    """Judge the issues ``slugs``, in their order, by rules across the issues ``among``: by default across ``slugs``.

    Unchanged proofs come from the store; of them, only those affected by a change elsewhere are judged again.
    ``progress()`` is called once per issue, including those ``among``. ``commit`` of the editions is not set: it can
    change while the content does not, so it is not stored.
    """
    keys = {slug: store.key(slug) for slug in (slugs if among is None else among)}
    rows = store.rows()
    known, editions = {}, {}
    for slug, row in rows.items():
        if row.key and row.key == keys.get(slug) and row.lasts:
            with suppress(ValueError):
                editions[slug] = store.edition(slug, row.key, row.light) if row.light else None
                known[slug] = row
    changed = [slug for slug in slugs if slug not in known]
    proofs = proof_all(config, changed, keys, store, processes, progress)
    facts, own = {}, {*slugs}
    for slug, key in keys.items():
        same = slug in rows and rows[slug].key == key
        facts[slug] = rows[slug].facts if same else _facts(config, slug, keys, store, proofs)
        if slug not in own:
            progress()
    across = _across(config, {slug: row.facts for slug, row in rows.items()}, facts, slugs, changed)
    done, index = [], {}
    for slug in slugs:
        if slug in across:
            proof = proofs.get(slug) or proof_all(config, [slug], keys, store)[slug]
            key = keys[slug] if isinstance(proof.edition, StoredEdition) else b""
            findings, earlier = across[slug]
            proof = proof.judged(config, findings)
            if proof.edition and proof.edition.earlier != earlier:
                proof = replace(proof, edition=with_values(proof.edition, earlier=earlier))
            light = light_of(proof.edition) if proof.edition else b""
            index[slug] = IndexRow(key, proof.draft, proof.findings, facts[slug], light)
        else:
            row = index[slug] = known[slug]
            proof = Proof(slug, row.draft, editions[slug], row.findings or (), Basis(()))
        if slug in known:
            progress()
        done.append(proof)
    if among is not None:  # rows judged among an older state of the others would look current
        told = any(row.findings is not None for row in rows.values())
        index = rows if told else {slug: IndexRow(keys[slug], False, None, facts[slug], b"") for slug in keys}
    store.save(index if index != rows else None)
    return done


def proof_all(
    config: Config,
    slugs: Sequence[str],
    keys: Mapping[str, bytes],
    store: Store,
    processes: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, Proof]:
    """Return the proof of each issue by slug, judged on its own."""
    found = {
        slug: held for slug in slugs if (held := store.load(slug, keys[slug])) and not _has_a_font_now(config, held)
    }
    for _ in found:
        progress()
    missing = [slug for slug in slugs if slug not in found]
    for slug, packed in zip(missing, _proofread(config, missing, store.others, processes), strict=True):
        found[slug] = store.keep(slug, keys[slug], packed)
        progress()
    return found


def _has_a_font_now(config: Config, proof: Proof) -> bool:
    """Whether a font has been installed since the proof found that none can show the title on the issue's card."""
    if proof.edition is None or all(finding.code != "card-glyphs" for finding in proof.basis.found):
        return False
    from publisher.edition.card import lacking  # load Pillow's fonts only if needed

    return not lacking(config, proof.edition.title, proof.edition.language)


def _across(
    config: Config,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    slugs: Sequence[str],
    changed: Sequence[str],
) -> dict[str, tuple[list[Diagnostic], tuple[EarlierStory, ...]]]:
    """Findings across issues and earlier stories, by slug, of ``slugs`` that ``changed`` or that a change affects."""
    if before == after and not changed:
        return {}
    # Rules are imported only if something has changed.
    from publisher.checks.engine import affected, earlier_stories, findings_across

    now = {slug: msgpack.unpackb(packed) for slug, packed in after.items()}
    was = {slug: now[slug] if after.get(slug) == old else msgpack.unpackb(old) for slug, old in before.items()}
    wanted = {*changed, *(affected(config, was, now) & {*slugs})}
    found: dict[str, list[Diagnostic]] = {}
    for finding in findings_across(config, now, None if len(wanted) == len(now) else wanted):
        found.setdefault(finding.path.partition("/")[2].split("/")[0], []).append(finding)
    everywhere = found.pop("", [])  # of a rule that failed as a whole
    told = earlier_stories(now.values(), wanted)
    return {
        slug: ([*found.get(slug, ()), *everywhere], tuple(EarlierStory(*one) for one in told.get(slug, ())))
        for slug in wanted
    }


def cores() -> int:
    """The number of CPU cores available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _facts(config: Config, slug: str, keys: Mapping[str, bytes], store: Store, proofs: Mapping[str, Proof]) -> bytes:
    """The facts of an issue for the rules across issues, serialized; reads the issue if it has no proof."""
    if proof := proofs.get(slug) or store.load(slug, keys[slug]):
        facts = dict(proof.basis.facts)
    else:
        from publisher.checks.engine import facts_of
        from publisher.issue.load import read_issue

        facts = facts_of(config, read_issue(config, slug))[0]
    packed: bytes = msgpack.packb(facts)
    return packed


def _proofread(config: Config, slugs: Sequence[str], others: OtherIssues, processes: int | None) -> Iterator[Packed]:
    count = processes or (cores() if len(slugs) >= WORTH_PROCESSES else 1)
    if count == 1 or len(slugs) < 2:
        yield from (pack(proofread(config, slug, commit=False, others=others)) for slug in slugs)
        return
    first = pack(proofread(config, slugs[0], commit=False, others=others))  # loads modules before the fork
    with workers(count, _start, config, others) as pool:
        more = pool.map(_proofread_in_worker, slugs[1:], chunksize=_CHUNK)
        yield first
        yield from more


def workers(count: int, start: Callable[..., None] | None = None, *given: Any) -> ProcessPoolExecutor:
    """Create a pool of ``count`` processes: forks of this one if :func:`is_alone`, otherwise new ones."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context("fork" if is_alone() else method)
    context.set_forkserver_preload(_PRELOADED)
    return ProcessPoolExecutor(count, context, _begin, (gc.get_threshold(), start, *given))


def beside(here: Callable[[], _T], there: Callable[[], _T]) -> tuple[_T, _T] | None:
    """Return the results of both functions, which run concurrently: ``there`` in a fork of this process, which must be
    :func:`is_alone`; None if one of them fails.
    """
    import multiprocessing

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(sender, there))
    process.start()
    sender.close()
    try:
        return here(), receiver.recv()
    except Exception:  # the caller runs them again and gets the error
        return None
    finally:
        process.kill()
        process.join()
        receiver.close()


def _tell(sender: Connection, work: Callable[[], object]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()  # or its writes could clash with the next build
    with suppress(BaseException):  # no answer means failure
        sender.send(work())


def is_alone() -> bool:
    """Whether this process has a single thread and no open file descriptors of its own: no progress bar, server,
    database or lock. Inherited descriptors do not count. Always False except on Linux.
    """
    try:
        threads, opened = (os.listdir(f"/proc/self/{what}") for what in ("task", "fd"))  # noqa: PTH208 - only names
        return len(threads) == 1 and not any(map(_is_own, opened))
    except OSError:
        return False


def _is_own(descriptor: str) -> bool:
    try:
        return not os.get_inheritable(int(descriptor))
    except OSError:  # the descriptor of os.listdir, closed by now
        return False


def _begin(threshold: tuple[int, int, int], start: Callable[..., None] | None, *given: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent reports it
    gc.freeze()
    gc.set_threshold(*threshold)  # a new process starts with the default
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start:
        start(*given)


def _end_with_parent() -> None:
    """Exit when the parent process ends: the worker would wait for its queue forever."""
    from multiprocessing import connection, parent_process

    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def _start(config: Config, others: OtherIssues) -> None:
    global _given
    _given = config, others


def _proofread_in_worker(slug: str) -> Packed:
    assert _given is not None
    return pack(proofread(_given[0], slug, commit=False, others=_given[1]))
