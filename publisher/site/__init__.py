"""Editions → the archive: pages, tags, feeds, sitemap, search; incremental builds, deploying."""
