"""Language tags (BCP 47): their canonical form, and matching a tag with available languages.

A tag stands for a language, a script and a region; parts left out are the likely ones (Unicode TS 35, "Likely
Subtags"): ``zh-TW`` is written in ``Hant``, ``pt`` is that of Brazil.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

_TAG = re.compile(
    r"""(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8}
        # those of private use alone, and the old ones that are built otherwise (RFC 5646, 2.2.7 and 2.2.8)
        |x(?:-[a-z0-9]{1,8})+|i-[a-z]{3,8}|en-gb-oed)
        (?:-(?P<script>[a-z]{4}))?
        (?:-(?P<region>[a-z]{2}|\d{3}))?
        (?P<rest>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*
        (?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*
        (?:-x(?:-[a-z0-9]{1,8})+)?)""",
    re.VERBOSE | re.IGNORECASE,
)
_USUAL = dict(
    re.findall(
        r"(\S+)=(\S+)",
        """en=en_Latn_US en_US=en_Latn_US en_GB=en_Latn_GB zh=zh_Hans_CN zh_CN=zh_Hans_CN zh_TW=zh_Hant_TW
        zh_Hans=zh_Hans_CN zh_Hant=zh_Hant_TW ja=ja_Jpan_JP ko=ko_Kore_KR de=de_Latn_DE fr=fr_Latn_FR
        es=es_Latn_ES pt=pt_Latn_BR pt_BR=pt_Latn_BR ar=ar_Arab_EG he=he_Hebr_IL""",
    )
)
"""Babel's data for common tags: importing it would cost every command 30 ms."""
_CURRENT = frozenset(tag for tag in _USUAL if "_" not in tag)
_WRITTEN_CHINESE = frozenset({"yue", "wuu", "lzh"})


class Subtags(NamedTuple):
    """Parts of a tag; empty if neither given nor likely."""

    language: str
    script: str
    region: str


def canonical(tag: str) -> str | None:
    """The canonical form of a tag (``zh-cn`` → ``zh-CN``, ``iw`` → ``he``); None if not well-formed (RFC 5646)."""
    text = tag.strip()
    match = _TAG.fullmatch(text)
    if not match:
        return None
    first, *rest = text.split("-")
    for index, part in enumerate(rest):
        if any(len(earlier) == 1 for earlier in (first, *rest[:index])):
            rest[index] = part.lower()
        elif len(part) == 2:
            rest[index] = part.upper()
        else:
            rest[index] = part.title() if len(part) == 4 and part.isalpha() else part.lower()
    return "-".join([_current(first.lower()), *rest])


@cache
def is_language(code: str) -> bool:
    """Whether the CLDR has a language with this ISO 639 code."""
    if code in _CURRENT:
        return True
    from babel import Locale

    return code in Locale("en").languages


@cache
def subtags(tag: str) -> Subtags:
    """The subtags of a tag, with likely ones; all empty if it is not well-formed. ``_`` is read as ``-``."""
    match = _TAG.fullmatch(tag.strip().replace("_", "-"))
    return _likely(*_explicit(match)) if match else Subtags("", "", "")


def covers(wide: str, tag: str) -> bool:
    """Whether ``tag`` has the language, script, region and variants given in ``wide``: ``zh`` covers ``zh-TW``."""
    match, own = (_TAG.fullmatch(one.strip().replace("_", "-")) for one in (wide, tag))
    if not match or not own:
        return False
    named, meant = _explicit(match), subtags(tag)
    same = named.language in (_explicit(own).language, meant.language)
    same = same and named.script in ("", meant.script) and named.region in ("", meant.region)
    return same and own["rest"].lower().startswith(match["rest"].lower())


def closest(tag: str, names: Iterable[str]) -> str | None:
    """The name with the same language: of its region, otherwise of its script, otherwise any; None if there is none.

    This is lookup (RFC 4647, section 3.4) with likely subtags.
    """
    wanted = subtags(tag)
    alike = [name for name in names if wanted.language and subtags(name).language == wanted.language]
    near = [name for name in alike if subtags(name).script == wanted.script]
    return next((name for name in near if subtags(name) == wanted), next(iter(near or alike), None))


def first_spoken(tags: str, names: Iterable[str]) -> str | None:
    """The first of ``names`` in a list of languages: ``zh-CN,zh;q=0.9,en;q=0.8``, or a POSIX ``zh_CN.UTF-8``."""
    asked = (re.split("[;.@]", tag)[0] for tag in tags.split(","))
    return next((name for tag in asked if (name := closest(tag, names))), None)


def _explicit(match: re.Match[str]) -> Subtags:
    language = _current(match["language"].split("-")[0].lower())
    return Subtags(language, (match["script"] or "").title(), (match["region"] or "").upper())


def _likely(language: str, script: str, region: str) -> Subtags:
    orders = ([language, script, region], [language, region], [language, script], [language])
    keys = ["_".join(filter(None, parts)) for parts in orders]
    found = _USUAL.get(keys[0]) or next(filter(None, map(_global("likely_subtags").get, keys)), "__")
    _, likely_script, likely_region = found.split("_")
    return Subtags("zh" if language in _WRITTEN_CHINESE else language, script or likely_script, region or likely_region)


def _current(language: str) -> str:
    """The current code for a deprecated one (RFC 5646, section 4.5)."""
    newer = language if language in _CURRENT else _global("language_aliases").get(language, language)
    return language if "_" in newer else newer


def _global(name: str) -> Mapping[str, str]:
    from babel.core import get_global

    return get_global(name)  # type: ignore[arg-type]
