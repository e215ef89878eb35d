"""A prepared issue as bytes: what worker processes hand back and the cache holds.

It is pickle, kept to our own plain values: whatever else stands in the bytes is refused before it is made, so that a
cache somebody forged cannot run code.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

from publisher.diagnostics import Diagnostic, Place, Severity, Span
from publisher.edition.model import Asset, Edition, Length, Sizes, Slot, Slotted, Story
from publisher.issue import Issue, Item, KeyPoints, Picture, Places, Prose, Source, Status
from publisher.site.model import Prepared


def frozen(values: dict[Any, Any]) -> Mapping[Any, Any]:
    """A read-only mapping, which pickle cannot make by itself."""
    return MappingProxyType(values)


_ALLOWED: dict[tuple[str, str], Any] = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (
        *(Prepared, Edition, Slotted, Slot, Story, Asset, Length, Sizes, Diagnostic, Place, Span, Severity),
        *(Issue, Item, KeyPoints, Picture, Places, Prose, Source, Status),
        *(date, datetime, timedelta, timezone, frozen),
    )
}


def dumps(prepared: Prepared) -> bytes:
    """The bytes of a prepared issue."""
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(prepared)
    return buffer.getvalue()


def loads(payload: bytes) -> Prepared:
    """A prepared issue from its bytes. Raises ``ValueError`` for anything else, harmlessly."""
    try:
        found = _Unpickler(io.BytesIO(payload)).load()
    except Exception as error:  # damaged bytes fail in any way there is
        raise ValueError(f"no prepared issue: {error}") from error
    if not isinstance(found, Prepared):
        raise ValueError(f"no prepared issue: {type(found).__name__}")
    return found


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, MappingProxyType):
            return frozen, (dict(value),)
        if isinstance(value, datetime) and value.tzinfo is not None and not isinstance(value.tzinfo, timezone):
            return value.astimezone(timezone(value.utcoffset() or timedelta())).__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The class, where it is one of ours."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place here") from None
