"""``publisher add``: create an item from a link. No text of the page is copied: the editor writes the story."""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from publisher.authoring.bundled import write_new
from publisher.authoring.issue import issue_at
from publisher.authoring.metadata import Metadata, metadata_of, plain
from publisher.authoring.page import FetchedPage, fetch_page
from publisher.authoring.yaml_text import rewrite, scalar, with_item
from publisher.config import Config
from publisher.diagnostics import Sentence, say
from publisher.documents import read_text
from publisher.documents.atomic import alone_in
from publisher.errors import UsageError
from publisher.issue.folder import MARKDOWN_SUFFIXES, YAML_SUFFIXES, discover
from publisher.issue.load import date_of_slug, read_issue
from publisher.issue.model import Issue, Status
from publisher.language import Locale

_LONGEST_SLUG = 60
_NUMBERED = re.compile(r"(\d+)(?:[-_. ]|$)")
_PAGE_SUFFIX = re.compile(r"\.(?:[xs]?html?|php|aspx?|jsp)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AddedItem:
    """The path of the file that was written, relative to the root.

    ``titled`` tells whether the page had a title; ``twin`` is an item of the issue with the same source, if any.
    """

    path: str
    slug: str
    headline: str
    titled: bool
    twin: str | None


def add_item(config: Config, url: str, slug: str | None = None) -> AddedItem:
    """Write an item about the page at ``url`` into the issue; the default is the newest draft.

    Raises UsageError or ServiceError; nothing is written then.
    """
    slug = slug or newest_draft(config)
    issue = issue_at(config, slug)
    page = fetch_page(url, allow_private=config.checks.allow_private_links)
    said = metadata_of(page.text)
    headline = said.title or _address(page.url)
    text = item_text(page, said, headline, issue.language)
    name = slug_words(said.title) or slug_words(_PAGE_SUFFIX.sub("", unquote(urlsplit(page.url).path))) or "item"
    folder = config.root / issue.folder
    with alone_in(folder):  # one process at a time adds to an issue
        file = f"{_next_number(folder):02d}-{name}.md"
        _write(config, issue, file, text)
    twin = next((item.places.of().path for item in issue.items for one in item.sources if one.url == page.url), None)
    return AddedItem(f"{issue.folder}/{file}", slug, headline, bool(said.title), twin)


def newest_draft(config: Config) -> str:
    """Return the draft with the latest date. Raises UsageError if there is none."""
    slugs = discover(config.root) if os.path.lexists(config.root / "issues") else []
    found: list[tuple[str, str]] = []
    for slug in sorted(slugs, key=lambda slug: (str(date_of_slug(slug) or "9999"), slug), reverse=True):
        issue = read_issue(config, slug).partial
        if issue and issue.status is Status.DRAFT:
            found.append((issue.date.isoformat(), slug))
            if date_of_slug(slug):
                break  # sorted by date, so the last one is the latest
    if not found:
        raise UsageError(say("there is no draft to add to"), help=say("publisher new SLUG makes one, or name an issue"))
    return max(found)[1]


def remarks(config: Config, added: AddedItem) -> Iterator[Sentence]:
    """Yield remarks for the editor: that the page had no title, and where the same story has already appeared.

    The second is the finding ``story-repeated``, from the index that ``check`` keeps.
    """
    from publisher.proofing.checking import check_repository

    if not added.titled:
        yield say("the page has no title; the headline is {headline}", headline=added.headline)
    found = check_repository(config, [added.slug]).diagnostics
    ran = (one.message for one in found if one.code == "story-repeated" and one.path == added.path)
    if told := next(ran, say("{path} is from the same source", path=added.twin) if added.twin else None):
        yield told


def item_text(page: FetchedPage, said: Metadata, headline: str, language: str) -> str:
    """Return the item's text: the page's metadata, with author, date and picture as comments, and placeholder texts."""
    word = Locale.of(language, {}).word
    told = {"author": said.author, "published": said.date, "picture": said.picture}
    lines = ["---", f"headline: {scalar(headline)}", "source:", f"  name: {scalar(said.site or _host(page.url))}"]
    lines += [f"  url: {scalar(page.url)}", *(f"# {name}: {value}" for name, value in told.items() if value), "---"]
    lines += [word("starter", "added_body"), "", "::: commentary", word("starter", "added_commentary"), ":::", ""]
    return "\n".join(lines)


def slug_words(text: str) -> str:
    """Return the ASCII letters and digits of a text, without accents, joined by hyphens; at most 60 characters."""
    letters = "".join(sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))
    words = "-".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])['’](?=[a-z])", "", letters)))
    cut = words[:_LONGEST_SLUG]
    return cut if len(words) == len(cut) or "-" not in cut else cut[: cut.rindex("-")]


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _address(url: str) -> str:
    """Host and path of an address, as a person would write them."""
    parts = urlsplit(url)
    return plain(f"{parts.hostname}{unquote(parts.path).rstrip('/')}")


def _next_number(folder: Path) -> int:
    names = (path.stem for path in folder.iterdir() if path.suffix.lower() in MARKDOWN_SUFFIXES | YAML_SUFFIXES)
    return max((int(match[1]) for match in map(_NUMBERED.match, names) if match and len(match[1]) < 5), default=0) + 1


def _write(config: Config, issue: Issue, name: str, text: str) -> None:
    """Write the item, and add its file name to ``items:`` if issue.yaml has that list."""
    path = issue.places.path
    file, _ = read_text(config.root, path)
    listed = with_item(file, name) if file else None
    if file is None or listed is None:
        advice = say("write items: with a line for each file")
        raise UsageError(say("no file can be added to the items of {path}", path=path), help=advice)
    item = config.root / issue.folder / name
    write_new({item: text.encode()})
    try:
        if listed != file.text:
            rewrite(config.root / path, listed)
    except UsageError:
        item.unlink()
        raise
