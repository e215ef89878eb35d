"""CommonMark with tables, strikethrough, footnotes, bare links, and manners beside Chinese and Japanese."""

from __future__ import annotations

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

from publisher.source.markdown.addresses import addresses_plugin
from publisher.source.markdown.brackets import brackets_plugin
from publisher.source.markdown.cjk import cjk_plugin
from publisher.source.markdown.tags import tags_plugin

MAX_NESTING = 40
"""Quotes and lists within each other; the parser drops what is deeper, so whoever uses it has to say so."""


def new_parser() -> MarkdownIt:
    """A parser of its own, to keep. Nesting is capped, so that no input exhausts the stack."""
    md = MarkdownIt("commonmark", {"linkify": True, "html": True, "xhtmlOut": False, "maxNesting": MAX_NESTING})
    md.enable(["table", "strikethrough", "linkify"])
    return md.use(footnote_plugin).use(addresses_plugin).use(cjk_plugin).use(tags_plugin).use(brackets_plugin)
