"""``publisher new``: create an issue with a first item; it passes ``check`` as written."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from publisher.authoring.bundled import schema_files, starter_file, write_new
from publisher.config import Config
from publisher.diagnostics import say
from publisher.errors import UsageError
from publisher.issue.folder import DATED, SLUG, discover
from publisher.issue.load import date_of_slug, read_issue
from publisher.issue.model import Issue
from publisher.language import Locale

LONGEST = 100  # the slug names the folder and is part of every URL of the issue


@dataclass(frozen=True, slots=True)
class NewIssue:
    """The files that were created, relative to the root."""

    slug: str
    date: date
    files: tuple[str, ...]


def make_issue(config: Config, slug: str) -> NewIssue:
    """Create ``issues/<slug>/`` with a draft issue and a first item.

    The date is the one that the slug begins with, otherwise today in the newsletter's time zone; the number is the
    latest issue's plus one. Raises :class:`UsageError`, with nothing written, if the slug is invalid or taken.
    """
    day = day_of(config, slug)
    locale = Locale.of(config.newsletter.language, {})
    return write_issue(config, slug, day, starter_files(locale, day.isoformat(), next_number(config)))


def day_of(config: Config, slug: str) -> date:
    """The date of a new issue. Raises :class:`UsageError` if the slug is invalid or taken."""
    if not SLUG.fullmatch(slug) or len(slug) > LONGEST:
        advice = say("take the date and a word, as in 2025-01-05-weekly")
        raise UsageError(say(_NO_SLUG, slug=slug, LONGEST=LONGEST), help=advice)
    if (config.root / "issues" / slug).exists():
        raise UsageError(say("issues/{slug} exists already", slug=slug), help=say("edit it, or take another slug"))
    found = date_of_slug(slug)
    if found is None and DATED.match(slug) and slug[10:11] in {"", "-"}:
        message = say("{day} is not a day of the calendar", day=slug[:10])
        raise UsageError(message, help=say("begin the slug with a real date"))
    return found or datetime.now(config.newsletter.zone).date()


def write_issue(
    config: Config, slug: str, day: date, texts: Mapping[str, str], pictures: Mapping[str, bytes] = MappingProxyType({})
) -> NewIssue:
    """Write the files of a new issue, by name, and any missing schemas: all or none. Raises :class:`UsageError`."""
    made = NewIssue(slug, day, tuple(f"issues/{slug}/{name}" for name in texts))
    contents = {**{name: text.encode() for name, text in texts.items()}, **pictures}
    files = {config.root / "issues" / slug / name: content for name, content in contents.items()}
    schemas = {config.root / name: content for name, content in schema_files().items()}
    write_new(files | {path: content for path, content in schemas.items() if not path.exists()})
    return made


def issue_at(config: Config, slug: str) -> Issue:
    """Read the issue as far as its errors allow. Raises :class:`UsageError` if it cannot be read at all."""
    issue = read_issue(config, slug).partial
    if issue is None:
        raise UsageError(say("{slug} cannot be read", slug=slug), help=say("run publisher check {slug}", slug=slug))
    return issue


_NO_SLUG = say("{slug!r} cannot be a slug: it is made of a-z, 0-9 and single hyphens between them, at most {LONGEST}")


def starter_files(locale: Locale, date: str, number: int | None) -> dict[str, str]:
    """The files of a new issue by name, in the words of the language. ``date`` as ``2024-12-29``."""
    given = {"date": date, "number": f"number: {number}\n" if number is not None else ""}

    def word(place: re.Match[str]) -> str:
        return given[place[1]] if place[1] in given else locale.word("starter", place[1])

    return {name: re.sub(r"\{(\w+)\}", word, starter_file(name)) for name in ("issue.yaml", "01-first-story.md")}


def next_number(config: Config) -> int | None:
    """The number of the latest issue plus one; ``None`` if that has no number or cannot be read."""
    slugs = discover(config.root) if os.path.lexists(config.root / "issues") else []
    latest = read_issue(config, slugs[-1]).issue if slugs else None
    return latest.number + 1 if latest and latest.number is not None else None
