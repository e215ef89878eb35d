"""The whole archive, from editions to a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from publisher.config import Config
from publisher.edition.model import Edition
from publisher.site.archive import Archive, arrange
from publisher.site.feeds import atom_feed, items_feed, json_feed, robots, sitemap
from publisher.site.model import NOTHING_SINCE, ArchiveNotes, SiteFile, SiteResult
from publisher.site.output import write_folder
from publisher.site.pages import ArchivePages


def site_files(config: Config, archive: Archive, aftermath: ArchiveNotes = NOTHING_SINCE) -> Iterator[SiteFile]:
    """Every file of the archive, a pure function of its arguments and the theme: the same bytes on any machine."""
    yield from ArchivePages(config, archive, aftermath).all()
    yield SiteFile("feed.xml", atom_feed(config, archive))
    yield SiteFile("feed.json", json_feed(config, archive))
    yield SiteFile("feeds/items.xml", items_feed(config, archive))
    yield SiteFile("sitemap.xml", sitemap(config, archive))
    yield SiteFile("robots.txt", robots(config))
    assets = {asset.name: asset.content for edition in archive.editions for asset in edition.assets}
    for name, content in assets.items():
        yield SiteFile(name, content)


def build_site(
    config: Config, editions: Iterable[Edition], out: Path, aftermath: ArchiveNotes = NOTHING_SINCE
) -> SiteResult:
    """Make the folder ``out`` hold the archive of ``editions`` and nothing else of ours.

    Raises :class:`publisher.errors.DeployError` when the disk refuses, :class:`publisher.errors.UsageError` when the
    theme is broken or a file that is not ours is in the way.
    """
    archive = arrange(editions, config.newsletter.language)
    output = write_folder(out, site_files(config, archive, aftermath))
    return SiteResult(out, tuple(edition.slug for edition in archive.editions), output)
