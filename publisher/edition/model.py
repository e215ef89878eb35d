"""The edition: the frozen rendering of an issue, made before any recipient is known."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from typing import Literal, NamedTuple
from urllib.parse import quote

from publisher.diagnostics import Diagnostic
from publisher.errors import PublisherError


class Slot(StrEnum):
    """What is filled in late, for each recipient. Every value is plain text or a URL, never markup."""

    UNSUBSCRIBE_URL = "unsubscribe_url"
    PREFERENCES_URL = "preferences_url"
    GREETING = "greeting"


SlotPlace = Literal["text", "html", "url"]


@dataclass(frozen=True, slots=True)
class Personal:
    """A place for what is known of the reader: the attribute ``name``, or the default. Its value is plain text.

    ``place``: in plain text, in text or an attribute of HTML, or within an address. ``type`` and ``choices`` are what
    a value has to fit.
    """

    name: str
    default: str
    place: SlotPlace
    type: str = "text"
    choices: tuple[str, ...] = ()

    def encoded(self, value: str) -> str:
        """A value as it stands in its place."""
        return quote(value, safe="") if self.place == "url" else escape(value) if self.place == "html" else value


AnySlot = Slot | Personal

SAMPLE: dict[AnySlot, str] = {
    Slot.UNSUBSCRIBE_URL: "https://example.com/unsubscribe/sample",
    Slot.PREFERENCES_URL: "https://example.com/preferences/sample",
    Slot.GREETING: "",
}
"""What stands in the slots where there is no recipient; the same in HTML and in plain text."""


@dataclass(frozen=True, slots=True)
class Slotted:
    """Text with slots: literals and slots in turn, a literal first, which may be empty.

    No author can forge a slot, for slots are not text.
    """

    parts: tuple[str | AnySlot, ...]

    def fill(self, value: Callable[[AnySlot], str]) -> str:
        """The text with each slot replaced by ``value(slot)``, which has to be escaped for where it goes."""
        return "".join(value(part) if isinstance(part, AnySlot) else part for part in self.parts)

    def with_values(self, values: Mapping[AnySlot, str]) -> str:
        """The text with each slot replaced from ``values``, or by the default of one that has a default."""

        def value(slot: AnySlot) -> str:
            return slot.encoded(slot.default) if isinstance(slot, Personal) and slot not in values else values[slot]

        return self.fill(value)

    def __str__(self) -> str:
        """The text as it stands where there is no recipient: in files, and where bytes are counted."""
        return self.with_values(SAMPLE)

    def behind(self, words: str) -> Slotted:
        """The text with words before it."""
        return Slotted((f"{words}{self.parts[0]}", *self.parts[1:]))

    @property
    def slots(self) -> frozenset[AnySlot]:
        """The slots that occur."""
        return frozenset(part for part in self.parts if isinstance(part, AnySlot))


@dataclass(frozen=True, slots=True)
class Length:
    """How long the items are to read. ``unit`` is ``characters`` or ``words``; minutes are rounded up."""

    count: int
    unit: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages and messages refer to. ``name`` is relative to the site's root and carries a content hash.

    ``copied``: made from another for mail, no file of the repository. ``scaled``: pages show smaller copies of it.
    """

    name: str
    content: bytes
    media_type: str
    width: int | None = None
    height: int | None = None
    copied: bool = False
    scaled: bool = False

    @property
    def front(self) -> Front:
        """What a page has to know of it."""
        return Front(self.name, self.width, self.height, self.scaled)


class Front(NamedTuple):
    """A picture without its bytes: name of the asset, pixels, and whether pages show smaller copies of it."""

    name: str
    width: int | None
    height: int | None
    scaled: bool = False


@dataclass(frozen=True, slots=True)
class EditionItem:
    """One item as the archive needs it. ``html`` is safe, with absolute URLs, without the headline."""

    anchor: str
    headline: str
    html: str
    text: str
    tags: tuple[str, ...] = ()
    section: str | None = None


