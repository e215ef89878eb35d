"""The archive, made from editions: pages, tags, feeds, sitemap, search; incremental builds and deployment."""
