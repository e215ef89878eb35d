"""The files of an issue as nodes and lines that know where they were written."""

from publisher.source.discovery import discover, loose_files
from publisher.source.folder import IssueFolder, read_folder
from publisher.source.item_file import ItemFile, read_item_file
from publisher.source.lines import TrimmedLines, lines_of_file, lines_of_scalar

__all__ = [
    "IssueFolder",
    "ItemFile",
    "TrimmedLines",
    "discover",
    "lines_of_file",
    "lines_of_scalar",
    "loose_files",
    "read_folder",
    "read_item_file",
]
