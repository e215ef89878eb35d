"""Build a repository: check every issue, render those without errors, write their emails and the archive.

The output depends on the repository alone. An issue with an error has no page and no email, even if an earlier build
made them: the folder is never out of date. (Readers lose no page by this: ``publish`` does not deploy while an issue
has an error.)
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from html import escape
from itertools import count
from pathlib import Path

from publisher.config import Config
from publisher.diagnostics import in_order, say
from publisher.diagnostics.catalogue import with_levels
from publisher.edition.files import EMAIL_FILES, email_files
from publisher.edition.model import Edition, Front, ThemeError
from publisher.edition.page_copy import MADE_BY, copies, page_copies
from publisher.errors import UsageError
from publisher.issue.folder import ISSUES, SERIES, loose_files
from publisher.issue.series import loose_steps
from publisher.proofing.proof import Proof, no_issue, proofread_steps
from publisher.proofing.store import Store
from publisher.proofing.together import cores, judge_whole, workers
from publisher.site.archive import Archive, arrange, moment
from publisher.site.feeds import ITEMS_IN_FEED, atom_feed, items_feed, json_feed, llms, robots, sitemap
from publisher.site.model import NOTHING_SINCE, ArchiveNotes, BuildResult, Target, WriteResult, identity, key_of
from publisher.site.output import keep_in, write_folder
from publisher.site.pages import ArchivePages


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
    ``drafts``, or a file not made by publisher would be overwritten, and :class:`publisher.errors.DeployError` if files
    cannot be written.
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


_WORTH_PROCESSES = 8  # pictures
Scaled = dict[Front, Edition]
"""Pictures that have scaled copies, each with an edition that contains it."""


def site_files(
    config: Config,
    archive: Archive,
    aftermath: ArchiveNotes = NOTHING_SINCE,
    common: bytes = b"",
    steps: Sequence[Edition] = (),
) -> Iterator[Target]:
    """Yield every file of the archive. They depend on the arguments and the theme only: the same bytes on any machine.

    ``common`` identifies what all of them depend on: config.yaml, theme, package. Of the ``steps`` of series, only the
    pictures are included, which their mail shows.
    """
    pages = ArchivePages(config, archive, aftermath, common)
    yield from pages.all()
    for feed in pages.feeds.values():
        newest = [identity(edition) for edition in feed.editions]
        for make, suffix in ((atom_feed, "xml"), (json_feed, "json")):
            key = key_of(common, feed.path, suffix, feed.title, newest)
            yield Target.under(f"{feed.path}.{suffix}", key, partial(make, config, feed))
    published = [identity(edition) for edition in archive.published]
    for name, write, parts in (
        ("feeds/items.xml", items_feed, published[:ITEMS_IN_FEED]),
        ("sitemap.xml", sitemap, [identity(edition) for edition in archive.editions]),
    ):
        yield Target.under(name, key_of(common, name, parts), partial(write, config, archive))
    links = {edition.slug: dict(edition.clicks.links) for edition in archive.editions if edition.clicks}
    for slug, numbered in {**links, **aftermath.links}.items():
        for number, target in numbered.items():
            yield Target.of(f"r/{slug}/{number}/index.html", _leads_on(target, config.newsletter.language))
    yield Target.of("robots.txt", robots(config))
    yield Target.of("llms.txt", llms(config, archive))
    shown_in = {front.name: edition for edition in (*archive.editions, *steps) for front in edition.media}
    for name, shown in shown_in.items():
        yield Target.under(name, key_of(b"", name), partial(shown.bytes_of, name))  # contains a content hash
    yield from copy_targets(scaled(archive.editions))


def _leads_on(target: str, language: str) -> bytes:
    """The redirect page of a counted link in mail, without a script, independent of the readers' service."""
    to = escape(target)
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0; url={to}">
<link rel="canonical" href="{to}">
<title>{to}</title>
</head>
<body><p><a href="{to}">{to}</a></p></body>
</html>
""".encode("utf-8", "replace")


def build_site(
    config: Config,
    editions: Iterable[Edition],
    out: Path,
    aftermath: ArchiveNotes = NOTHING_SINCE,
    store: Store | None = None,
    steps: Sequence[Edition] = (),
) -> WriteResult:
    """Make the folder ``out`` contain the archive of ``editions``, the pictures of ``steps``, and no other own file.

    Without the ``store`` of the editions, every file is made again. Raises :class:`publisher.errors.DeployError` if
    writing fails, :class:`publisher.errors.UsageError` if the theme is broken or a foreign file is in the way.
    """
    archive = arrange(editions, config.newsletter.language)
    store = store or Store(config, enabled=False)
    cache = store.made("site")
    if cache:
        make_ahead(scaled(archive.editions), cache)
    files = site_files(config, archive, aftermath, store.common, steps)
    return write_folder(out, files, cache=cache, whole=store.named)


def write_emails(
    editions: Iterable[Edition], folder: Path, store: Store, *, keep: Callable[[str], bool] = lambda _: False
) -> WriteResult:
    """Make ``folder`` contain the email files of ``editions``, and files of earlier builds if ``keep(path)``."""
    files = _emails(editions, store.common)
    return write_folder(folder, files, keep=keep, cache=store.made("email"), whole=store.named)


def _emails(editions: Iterable[Edition], common: bytes) -> Iterator[Target]:
    held: dict[str, dict[str, bytes]] = {}  # files of the last edition
    for edition in editions:
        folders = ("", *(f"{name}/" for name in edition.variant_names[1:]))
        key = key_of(common, identity(edition))
        for at, name in enumerate(f"{folder}{name}" for folder in folders for name in EMAIL_FILES):
            yield Target.under(f"{edition.slug}/{name}", f"{key}{at:02x}", partial(_email, held, edition, name))


def _email(held: dict[str, dict[str, bytes]], edition: Edition, name: str) -> bytes:
    if edition.slug not in held:
        held.clear()
        held[edition.slug] = email_files(edition)
    return held[edition.slug][name]


def scaled(editions: Iterable[Edition]) -> Scaled:
    """The pictures of ``editions`` that pages show as scaled copies."""
    return {front: edition for edition in editions for front in edition.media if front.scaled}


def copy_targets(pictures: Scaled) -> Iterator[Target]:
    """One file per scaled copy."""
    held: dict[str, bytes] = {}  # of the last picture
    for front, edition in pictures.items():
        for path, key in _keys(front).items():
            yield Target.under(path, key, partial(_copy, held, front, edition, path), costly=True)


def make_ahead(pictures: Scaled, cache: Path) -> None:
    """Fill ``cache`` with the copies of many pictures, using several processes."""
    with suppress(OSError, RuntimeError):  # if the pool fails, they are made one by one later
        known = {*os.listdir(cache)} if cache.is_dir() else set()  # noqa: PTH208 - thousands of names
        lacking = [front for front in pictures if not known.issuperset(_keys(front).values())]
        if len(lacking) < _WORTH_PROCESSES:
            return
        with workers(cores()) as pool:
            for at in range(0, len(lacking), _WORTH_PROCESSES):  # limits the originals in memory
                some = lacking[at : at + _WORTH_PROCESSES]
                contents = [pictures[one].bytes_of(one.name) for one in some]
                for front, made in zip(some, pool.map(page_copies, some, contents), strict=True):
                    for path, key in _keys(front).items():
                        keep_in(cache, key, made[path])


def _keys(front: Front) -> dict[str, str]:
    return {path: key_of(b"", path, MADE_BY) for made in copies(front).values() for path, _ in made}


def _copy(held: dict[str, bytes], front: Front, edition: Edition, path: str) -> bytes:
    if path not in held:
        held.clear()
        held.update(page_copies(front, edition.bytes_of(front.name)))
    return held[path]
