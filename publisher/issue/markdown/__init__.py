"""The dialect of Markdown: one definition, for the rules that judge it and the editions that show it."""

from publisher.issue.markdown.dialect import Parsed, forget_parsed, new_parser, parsed

__all__ = ["Parsed", "forget_parsed", "new_parser", "parsed"]
