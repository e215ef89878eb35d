"""Language tags: well formed by RFC 5646 (BCP 47), and of a language that the CLDR has heard of."""

from __future__ import annotations

import re
from functools import cache

from publisher.diagnostics import say
from publisher.documents.validate import BAD_VALUE, refuse

_TAG = re.compile(
    r"""(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})
        (?:-(?P<script>[a-z]{4}))?
        (?:-(?P<region>[a-z]{2}|\d{3}))?
        (?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*
        (?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*
        (?:-x(?:-[a-z0-9]{1,8})+)?""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMON = frozenset({"zh", "en", "ja", "ko", "de", "fr", "es", "pt", "it", "ru", "nl"})


def canonical_language(tag: str) -> str:
    """The tag in its usual case (``zh-cn`` → ``zh-CN``). Raises a finding where it is none."""
    text = tag.strip()
    match = _TAG.fullmatch(text)
    if not match:
        better = text.split(".")[0].replace("_", "-")
        advice = (
            say("write {words}", words=canonical_language(better))
            if better != text and _TAG.fullmatch(better)
            else say("write zh-CN, en or ja")
        )
        raise refuse(BAD_VALUE, say("{tag!r} is no language tag (BCP 47)", tag=tag), advice)
    language = match["language"].lower()
    if not _known(language.split("-")[0]):
        raise refuse(
            BAD_VALUE,
            say("there is no language {language!r}", language=match["language"]),
            say("write a tag such as zh-CN, en or ja"),
        )
    parts = text.split("-")
    return "-".join([language.split("-")[0], *(_cased(part, parts[: i + 1]) for i, part in enumerate(parts[1:]))])


def _cased(part: str, before: list[str]) -> str:
    if any(len(earlier) == 1 for earlier in before):
        return part.lower()
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()


@cache
def _known(language: str) -> bool:
    if language in _COMMON:
        return True
    from babel import Locale

    return language in Locale("en").languages
