"""Make the plan: read little, and render only what the change affects."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from publisher.config import Config
from publisher.config.load import unready
from publisher.database import Database, open_database
from publisher.database.engine import database_url, is_there
from publisher.delivery.freeze import family_of, preview, segment_of
from publisher.delivery.local_time import local_time_of
from publisher.diagnostics import say
from publisher.edition.model import Edition
from publisher.edition.provenance import SHARED, history_of, part_of, shared_paths
from publisher.errors import DatabaseError, PublisherError, UsageError
from publisher.issue.folder import discover, unknown_issues
from publisher.issue.series import steps_of
from publisher.issue.translations import Translations, translations_of
from publisher.proofing.proof import Proof, proofread, proofread_steps
from publisher.proofing.store import Store
from publisher.proofing.together import proof_all
from publisher.publishing import git, store
from publisher.publishing.archive import ArchiveRun
from publisher.publishing.due import Action, IssueDecision, what_blocks
from publisher.publishing.history import (
    History,
    decide_all,
    other_newsletter,
    read_history,
    refuse_other_history,
    several_at_first,
    told_of_several,
)
from publisher.publishing.monthly import plan_months
from publisher.publishing.plan import diff
from publisher.publishing.plan.model import Audience, ChangeKind, EditionChange, Plan, Spread
from publisher.publishing.plan.pictures import take_pictures
from publisher.publishing.run import to_post
from publisher.publishing.series import plan_of
from publisher.publishing.witness import Witness

AFTER = frozenset(
    {Action.DONE, Action.CHANGED, Action.SETTLED, Action.LATE, Action.CANCELLED, Action.UNKNOWN, Action.RENAMED}
    | {Action.REUSED}
)
"""Actions with no mail to come, so that recipients need no count."""

Asked = tuple[Database, set[str], Translations]  # database, slugs whose recipients are counted, translations

SHARED_SHOWN = 3  # editions shown of those changed by the theme or config.yaml only


def make_plan(
    config: Config, *, base: str | None = None, pictures: Path | None = None, cache: Path | None = None
) -> Plan:
    """Return what publish would do now; with ``base``, also the changes between that revision and the disk.

    ``pictures`` is a folder for PNGs, if there is a browser. Raises UsageError: no such revision.
    """
    notes: list[str] = []
    commit = git.head(config.root)
    before = _base(config, base) if base else None
    database = database_at_hand(config, notes)
    if commit is None and (silent := git.trouble(config.root)):
        notes.append(say("{fault}: editions would name no commit; {help}", fault=silent.message, help=silent.help))
    try:
        touched, shared = _parts(config, git.changed(config.root, before) if before else ())
        slugs = discover(config.root)
        notes += (say("publish would refuse: {told}", told=fault.message) for fault in unready(config).values())
        notes += (
            say("{where}: {told}", where=f"{one.path}:{one.line}", told=one.message) for one in unknown_issues(config)
        )
        if database:
            with database.connect() as connection:
                strange = other_newsletter(config, connection)
            notes += [say("publish would refuse: {told}; {help}", told=strange[0], help=strange[1])] if strange else []
        if database and not before:  # a proposed branch may lack the published commit
            try:
                refuse_other_history(config.root, database, commit)
            except UsageError as error:
                notes.append(say("publish would refuse: {told}; {help}", told=error.message, help=error.help))
        ledger = read_history(config, database, slugs)
        unfinished = [s for s in slugs if not (m := ledger.mailed.get(s)) or m.sendable or m.uncertain]
        going = [*unfinished, *ledger.unknown_mail] if database else []
        since, rest = _since_deployed(config, database)
        wanted = sorted({*touched, *since} & {*slugs} | {*going}) if database or before else slugs
        now, proofs = datetime.now(UTC), Store(config, folder=cache)
        versions = _versions(config, wanted, proofs)
        decisions = _decide(config, versions, ledger, now, notes if database else [])
        blocked = what_blocks(decisions)
        if not database:
            decisions = [*map(_unasked, decisions)]
        elif families := several_at_first(ledger, decisions, translations_of(config))[1]:
            refused, way = told_of_several(families)
            notes.append(say("publish would refuse: {told}; {help}", told=refused, help=way))
        if blocked:
            why = say("for the archive: {why}", why=blocked)
            due = Action.DUE
            decisions = [replace(one, kind=Action.WAITING, why=why) if one.kind is due else one for one in decisions]
        mailable = {decision.slug for decision in decisions if decision.kind not in AFTER}
        asked = (database, mailable, translations_of(config)) if database else None
        spreads = _spreads(config, database, mailable, versions) if database else {}
        changes, others = _changes(config, before, touched, shared, versions, asked, pictures, notes)
        steps, more = plan_of(config, database, proofread_steps(config, proofs.others), blocked, now)
        decisions += more
        if database:
            with database.connect() as connection:
                decisions += [] if blocked else plan_months(connection, config, now)
                rest = rest or any(one.slug in slugs for one in to_post(connection))
    finally:
        if database:
            database.close()
    work = rest or any(decision.mails for decision in decisions) or any(step.now for step in steps)
    known, told = database is not None, tuple(notes)
    return Plan(tuple(decisions), work, known, commit, before, shared, changes, others, told, spreads, tuple(steps))


def _spreads(config: Config, database: Database, slugs: set[str], versions: dict[str, Proof]) -> dict[str, Spread]:
    """Return when the first and the last readers get each issue that has ``deliver_at`` and is to be mailed."""
    found = {}
    for slug in sorted(slugs & versions.keys()):
        edition = versions[slug].edition
        if edition and not edition.draft and (local := local_time_of(config, edition)):
            with database.connect() as connection:
                moments = list(local.moments(connection))
            found[slug] = (moments[0], moments[-1])
    return found


def _versions(config: Config, slugs: Sequence[str], store: Store) -> dict[str, Proof]:
    """Return the proofs of those issues that exist, from the store if it has them."""
    here = [slug for slug in slugs if _is_here(config, slug)]
    proofs = proof_all(config, here, {slug: store.key(slug) for slug in here}, store)
    store.save()
    history = history_of(config)
    return {slug: one.dated(history, store.others) for slug, one in proofs.items()}


def _version(config: Config, slug: str) -> Proof | None:
    """Return the proof of an issue below ``config.root``; None if there is no such issue."""
    return proofread(config, slug) if _is_here(config, slug) else None


def _base(config: Config, base: str) -> str:
    commit = git.resolve(config.root, base)
    if commit is None:
        if silent := git.trouble(config.root):
            raise silent
        advice = say("fetch it first (fetch-depth: 0), or name another with --base")
        raise UsageError(say("git knows no revision {base}", base=base), help=advice)
    return git.merge_base(config.root, commit) or commit


def database_at_hand(config: Config, notes: list[str]) -> Database | None:
    """Open the database if it exists; a plan creates none and works without."""
    url = database_url(config)
    fault: str = say("no database is at hand")
    if is_there(url):
        try:
            return open_database(config)
        except DatabaseError as error:
            fault = error.message
    notes.append(say("{fault}: what was mailed, and to how many this would go, is not known here", fault=fault))
    return None


def _parts(config: Config, files: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the slugs that the files belong to, and the files shared by all issues."""
    common = shared_paths(config)
    parts = {file: part_of(file, common) for file in files}
    slugs = sorted({part for part in parts.values() if part})
    return tuple(slugs), tuple(file for file, part in parts.items() if part == SHARED)


