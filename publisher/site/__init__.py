"""Editions → the archive: pages, tags, feeds, sitemap, search; incremental builds, deploying.

The parts that write pages load when they are first asked for: who only checks need not wait for them.
"""

from typing import TYPE_CHECKING, Any

from publisher.site.model import SiteFile, SiteResult, WriteResult

if TYPE_CHECKING:
    from publisher.site.site import build_site, site_files

__all__ = ["SiteFile", "SiteResult", "WriteResult", "build_site", "site_files"]


def __getattr__(name: str) -> Any:
    if name not in {"build_site", "site_files"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.site"), name)
