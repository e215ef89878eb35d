"""A newsletter publishing pipeline: committed files in, one message an inbox and an archive out."""

__version__ = "0.2.0"
