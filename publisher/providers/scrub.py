"""Text from outside, made fit to keep: without addresses, control characters or anything a database refuses."""

from __future__ import annotations

import re

# Wide on purpose: a server's diagnostic quotes addresses in every form, and a word too many hidden harms nobody.
_ADDRESS = re.compile(r"[^\s<>\"(),:;\[\]=]{1,256}@[^\s<>\"'(),:;\[\]=\\]{1,255}|\"[^\"\n]{1,64}\"@[^\s<>\"']{1,255}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def scrub(text: str, limit: int = 500) -> str:
    """At most ``limit`` characters of ``text``, every address replaced by ``(address)``."""
    cut = text[: limit * 4]
    return _ADDRESS.sub("(address)", _CONTROL.sub(" ", cut))[:limit].strip()


def plain(text: str, limit: int = 200) -> str:
    """At most ``limit`` characters of ``text`` without what a database or a terminal chokes on."""
    return _CONTROL.sub("", text[:limit])
