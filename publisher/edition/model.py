"""The edition: the frozen rendering of an issue, independent of any recipient."""

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
    """Values filled in for each recipient when mailing. Each is plain text or a URL, never markup."""

    UNSUBSCRIBE_URL = "unsubscribe_url"
    PREFERENCES_URL = "preferences_url"
    GREETING = "greeting"


SlotPlace = Literal["text", "html", "url"]


@dataclass(frozen=True, slots=True)
class Personal:
    """Slot for the subscriber's attribute ``name``, or its default. The value is plain text.

    ``place``: in plain text, in text or an attribute of HTML, or in a URL. ``type`` and ``choices`` restrict values.
    """

    name: str
    default: str
    place: SlotPlace
    type: str = "text"
    choices: tuple[str, ...] = ()

    def encoded(self, value: str) -> str:
        """Encode a value for its place."""
        return quote(value, safe="") if self.place == "url" else escape(value) if self.place == "html" else value


AnySlot = Slot | Personal

SAMPLE: dict[AnySlot, str] = {
    Slot.UNSUBSCRIBE_URL: "https://example.com/unsubscribe/sample",
    Slot.PREFERENCES_URL: "https://example.com/preferences/sample",
    Slot.GREETING: "",
}
"""Values of the slots if there is no recipient; the same in HTML and in plain text."""


@dataclass(frozen=True, slots=True)
class Slotted:
    """Literals, of which the first may be empty, and slots in turn. Slots are no text, so no author can forge one."""

    parts: tuple[str | AnySlot, ...]

    def fill(self, value: Callable[[AnySlot], str]) -> str:
        """Return the text with each slot replaced by ``value(slot)``, which must be escaped for its place."""
        return "".join(value(part) if isinstance(part, AnySlot) else part for part in self.parts)

    def with_values(self, values: Mapping[AnySlot, str]) -> str:
        """Return the text with each slot replaced from ``values``, or by the default of a personal slot."""

        def value(slot: AnySlot) -> str:
            return slot.encoded(slot.default) if isinstance(slot, Personal) and slot not in values else values[slot]

        return self.fill(value)

    def __str__(self) -> str:
        """The text with sample values, for files and for counting bytes."""
        return self.with_values(SAMPLE)

    def behind(self, words: str) -> Slotted:
        """Return the text with ``words`` prepended."""
        return Slotted((f"{words}{self.parts[0]}", *self.parts[1:]))

    @property
    def slots(self) -> frozenset[AnySlot]:
        """The distinct slots of the text."""
        return frozenset(part for part in self.parts if isinstance(part, AnySlot))


@dataclass(frozen=True, slots=True)
class Length:
    """Reading length of the items. ``unit`` is ``characters`` or ``words``; minutes are rounded up."""

    count: int
    unit: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Asset:
    """File that pages and messages refer to. ``name`` is relative to the site's root and contains a content hash.

    ``copied``: converted for mail, not a file of the repository. ``scaled``: pages show smaller copies of it.
    ``clear``: it has transparent parts.
    """

    name: str
    content: bytes
    media_type: str
    width: int | None = None
    height: int | None = None
    copied: bool = False
    scaled: bool = False
    clear: bool = False

    @property
    def front(self) -> Front:
        """The asset without its bytes."""
        return Front(self.name, self.width, self.height, self.scaled, self.clear)


class Front(NamedTuple):
    """Picture without its bytes: asset name, size in pixels, ``scaled`` and ``clear`` as in :class:`Asset`."""

    name: str
    width: int | None
    height: int | None
    scaled: bool = False
    clear: bool = False


@dataclass(frozen=True, slots=True)
class EditionItem:
    """Item as the archive needs it. ``html`` is safe, has absolute URLs and no headline."""

    anchor: str
    headline: str
    html: str
    text: str
    tags: tuple[str, ...] = ()
    section: str | None = None


@dataclass(frozen=True, slots=True)
class EditionOrigin:
    """Text that a model wrote, and who reviewed it. ``where``: ``issue``, ``intro``, ``key_points``, an item's
    anchor, or anchor and part, such as ``openai-pbc.body``.
    """

    where: str
    by: str
    grade: str
    reviewed_by: tuple[str, ...]


Searched = tuple[str, tuple[tuple[str, str, str], ...]]


class EarlierStory(NamedTuple):
    """Link from the item at ``anchor`` to the earlier story it follows: slug of its issue, its anchor and headline."""

    anchor: str
    slug: str
    at: str
    headline: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes in bytes: the HTML, the HTML as encoded in a message, the text, a whole message."""

    html: int
    html_encoded: int
    text: int
    message: int


@dataclass(frozen=True, slots=True)
class CountedLinks:
    """Links of an email whose clicks are counted, as (number, URL) in its order; the mail has ``base`` and the number.

    Numbers begin at 1. Links that only other variants have come last.
    """

    base: str
    links: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """Everything a reader gets, independent of the recipient.

    ``digest`` is ``sha256:`` and 64 hex digits over subject, preheader, HTML, text, web page body and assets.
    ``commit`` is the last commit that changed a source of the edition; None outside git or with uncommitted changes.
    ``mailed`` is the number of items in the email if the others are only on the web page, otherwise None.
    ``earlier``: stories of other issues that its own follow, newest first; not part of the digest.
    ``variants``: all variants, if readers get different ones; the first is this edition, whose ``digest`` covers all.
    ``subject``, ``preheader``, ``web`` and ``stories`` show the defaults of attributes; ``mail_subject`` is the subject
    with slots, if it has any.
    ``html`` has the original addresses of links; the mail has those of ``clicks`` instead.
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
        """The names of the variants; the first is for subscribers without attributes."""
        return tuple(variant.name for variant in self.variants)

    @property
    def topics(self) -> tuple[str, ...]:
        """The tags of the issue and of its items, as written."""
        return (*self.tags, *(tag for story in self.stories for tag in story.tags))

    @property
    def sections(self) -> tuple[str, ...]:
        """The distinct sections of its items, in order."""
        return tuple(dict.fromkeys(story.section for story in self.stories if story.section))

    @property
    def front(self) -> Front | None:
        """The cover without its bytes, or None."""
        return self.cover.front if self.cover else None

    def bytes_of(self, name: str) -> bytes:
        """The content of the asset ``name``."""
        return next(asset.content for asset in self.assets if asset.name == name)

    def of_commit(self, commit: str | None) -> Edition:
        """Return the edition with another ``commit``."""
        return replace(self, commit=commit)

    @property
    def searched(self) -> Searched:
        """The texts that search covers: those around the stories, and anchor, headline and text of each story."""
        from publisher.edition.search import searched

        return searched(self)

    @property
    def media(self) -> tuple[Front, ...]:
        """The assets without their bytes."""
        return tuple(asset.front for asset in self.assets)


@dataclass(frozen=True, slots=True)
class Variant:
    """Edition for readers who meet ``condition``, with its own digest; its pictures are in the enclosing edition."""

    name: str
    condition: str
    edition: Edition


class ThemeError(PublisherError):
    """Fault in a template; ``diagnostic`` has its place."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        place = f"{diagnostic.path}:{diagnostic.span.line}: {diagnostic.message}"
        super().__init__(place, help=diagnostic.help, diagnostics=(diagnostic,))
        self.diagnostic = diagnostic
