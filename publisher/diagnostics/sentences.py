"""Sentences as data: an English template with its named values, rendered in the language of whoever reads.

The catalogs are gettext's: ``locales/<catalog>/LC_MESSAGES/findings.po`` and its compiled ``.mo``. A language of
:data:`LANGUAGES` also has a file in ``pages/``.
"""

from __future__ import annotations

from contextvars import ContextVar

LANGUAGES = ("en", "zh")
language: ContextVar[str] = ContextVar("language", default="en")
"""The language that findings are shown in: set by the command line from its options, by the preview a request."""


def language_of(tags: str) -> str | None:
    """The first language of ours in a list as ``zh-CN,zh;q=0.9,en;q=0.8`` or ``zh_CN.UTF-8``; none where none is."""
    for tag in tags.lower().replace("_", "-").split(","):
        if (name := tag.strip().partition(";")[0].partition("-")[0]) in LANGUAGES:
            return name
    return None
