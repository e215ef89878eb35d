"""Issue → frozen :class:`Edition`: subject, preheader, HTML, plain text, web body, digest, provenance.

The renderer and its libraries load when they are first asked for: who only counts recipients need not wait for them.
"""

from typing import TYPE_CHECKING, Any

from publisher.edition.model import Asset, Edition, EditionItem, Length, Sizes, Slot, Slotted

if TYPE_CHECKING:
    from publisher.edition.rendering import render

__all__ = ["Asset", "Edition", "EditionItem", "Length", "Sizes", "Slot", "Slotted", "render"]

_LATE = {"render": "rendering"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