def _since_deployed(config: Config, database: Database | None) -> tuple[tuple[str, ...], bool]:
    """Return slugs whose files differ from the last deployment, and whether the archive would change at all."""
    last = None
    if database:
        with database.connect() as connection:
            last = store.last_deployment(connection)
    if last is None or git.resolve(config.root, last[0]) is None:
        return (), True
    slugs, shared = _parts(config, git.changed(config.root, last[0]))
    return slugs, bool(slugs or shared) or not last[1]


def _decide(
    config: Config, versions: dict[str, Proof], ledger: History, now: datetime, notes: list[str]
) -> list[IssueDecision]:
    prepared = [replace(found, edition=None) if found.draft else found for found in versions.values()]
    # Issues that are present and unchanged need no decision.
    idle = {slug for slug in ledger.publications.keys() | ledger.mailed.keys() if _is_here(config, slug)}
    try:
        return decide_all(config, prepared, ledger, Witness.open(config), now, idle)
    except PublisherError as error:  # a job for pull requests may lack access to the archive
        notes.append(say("the archive was not asked: {told}", told=error.message))
        nowhere = Witness(ArchiveRun.served_as_built(config, config.root / "dist"))
        return decide_all(config, prepared, ledger, nowhere, now, idle)


def _unasked(decision: IssueDecision) -> IssueDecision:
    """Reword a decision that mentions a database although none was read."""
    if decision.kind is Action.MISSED:
        return replace(decision, why=say("its day passed too long ago: not sent by itself"))
    if decision.kind is Action.UNKNOWN:
        return replace(decision, why=say("readers may have it: whether it was mailed is not known here"), help=None)
    return decision


