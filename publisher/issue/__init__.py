"""The validated issue, and how the files of its folder become one."""

from publisher.issue.discovery import discover
from publisher.issue.load import Reading, date_of_slug, load_issue, read_issue
from publisher.issue.model import Issue, Item, KeyPoints, Picture, Places, Prose, Source, Status

__all__ = [
    "Issue",
    "Item",
    "KeyPoints",
    "Picture",
    "Places",
    "Prose",
    "Reading",
    "Source",
    "Status",
    "date_of_slug",
    "discover",
    "load_issue",
    "read_issue",
]
