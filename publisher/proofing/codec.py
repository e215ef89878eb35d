"""A proof as bytes: what worker processes hand back and the cache holds. Its edition is a part by itself: most of the
bytes, and of no interest to who only wants the findings.

The bytes are MessagePack, checked against our own types: they are data, so a cache that somebody forged cannot run
code, and every Python reads what another wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, TypeVar

import msgpack
from pydantic import TypeAdapter

from publisher.checks.ignores import Ignore
from publisher.diagnostics import Diagnostic
from publisher.edition.model import Edition, Slot, Slotted
from publisher.proofing.proof import Basis, Proof

_Basis = tuple[tuple[Diagnostic, ...], tuple[Ignore, ...], dict[str, Any], bool]
_Head = tuple[str, bool, tuple[Diagnostic, ...], _Basis]
_Body = tuple[Edition, int | None]  # which of its assets is the cover, whose bytes are then not written twice
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Packed:
    """The bytes of a proof without its edition, and of the edition; none where there is no edition."""

    head: bytes
    body: bytes

    def whole(self) -> Proof:
        """The proof. Raises ``ValueError`` for bytes that are none, harmlessly."""
        proof = self.without_edition()
        if not self.body:
            return proof
        edition, cover = _load(_bodies(), self.body)
        if cover is not None:
            edition = replace(edition, cover=edition.assets[cover])
        return replace(proof, edition=replace(edition, html=_slotted(edition.html), text=_slotted(edition.text)))

    def without_edition(self) -> Proof:
        """The proof without its edition. Raises ``ValueError`` for bytes that are none, harmlessly."""
        slug, draft, findings, basis = _load(_heads(), self.head)
        return Proof(slug, draft, None, findings, Basis(*basis))


def pack(proof: Proof) -> Packed:
    """The bytes of a proof; its issue is left out."""
    basis = (proof.basis.found, proof.basis.ignores, dict(proof.basis.facts), proof.basis.rendered)
    head = _dump(_heads(), (proof.slug, proof.draft, proof.findings, basis))
    edition = proof.edition
    if edition is None:
        return Packed(head, b"")
    cover = edition.assets.index(edition.cover) if edition.cover in edition.assets else None
    return Packed(head, _dump(_bodies(), (edition if cover is None else replace(edition, cover=None), cover)))


def _dump(kind: TypeAdapter[_T], value: _T) -> bytes:
    packed: bytes = msgpack.packb(kind.dump_python(value), default=_day)
    return packed


def _day(value: object) -> str:
    """Days and times, which MessagePack lacks, as ISO 8601."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place here")


def _load(kind: TypeAdapter[_T], packed: bytes) -> _T:
    try:
        return kind.validate_python(msgpack.unpackb(packed))
    except Exception as error:  # damaged bytes fail in any way there is
        raise ValueError(f"no proof: {error}") from error


def _slotted(read: Slotted) -> Slotted:
    """The bytes tell no slot from a literal: they stand in turn, a literal first."""
    return Slotted(tuple(Slot(part) if place % 2 else part for place, part in enumerate(read.parts)))


@cache
def _heads() -> TypeAdapter[_Head]:
    return TypeAdapter(_Head)


@cache
def _bodies() -> TypeAdapter[_Body]:
    return TypeAdapter(_Body)
