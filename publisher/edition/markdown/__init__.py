"""Markdown → safe HTML, plain text, and the text a reader sees."""

from publisher.edition.markdown.html import Html, Sized, sponsored, visible_text, with_images
from publisher.edition.markdown.scribe import Scribe, Written

__all__ = ["Html", "Scribe", "Sized", "Written", "sponsored", "visible_text", "with_images"]
