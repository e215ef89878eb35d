"""Links to the pages of other issues that do not exist, are drafts, or have no such anchor.

Other links to the same host are not checked: the index, tags, feeds, files and pictures.
"""

import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache, partial
from typing import Any, NamedTuple
from urllib.parse import unquote

from publisher.checks.context import Context
from publisher.checks.rules.links import no_anchor
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, Span, define, say
from publisher.issue.links import absolute, split
from publisher.issue.load import date_of_slug
from publisher.issue.model import Status

MISSING = define("link-to-missing-issue", Severity.WARNING)
_LEADING = re.compile(r"/(?:(?<=\.\./)|(?<=issues/))", re.IGNORECASE)
"""Occurs in every URL of another issue's page, whether relative or absolute: ``../`` or ``issues/``."""
_PAGE = re.compile(r"(?P<slug>[\w-]+)(?:/(?:index\.html)?)?")
_OTHER_ANCHOR = re.compile(r"(?:(?:content|subscribe|share)$|fn(?:ref)?-|:~:)")
"""Anchors of a page that are none of an item: parts of it, footnotes, and a browser's links to a text."""
_NEAR = 12  # number of slugs before and after one that are searched for similar names


class _LinkedIssue(NamedTuple):
    """Facts of an issue, as plain values. ``family`` is the original's slug, or its own; ``anchors`` are separated by
    blanks, None if not all are known; ``links`` are places, the slugs and the anchors that they lead to, and whether
    they are relative.
    """

    draft: bool
    family: str
    anchors: str | None
    links: Sequence[Sequence[Any]]


def gather(context: Context) -> _LinkedIssue:
    """Return the links to other issues. Only texts that may have such links are parsed."""
    issue = context.issue
    links = (link for link in context.links_of(_LEADING.search) if _LEADING.search(link.url))
    found = ((link, slug) for link in links if (slug := _slug(link.url, context)) and slug != issue.slug)
    return _LinkedIssue(
        issue.status is Status.DRAFT,
        issue.translation_of or issue.slug,
        " ".join(item.anchor for item in issue.items) if context.whole else None,
        tuple((link.place, slug, _anchor(link.url), link.url.startswith(".")) for link, slug in found),
    )


def _slug(url: str, context: Context) -> str:
    """The slug of the issue whose page the URL is; empty if it is not a page of an issue."""
    base = split(context.config.newsletter.url)
    parts = split(absolute(f"{context.config.newsletter.url}issues/{context.issue.slug}/", url) or "")
    if not (base and parts and parts.scheme in {"http", "https"} and parts.netloc.lower() == base.netloc.lower()):
        return ""
    above = f"{base.path}issues/"
    found = _PAGE.fullmatch(unquote(parts.path.removeprefix(above))) if parts.path.startswith(above) else None
    return found["slug"] if found else ""


def _anchor(url: str) -> str:
    """The item's anchor that a URL of an issue's page has; empty if it has none, or one of the page itself."""
    anchor = unquote(url.partition("#")[2])
    return "" if _OTHER_ANCHOR.match(anchor) else anchor


def compare(gathered: Mapping[str, Sequence[Any] | None], wanted: frozenset[str] | None) -> Iterator[Diagnostic]:
    """Check the links of the issues ``wanted``. A draft may link to drafts; translations are published together."""
    slugs = cache(partial(sorted, gathered))
    nearest = cache(lambda target, slug: _nearest(slugs(), target, slug))
    for slug, known in gathered.items():
        if not known or (wanted is not None and slug not in wanted):
            continue
        told = _LinkedIssue(*known)
        for (path, span), target, anchor, relative in told.links:
            place = Place(path, Span(*span))
            if target not in gathered:
                near = nearest(target, slug)
                if not (relative or near or date_of_slug(target)):
                    continue  # another page of the host, such as /issues/latest/
                message = say("the link leads to the issue {slug}, which does not exist", slug=target)
                yield MISSING.at(place, message, help=near or say("name the folder of an issue, or take the link out"))
            elif facts := gathered[target]:
                other = _LinkedIssue(*facts)
                if other.draft and not told.draft and other.family != told.family:
                    message = say(
                        "the link leads to the issue {slug}, which is a draft: readers would find no page", slug=target
                    )
                    yield MISSING.at(place, message, help=say("publish that one first, or take the link out"))
                if anchor and other.anchors is not None and anchor not in (known := other.anchors.split()):
                    message = say("the issue {slug} has no anchor {url}", slug=target, url=f"#{anchor}")
                    yield replace(no_anchor(place, message, anchor, known), severity=Severity.WARNING)


def _nearest(slugs: Sequence[str], target: str, own: str) -> Sentence | None:
    at = bisect(slugs, target)
    around = [slug for slug in slugs[max(0, at - _NEAR) : at + _NEAR] if slug != own]
    if near := get_close_matches(target.lower().replace("_", "-"), around, 1, 0.7):
        return say("the nearest name is {slug}", slug=near[0])
    return None


def affected(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Issues that changed, that link to one, or, if issues came or went, that link to a missing one."""
    different = {slug for slug in before.keys() | after.keys() if _state(before, slug) != _state(after, slug)}
    moved = before.keys() != after.keys()
    found = {slug for slug in after if before.get(slug) != after[slug]}
    for slug, told in after.items():
        targets = [target for _, target, *_ in told[-1]] if told else []
        if any(target in different or (moved and target not in after) for target in targets):
            found.add(slug)
    return found


def _state(side: Mapping[str, Any], slug: str) -> tuple[Any, ...]:
    """The facts of an issue that matter for links to it."""
    return (slug in side, *(side.get(slug) or ())[:-1])
