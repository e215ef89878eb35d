"""Links and images as authors write them: relative, absolute, or no address at all."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit


def absolute(page: str, url: str) -> str | None:
    """The URL as seen from ``page``; ``None`` where it is none, such as ``http://[``."""
    try:
        return urljoin(page, url)
    except ValueError:
        return None


def split(url: str) -> SplitResult | None:
    """The parts of a URL; ``None`` where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def scheme(url: str | None) -> str:
    """The scheme of a URL in small letters; empty where there is none."""
    parts = split(url or "")
    return parts.scheme if parts else ""