def _is_here(config: Config, slug: str) -> bool:
    return os.path.lexists(config.root / "issues" / slug) or slug in steps_of(config.root)


def _changes(
    config: Config,
    before: str | None,
    touched: Sequence[str],
    shared: Sequence[str],
    versions: dict[str, Proof],
    asked: Asked | None,
    pictures: Path | None,
    notes: list[str],
) -> tuple[tuple[EditionChange, ...], int]:
    if before is None:
        return (), 0
    others = [slug for slug in reversed(discover(config.root)) if slug not in touched] if shared else []
    shown = (*touched, *others[:SHARED_SHOWN])
    changes = []
    with git.at_revision(config, before, shown) as old:
        if old is None:
            notes.append(say("config.yaml of the base cannot be read: every edition counts as new"))
        for slug in shown:
            was = _version(old, slug) if old else None
            now = versions.get(slug) or _version(config, slug)
            change = _change(slug, was, now, only_shared=slug in others)
            if now and now.edition:
                change = _with_audience(change, config, asked, now.edition)
                change = _with_pictures(change, now.edition, pictures, notes)
            changes.append(change)
    return tuple(changes), max(len(others) - SHARED_SHOWN, 0)


def _change(slug: str, was: Proof | None, now: Proof | None, *, only_shared: bool) -> EditionChange:
    old, new = (was.edition if was else None), (now.edition if now else None)
    gained, lost = diff.findings(was.findings if was else (), now.findings if now else ())
    old_html, new_html = (str(one.html) if one else "" for one in (old, new))
    old_text, new_text = (str(one.text).splitlines() if one else [] for one in (old, new))
    old_links, new_links = diff.links(old_html), diff.links(new_html)
    return EditionChange(
        slug, _how(was, now, only_shared=only_shared), old, new, diff.lines(old_text, new_text) if old and new else (),
        diff.lines(diff.outline(old_html), diff.outline(new_html)) if old and new else (),
        tuple(link for link in new_links if link not in old_links),
        tuple(link for link in old_links if link not in new_links), gained, lost,
    )  # fmt: skip


def _how(was: Proof | None, now: Proof | None, *, only_shared: bool) -> ChangeKind:
    if now is None:
        return ChangeKind.REMOVED
    if now.edition is None:
        return ChangeKind.BROKEN
    if was is None:
        return ChangeKind.ADDED
    if was.edition and was.edition.digest == now.edition.digest and was.draft == now.draft:
        return ChangeKind.SAME
    return ChangeKind.SHARED if only_shared else ChangeKind.CHANGED


def _with_audience(change: EditionChange, config: Config, asked: Asked | None, edition: Edition) -> EditionChange:
    if asked is None or edition.draft or edition.slug not in asked[1]:
        return change
    with asked[0].connect() as connection:
        rule = family_of(config, asked[2], edition.slug)
        segment, local = segment_of(config, edition), local_time_of(config, edition)
        conditions, home = [variant.condition for variant in edition.variants], config.newsletter.language
        counts, excluded = preview(
            connection, edition.slug, segment, local, family=rule, variants=conditions, home=home
        )
    variants = dict(zip(edition.variant_names, counts, strict=False))  # without variants there are no names
    found = Audience(edition.audience or config.audience.segment, sum(counts), excluded, variants)
    return replace(change, audience=found)


def _with_pictures(change: EditionChange, edition: Edition, folder: Path | None, notes: list[str]) -> EditionChange:
    if folder is None or change.how in {ChangeKind.SAME, ChangeKind.REMOVED, ChangeKind.BROKEN}:
        return change
    taken, fault = take_pictures(edition, folder)
    if fault and fault not in notes:
        notes.append(fault)
    return replace(change, pictures=taken)
