"""Build a repository: check every issue, render those without errors, write their emails and the archive.

The output depends on the repository alone. An issue with an error has no page and no email, even if an earlier build
made them: the folder is never out of date. (Readers lose no page by this: ``publish`` does not deploy while an issue
has an error.)
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

from publisher.config import Config
from publisher.diagnostics import in_order, say
from publisher.diagnostics.catalogue import with_levels
from publisher.edition.model import ThemeError
from publisher.errors import UsageError
from publisher.issue.folder import ISSUES, SERIES, loose_files
from publisher.issue.series import loose_steps
from publisher.proofing.proof import Proof, no_issue, proofread_steps
from publisher.proofing.store import Store
from publisher.proofing.together import judge_whole
from publisher.site.archive import moment
from publisher.site.model import BuildResult
from publisher.site.output import write_folder
from publisher.site.site import build_site, write_emails


def build(
    config: Config,
    slugs: Iterable[str],
    out: Path,
    drafts: bool = False,
    *,
    until: datetime | None = None,
    use_cache: bool = True,
    cache: Path | None = None,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> BuildResult:
    """Build the repository into ``out/site`` and ``out/email``.

    ``slugs`` are the issues whose emails are written, all if empty; the archive always contains every ready issue,
    and drafts with ``drafts``. With ``until``, issues with a later ``publish_at`` are left out of the archive.
    ``processes`` is the number of rendering processes; by default one per core if that is faster. ``cache`` is a
    folder to use instead of ``.publisher/cache``; ``progress(done, total)`` is called for each issue.

    Raises :class:`UsageError` if an issue is unknown, ``out`` is where issues are read from, a draft is named without
    ``drafts``, or a file not made by
    publisher would be overwritten, and :class:`publisher.errors.DeployError` if files cannot be written.
    """
    refuse_among_inputs(config.root, out)
    store = Store(config, enabled=use_cache, folder=cache)
    everything, chosen = store.slugs, tuple(dict.fromkeys(slugs))
    for slug in chosen:
        if slug not in everything:
            raise no_issue(slug, everything)
    done = count(1)
    prepared = judge_whole(
        config,
        everything,
        drafts=drafts,
        store=store,
        processes=processes,
        progress=lambda: progress(next(done), len(everything)),
    )
    store.forget_all_but(everything)
    _refuse_drafts(prepared, chosen, drafts)
    of_steps = proofread_steps(config, store.others)
    editions = tuple(one.edition for one in prepared if one.edition is not None)
    shown = tuple(e for e in editions if until is None or moment(e, config.newsletter.zone) <= until)
    steps = tuple(one.edition for one in of_steps if one.edition and (drafts or not one.draft))
    findings = {found for one in (*prepared, *of_steps) for found in one.findings}
    findings.update(with_levels(config.checks.levels, [*loose_files(config.root), *loose_steps(config.root)]))
    alive = {edition.slug for edition in editions}  # emails of other issues are kept while the issues are valid
    wanted = [edition for edition in editions if not chosen or edition.slug in chosen]
    mailed = [*wanted, *steps]
    emails = write_emails(mailed, out / "email", store, keep=lambda path: bool(chosen) and path.split("/")[0] in alive)
    try:
        site = build_site(config, shown, out / "site", store=store, steps=steps)
    except ThemeError as error:
        findings.add(error.diagnostic)
        site, shown = write_folder(out / "site", ()), ()
    return BuildResult(
        out=out,
        diagnostics=tuple(in_order(findings)),
        editions=shown,
        emails=tuple(sorted({path.rpartition("/")[0] for path in emails.files})),
        drafts=tuple(one.slug for one in (*prepared, *of_steps) if one.draft and not drafts and not one.broken),
        broken=tuple(one.slug for one in (*prepared, *of_steps) if one.broken),
        written=_below(("email", emails.written), ("site", site.written)),
        removed=_below(("email", emails.removed), ("site", site.removed)),
    )


def refuse_among_inputs(root: Path, out: Path) -> None:
    """Raise UsageError if the folders in ``out`` would be read as issues or steps."""
    for name in (ISSUES, SERIES):
        if out.resolve().is_relative_to((root / name).resolve()):
            message = say("{path} is in {name}/, where every folder is read as an issue", path=out, name=name)
            raise UsageError(message, help=say("name another folder with --out"))


def _refuse_drafts(prepared: Sequence[Proof], chosen: Sequence[str], drafts: bool) -> None:
    for one in prepared:
        if one.slug in chosen and one.draft and not drafts and not one.broken:
            advice = say("add --drafts, or write status: ready in its issue.yaml")
            raise UsageError(say("{slug} is a draft", slug=one.slug), help=advice)


def _below(*groups: tuple[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(f"{folder}/{path}" for folder, paths in groups for path in paths)