@dataclass(frozen=True, slots=True)
class EditionOrigin:
    """A text that a model wrote, and who reviewed it. ``where``: ``issue``, ``intro``, ``key_points``, an item's
    anchor, or anchor and part, such as ``openai-pbc.body``.
    """

    where: str
    by: str
    grade: str
    reviewed_by: tuple[str, ...]


class EarlierStory(NamedTuple):
    """The item at ``anchor`` follows one of another issue: its slug, the item's anchor and headline."""

    anchor: str
    slug: str
    at: str
    headline: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes: of the HTML, of the HTML as encoded in a message, of the text, of a whole message."""

    html: int
    html_encoded: int
    text: int
    message: int


@dataclass(frozen=True, slots=True)
class CountedLinks:
    """The links of an email whose clicks are counted, in its order: in mail each is ``base`` and its number, from 1.

    After those of the email itself stand those that only other variants of it have.
    """

    base: str
    links: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """Everything a reader gets, once.

    ``digest`` is ``sha256:`` and 64 hex digits over subject, preheader, HTML, text, web page body and assets.
    ``commit`` is the last commit that touched what the edition is made of; ``None`` outside git or while uncommitted.
    ``mailed`` is how many items the email holds, where it leads on to the web page for the others.
    ``earlier``: stories of other issues that its own follow, the newest first; no part of the digest.
    ``variants``: where readers get different ones, all of them; the first is this edition, whose ``digest`` covers all.
    ``subject``, ``preheader``, ``web`` and ``stories`` show the defaults of attributes; ``mail_subject`` is the subject
    with slots, where it has any.
    ``html`` has its links' own addresses; the mail has those of ``clicks`` in place of them.
    ``web`` is the body of the archive page: headline block, key points, cover, intro, items, attribution; safe HTML.
    """

    slug: str
    title: str
    subject: str
    preheader: str
    language: str
    date: datetime.date
    html: Slotted
    text: Slotted
    web: str
    stories: tuple[EditionItem, ...]
    length: Length
    sizes: Sizes
    digest: str
    subtitle: str = ""
    number: int | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cover: Asset | None = None
    cover_alt: str = ""
    assets: tuple[Asset, ...] = ()
    publish_at: datetime.datetime | None = None
    deliver_at: datetime.time | None = None
    draft: bool = False
    audience: str | None = None
    commit: str | None = None
    mailed: int | None = None
    origin: tuple[EditionOrigin, ...] = ()
    earlier: tuple[EarlierStory, ...] = ()
    translation_of: str | None = None
    variants: tuple[Variant, ...] = ()
    mail_subject: Slotted | None = None
    clicks: CountedLinks | None = None

    @property
    def variant_names(self) -> tuple[str, ...]:
        """What the variants are called; that of a reader of whom nothing is known is the first."""
        return tuple(variant.name for variant in self.variants)

    @property
    def topics(self) -> tuple[str, ...]:
        """The tags of the issue and of its items, as written."""
        return (*self.tags, *(tag for story in self.stories for tag in story.tags))

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections that its items stand in, each once."""
        return tuple(dict.fromkeys(story.section for story in self.stories if story.section))

    @property
    def front(self) -> Front | None:
        """Its cover in a list."""
        return self.cover.front if self.cover else None

    def bytes_of(self, name: str) -> bytes:
        """The content of one of its assets."""
        return next(asset.content for asset in self.assets if asset.name == name)

    def of_commit(self, commit: str | None) -> Edition:
        """The edition as made of that commit."""
        return replace(self, commit=commit)

    @property
    def media(self) -> tuple[Front, ...]:
        """Its assets without their bytes."""
        return tuple(asset.front for asset in self.assets)


@dataclass(frozen=True, slots=True)
class Variant:
    """What readers get who meet ``condition``, with a digest of its own; its pictures are with the edition it is of."""

    name: str
    condition: str
    edition: Edition


class ThemeError(PublisherError):
    """A fault in a template; ``diagnostic`` says where. What cannot go on without the template ends with it."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        place = f"{diagnostic.path}:{diagnostic.span.line}: {diagnostic.message}"
        super().__init__(place, help=diagnostic.help, diagnostics=(diagnostic,))
        self.diagnostic = diagnostic
