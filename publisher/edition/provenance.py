"""Where an edition comes from: the digest over everything a reader gets, and the commit it was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from publisher.config import Config
from publisher.edition.history import history_of
from publisher.edition.model import Asset, Slot, Slotted


def digest(subject: str, preheader: str, html: Slotted, text: Slotted, web: str, assets: Iterable[Asset]) -> str:
    """``sha256:`` and 64 hex digits over everything a reader gets."""
    parts = [("subject", subject.encode()), ("preheader", preheader.encode())]
    for name, slotted in (("html", html), ("text", text)):
        parts += ((f"{name} slot" if isinstance(part, Slot) else name, str(part).encode()) for part in slotted.parts)
    parts.append(("web", web.encode()))
    parts += ((f"asset {asset.name}", asset.content) for asset in sorted(assets, key=lambda asset: asset.name))
    return hash_parts("publisher edition 1", parts)


def hash_parts(what: str, parts: Iterable[tuple[str, bytes]]) -> str:
    """``sha256:`` and 64 hex digits. Each part is hashed with its kind and length: none can pass for another."""
    sha = hashlib.sha256(f"{what}\n".encode())
    for kind, content in parts:
        sha.update(f"{kind} {len(content)}\n".encode())
        sha.update(content)
    return f"sha256:{sha.hexdigest()}"


def commit(config: Config, slug: str) -> str | None:
    """The last commit that touched the issue, the theme or config.yaml; ``None`` outside git or while uncommitted."""
    return history_of(config.root, config.templates).commit(slug)
