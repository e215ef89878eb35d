# ruff: noqa
SITENAME, SITEURL, THEME, TIMEZONE, DEFAULT_LANG = "Bench Weekly", "https://news.example.com", "theme", "UTC", "en"
ARTICLE_PATHS, PAGE_PATHS, STATIC_PATHS = ["issues"], [], []
ARTICLE_URL, ARTICLE_SAVE_AS = "issues/{slug}/", "issues/{slug}/index.html"
TAG_URL, TAG_SAVE_AS = "tags/{slug}/", "tags/{slug}/index.html"
DIRECT_TEMPLATES, TAGS_SAVE_AS, SITEMAP_SAVE_AS = ["index", "tags", "sitemap"], "tags/index.html", "sitemap.xml"
PAGINATED_TEMPLATES, DEFAULT_PAGINATION = {"index": None}, 24
PAGINATION_PATTERNS = [(1, "{url}", "{save_as}"), (2, "page/{number}/", "page/{number}/index.html")]
CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = YEAR_ARCHIVE_SAVE_AS = ""
FEED_ALL_ATOM, FEED_MAX_ITEMS, FEED_DOMAIN = "feed.xml", 20, SITEURL
CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = TAG_FEED_ATOM = None
PLUGINS = ["pelican.plugins.neighbors"]
MARKDOWN = {"extensions": ["markdown.extensions.tables"], "output_format": "html5"}
