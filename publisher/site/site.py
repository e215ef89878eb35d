"""Write the whole archive. Scaled copies of pictures are made only once, on all cores if there are many."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from html import escape
from pathlib import Path

from publisher.config import Config
from publisher.edition.files import EMAIL_FILES, email_files
from publisher.edition.model import Edition, Front
from publisher.edition.page_copy import MADE_BY, copies, page_copies
from publisher.proofing.store import Store
from publisher.proofing.together import cores, workers
from publisher.site.archive import Archive, arrange
from publisher.site.feeds import ITEMS_IN_FEED, atom_feed, items_feed, json_feed, llms, robots, sitemap
from publisher.site.model import NOTHING_SINCE, ArchiveNotes, Target, WriteResult, identity, key_of
from publisher.site.output import keep_in, write_folder
from publisher.site.pages import ArchivePages

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
