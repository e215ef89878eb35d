"""Markdown rendered as safe HTML, as plain text, and as the text that a reader sees."""

from publisher.edition.markdown.blocks import in_tables
from publisher.edition.markdown.html import Html, Sized, sponsored, visible_text, with_images
from publisher.edition.markdown.renderer import MarkdownRenderer, RenderedText

__all__ = ["Html", "MarkdownRenderer", "RenderedText", "Sized", "in_tables", "sponsored", "visible_text", "with_images"]
