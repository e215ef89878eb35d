"""Serialization of proofs, for worker processes and the store. The edition is in parts, because most callers need only
the findings, or one row of a list.

The bytes are MessagePack, validated against the types below: they are plain data, so a forged cache cannot run code,
and independent of the Python version.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, time
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgpack
from pydantic import TypeAdapter

from publisher.diagnostics import Diagnostic
from publisher.edition import model
from publisher.edition.model import Asset, Edition, EditionItem, Searched, Slot, Slotted, Variant
from publisher.proofing.proof import Basis, Proof

_Mail = tuple[Slotted, Slotted, tuple[Variant, ...]]
_Web = tuple[str, tuple[EditionItem, ...]]
_Assets = tuple[tuple[Asset, ...], Asset | None, int | None]  # last: the cover's index, so it is stored once
_T = TypeVar("_T")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)

PART_OF = {
    **dict.fromkeys(("html", "text", "variants"), "mail"),
    **dict.fromkeys(("web", "stories"), "web"),
    **dict.fromkeys(("assets", "cover"), "assets"),
    "searched": "search",
}
"""The part that holds a field of an edition; fields not listed are in ``light``."""

_FIELDS = tuple(field.name for field in fields(Edition) if field.name not in PART_OF)
_DERIVED = ("topics", "sections", "media", "front", "variant_names")
_LIGHT = (*_FIELDS, *_DERIVED)


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes of a proof without its edition, and the parts of the edition, which are empty if there is no edition."""

    head: bytes
    light: bytes = b""
    mail: bytes = b""
    web: bytes = b""
    assets: bytes = b""
    search: bytes = b""

    def proof(self, edition: Edition | None = None) -> Proof:
        """Return the proof, with ``edition``. Raises ``ValueError`` if the bytes are invalid; they cannot run code."""
        slug, draft, findings, basis = _load(_heads(), self.head)
        return Proof(slug, draft, edition, findings, Basis(*basis))

    def edition(self) -> Edition:
        """Return the whole edition, in memory. Raises ``ValueError`` if the bytes are invalid."""
        light = dict(zip(_LIGHT, _load(_lights(), self.light), strict=True))
        parts = [unpack(part, getattr(self, part)) for part in ("mail", "web", "assets")]
        return Edition(**{name: light[name] for name in _FIELDS}, **parts[0], **parts[1], **parts[2])


PARTS = tuple(field.name for field in fields(Packed))


class StoredEdition(Edition):
    """Edition whose larger fields ``read(field)`` gets on each access, to save memory. ``key`` is its entry's key."""

    __slots__ = ("_read", "key", "searched", *_DERIVED)
    key: bytes

    def __getattr__(self, name: str) -> Any:
        if name not in PART_OF:
            raise AttributeError(name)
        return self._read(name)

    def of_commit(self, commit: str | None) -> Edition:
        """See :meth:`Edition.of_commit`."""
        return with_values(self, commit=commit)


def stored(light: bytes, key: bytes, read: Callable[[str], Any]) -> StoredEdition:
    """Return an edition from its light part. Raises ``ValueError`` if the bytes are invalid."""
    values = dict(zip(_LIGHT, _load(_lights(), light), strict=True))
    if any({"", ".", ".."}.intersection(one.name.split("/")) for one in values["media"]):
        raise ValueError("an asset outside of the archive")
    return _stored(values, key, read)


def _stored(values: Mapping[str, Any], key: bytes, read: Callable[[str], Any]) -> StoredEdition:
    edition = object.__new__(StoredEdition)
    for name, value in (*values.items(), ("key", key), ("_read", read)):
        object.__setattr__(edition, name, value)
    return edition


def with_values(edition: Edition, **values: Any) -> Edition:
    """Return a copy of the edition with other values in its light part."""
    if not isinstance(edition, StoredEdition):
        return replace(edition, **values)
    return _stored({name: getattr(edition, name) for name in _LIGHT} | values, edition.key, edition._read)


def light_of(edition: Edition) -> bytes:
    """Serialize the light part of an edition."""
    return dump(_lights(), tuple(getattr(edition, name) for name in _LIGHT))


def pack(proof: Proof) -> Packed:
    """Serialize a proof, without its issue."""
    basis = (proof.basis.found, proof.basis.ignores, dict(proof.basis.facts), proof.basis.rendered)
    head = dump(_heads(), (proof.slug, proof.draft, proof.findings, basis))
    edition = proof.edition
    if edition is None:
        return Packed(head)
    cover = edition.assets.index(edition.cover) if edition.cover in edition.assets else None
    return Packed(
        head,
        light_of(edition),
        dump(_adapter(_Mail), (edition.html, edition.text, edition.variants)),
        dump(_adapter(_Web), (edition.web, edition.stories)),
        dump(_adapter(_Assets), (edition.assets, None if cover is not None else edition.cover, cover)),
        dump(_adapter(Searched), edition.searched),
    )


def unpack(part: str, packed: bytes) -> dict[str, Any]:
    """Return the fields in one part of an edition. Raises ``ValueError`` if the bytes are invalid."""
    if part == "mail":
        html, text, variants = _load(_adapter(_Mail), packed)
        variants = tuple(replace(one, edition=_mailable(one.edition)) for one in variants)
        return {"html": _slotted(html), "text": _slotted(text), "variants": variants}
    if part == "web":
        web, stories = _load(_adapter(_Web), packed)
        return {"web": web, "stories": stories}
    if part == "search":
        return {"searched": _load(_adapter(Searched), packed)}
    assets, cover, number = _load(_adapter(_Assets), packed)
    return {"assets": assets, "cover": cover if number is None else assets[number]}


def dump(kind: TypeAdapter[_T], value: _T) -> bytes:
    """Serialize a value as MessagePack."""
    packed: bytes = msgpack.packb(kind.dump_python(value), default=_day)
    return packed


def _day(value: object) -> str:
    """Convert dates and times, which MessagePack does not support, to ISO 8601."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place here")


def _load(kind: TypeAdapter[_T], packed: bytes) -> _T:
    try:
        return kind.validate_python(msgpack.unpackb(packed))
    except Exception as error:  # damaged bytes can raise any exception
        raise ValueError(f"no proof: {error}") from error


def _mailable(edition: Edition) -> Edition:
    return replace(edition, html=_slotted(edition.html), text=_slotted(edition.text))


def _slotted(read: Slotted) -> Slotted:
    """Restore slots, which are serialized as plain text: parts alternate, beginning with a literal."""
    parts = enumerate(read.parts)
    return Slotted(tuple(Slot(part) if place % 2 and isinstance(part, str) else part for place, part in parts))


@cache
def _heads() -> TypeAdapter[Any]:
    from publisher.checks.ignores import Ignore

    findings = tuple[Diagnostic, ...]
    return TypeAdapter(tuple[str, bool, findings, tuple[findings, tuple[Ignore, ...], dict[str, Any], bool]])


@cache
def _lights() -> TypeAdapter[Any]:
    hints = get_type_hints(Edition, vars(model))
    for name in _DERIVED:
        hints[name] = get_type_hints(getattr(Edition, name).fget, vars(model))["return"]
    return TypeAdapter(tuple.__class_getitem__(tuple(hints[name] for name in _LIGHT)))  # type: ignore[arg-type]
