"""The validated issue, and how the files of its folder become one.

What reads an issue loads when it is first asked for: who finds that nothing changed need not wait for it.
"""

from typing import TYPE_CHECKING, Any

from publisher.issue.folder import discover

if TYPE_CHECKING:
    from publisher.issue.load import Reading, date_of_slug, read_issue
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
    "read_issue",
]
_LOADING = {"Reading", "date_of_slug", "read_issue"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{'load' if name in _LOADING else 'model'}"), name)
