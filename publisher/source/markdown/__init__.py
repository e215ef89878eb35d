"""The dialect of Markdown: one definition, for the rules that judge it and the editions that show it."""

from publisher.source.markdown.dialect import new_parser

__all__ = ["new_parser"]
