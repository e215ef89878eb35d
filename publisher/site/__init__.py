"""Editions → the archive: pages, tags, feeds, sitemap, search; incremental builds, deploying."""

from publisher.site.model import SiteFile, SiteResult, Written
from publisher.site.site import build_site, site_files

__all__ = ["SiteFile", "SiteResult", "Written", "build_site", "site_files"]
