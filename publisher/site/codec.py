"""A proof as bytes: what worker processes hand back and the cache holds. Its edition is a part by itself: most of the
bytes, and of no interest to who only wants the findings.

It is pickle, kept to our own plain values: whatever else stands in the bytes is refused before it is made, so that a
cache somebody forged cannot run code.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, TypeVar

from publisher.checks.ignores import Ignore
from publisher.diagnostics import Diagnostic, Place, Severity, Span
from publisher.edition.model import Asset, Edition, Length, Sizes, Slot, Slotted, Story
from publisher.edition.proof import Proof


def frozen(values: dict[Any, Any]) -> Mapping[Any, Any]:
    """A read-only mapping, which pickle cannot make by itself."""
    return MappingProxyType(values)


_T = TypeVar("_T")
_ALLOWED: dict[tuple[str, str], Any] = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (
        *(Proof, Ignore, Edition, Slotted, Slot, Story, Asset, Length, Sizes, Diagnostic, Place, Span, Severity),
        *(date, datetime, timedelta, timezone, frozen),
    )
}


@dataclass(frozen=True, slots=True)
class Packed:
    """The bytes of a proof without its edition, and of the edition; none where there is no edition."""

    head: bytes
    body: bytes

    def whole(self) -> Proof:
        """The proof. Raises ``ValueError`` for bytes that are none, harmlessly."""
        proof = self.without_edition()
        edition = _loads(self.body, Edition) if self.body else None
        return replace(proof, edition=edition)

    def without_edition(self) -> Proof:
        """The proof without its edition. Raises ``ValueError`` for bytes that are none, harmlessly."""
        return _loads(self.head, Proof)


def pack(proof: Proof) -> Packed:
    """The bytes of a proof; its issue is left out."""
    head = _dumps(replace(proof, issue=None, edition=None))
    return Packed(head, _dumps(proof.edition) if proof.edition is not None else b"")


def _dumps(value: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def _loads(payload: bytes, kind: type[_T]) -> _T:
    try:
        found = _Unpickler(io.BytesIO(payload)).load()
    except Exception as error:  # damaged bytes fail in any way there is
        raise ValueError(f"no {kind.__name__}: {error}") from error
    if not isinstance(found, kind):
        raise ValueError(f"no {kind.__name__}: {type(found).__name__}")
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
