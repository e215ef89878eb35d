"""Proofs of many issues: from the store where it can, on every core where it pays; then judged with one another.

The result does not depend on the number of processes: an issue is proofread alone, and the answers are put in the
order of the slugs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from publisher.checks.engine import facts_of, findings_across
from publisher.config import Config
from publisher.diagnostics import Diagnostic
from publisher.edition import provenance
from publisher.issue import read_issue
from publisher.proofing.codec import Packed, pack
from publisher.proofing.proof import Proof, proofread
from publisher.proofing.store import Store, worth_keeping

WORTH_PROCESSES = 40
"""Issues to render from which on starting processes costs less than it saves."""

_CHUNK = 8
_config: Config | None = None


def judge_whole(
    config: Config,
    slugs: Sequence[str],
    *,
    drafts: bool,
    store: Store,
    processes: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Proof]:
    """Every issue of ``slugs``, in their order, judged with one another. ``progress()`` is called once an issue.

    Drafts are proofread too, so that their errors are known; their editions are left out unless ``drafts``.
    """
    proofs = proof_all(config, slugs, store=store, processes=processes, progress=progress)
    across = _by_slug(findings_across(config, (proof.basis.facts for proof in proofs)), slugs)
    done = []
    for proof in proofs:
        judged = proof.judged(config, across[proof.slug])
        wanted = judged.edition is not None and (drafts or not judged.draft)
        done.append(_of_commit(judged, config) if wanted else replace(judged, edition=None))
    return done


def judge_findings(
    config: Config, slugs: Sequence[str], *, among: Sequence[str], store: Store, progress: Callable[[], None]
) -> list[Diagnostic]:
    """The findings of the issues ``slugs``, judged with the issues ``among``; no edition is kept in memory."""
    proofs = proof_all(config, slugs, store=store, progress=progress, whole=False)
    known = {proof.slug for proof in proofs}
    others = (_facts(config, slug, store) for slug in among if slug not in known)
    facts = [*(proof.basis.facts for proof in proofs), *others]
    across = _by_slug(findings_across(config, facts, slugs if len(facts) > len(known) else None), slugs)
    return [finding for proof in proofs for finding in proof.judged(config, across[proof.slug]).findings]


def proof_all(
    config: Config,
    slugs: Sequence[str],
    *,
    store: Store,
    processes: int | None = None,
    progress: Callable[[], None] = lambda: None,
    whole: bool = True,
) -> list[Proof]:
    """The proof of every issue, in the order of ``slugs``; without editions unless ``whole``.

    ``commit`` is left out of the editions: it changes without the content's changing, so it is no part of the store.
    """
    keys = {slug: store.key(slug) for slug in slugs}
    found: dict[str, Proof] = {}
    missing = []
    for slug in slugs:
        if held := store.load(slug, keys[slug], whole=whole):
            found[slug] = held
            progress()
        else:
            missing.append(slug)
    for slug, packed in zip(missing, _proofread(config, missing, processes), strict=True):
        proof = packed.whole()
        if worth_keeping(proof, config.root / "issues" / slug):
            store.keep(slug, keys[slug], packed)
        found[slug] = proof if whole else replace(proof, edition=None)
        progress()
    return [found[slug] for slug in slugs]


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _facts(config: Config, slug: str, store: Store) -> dict[str, object]:
    """What the rules across issues look at in an issue that is not itself asked for."""
    if held := store.load(slug, store.key(slug), whole=False):
        return dict(held.basis.facts)
    partial = read_issue(config, slug).partial
    return facts_of(config, partial)[0] if partial is not None else {}


def _by_slug(findings: Iterable[Diagnostic], slugs: Iterable[str]) -> dict[str, list[Diagnostic]]:
    """The findings of each issue; one beside the issues, such as of a rule that failed over all, is each one's."""
    found: dict[str, list[Diagnostic]] = {}
    for finding in findings:
        found.setdefault(finding.path.partition("/")[2].split("/")[0], []).append(finding)
    everywhere = found.pop("", [])
    return {slug: [*found.get(slug, ()), *everywhere] for slug in slugs}


def _of_commit(proof: Proof, config: Config) -> Proof:
    assert proof.edition is not None
    return replace(proof, edition=replace(proof.edition, commit=provenance.commit(config, proof.slug)))


def _proofread(config: Config, slugs: Sequence[str], processes: int | None) -> Iterator[Packed]:
    count = processes or (cores() if len(slugs) >= WORTH_PROCESSES else 1)
    if count == 1:
        yield from (pack(_without_commit(proofread(config, slug))) for slug in slugs)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context(_start_method())
    with ProcessPoolExecutor(count, context, _start, (config,)) as pool:
        yield from pool.map(_proofread_in_worker, slugs, chunksize=_CHUNK)


def _without_commit(proof: Proof) -> Proof:
    return replace(proof, edition=replace(proof.edition, commit=None)) if proof.edition else proof


def _start_method() -> str:
    """Never fork: the caller may have threads (a progress bar, the preview's server)."""
    import multiprocessing

    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def _start(config: Config) -> None:
    global _config
    _config = config


def _proofread_in_worker(slug: str) -> Packed:
    assert _config is not None
    return pack(_without_commit(proofread(_config, slug)))
