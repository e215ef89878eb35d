"""Which issues a call means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def chosen_slugs(root: Path, named: Sequence[str] | None) -> list[str] | None:
    """The slugs of the issues ``named`` as ``SLUG``, ``issues/SLUG`` or a file in it; ``None`` where none is named.

    Raises ``UsageError`` for one that does not exist, naming those that do.
    """
    from publisher.errors import UsageError
    from publisher.issue import discover

    if not named:
        return None
    known = discover(root)
    slugs: list[str] = []
    for name in named:
        slug = _slug(root, name)
        if slug not in known:
            import difflib

            near = difflib.get_close_matches(slug, known, 3, 0.3) or known[-5:]
            advice = f"use one of {', '.join(near)}" if near else "type publisher new SLUG to make one"
            raise UsageError(f"there is no issue {name}", help=advice)
        slugs.append(slug)
    return list(dict.fromkeys(slugs))


def slug_of(name: str | None) -> str | None:
    """The slug in ``issues/SLUG/``, as shells complete it; a callback of arguments. Whether it exists is for later."""
    parts = Path(name).parts if name else ()
    if "issues" in parts[:-1]:
        return parts[len(parts) - 1 - parts[::-1].index("issues") + 1]
    return parts[0] if len(parts) == 1 else name


def _slug(root: Path, name: str) -> str:
    """The folder's name in ``name``, which may be a path from the root or from where we are."""
    if (slug := slug_of(name)) and slug != name:
        return slug
    if len(Path(name).parts) == 1:
        return name
    resolved = Path(name).resolve()
    if resolved.is_relative_to(root.resolve() / "issues"):
        return (
            resolved.relative_to(root.resolve() / "issues").parts[0] if resolved != root.resolve() / "issues" else name
        )
    return name
