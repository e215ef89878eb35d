"""Markdown dialect, shared by the rules that check it and the editions that render it."""

from publisher.issue.markdown.dialect import Parsed, forget_parsed, new_parser, parsed

__all__ = ["Parsed", "forget_parsed", "new_parser", "parsed"]
