"""The content of a frame: the edition as a reader's device shows it, in a document without scripts.

The theme's dark styles use ``prefers-color-scheme``. A frame cannot set its browser's preference, so the media queries
are replaced here by ones that are always true or false.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.config import Config
from publisher.diagnostics import rendered, say
from publisher.edition.model import AnySlot, Edition, Slot
from publisher.edition.theme import Theme
from publisher.errors import PublisherError
from publisher.issue.folder import SERIES
from publisher.site.archive import arrange
from publisher.site.pages import ArchivePages

KINDS = ("email", "page", "text", "source")
_SHEET = re.compile(r"<style\b.*?</style>", re.DOTALL)
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")
_STYLESHEET = re.compile(r'<link rel="stylesheet"[^>]*>')
_NOT_HERE = re.compile(r'<link rel="(?:icon|alternate)"[^>]*>|<source[^>]*>|<script\b.*?</script>', re.DOTALL)
_UPWARDS = re.compile(r'(<[a-z][^<>]*? (?:href|src)=")\.\./\.\./')
_FEATURE = {True: "(min-width:0)", False: "(max-width:0)"}
SAMPLE: dict[AnySlot, str] = {slot: "" if slot is Slot.GREETING else f"#{slot.removesuffix('_url')}" for slot in Slot}
"""Values of the slots in a frame, safe in HTML and in plain text."""


@dataclass(frozen=True, slots=True)
class Look:
    """Options for showing an edition."""

    kind: str = "email"
    dark: bool = False
    images: bool = True
    variant: str = ""


def look(query: Mapping[str, str]) -> Look:
    """Read the options from the query of a URL."""
    kind, variant = query.get("kind", "email"), query.get("variant", "")
    return Look(kind, query.get("dark") == "1", query.get("images") != "0", variant)


def policy(look: Look, origin: str) -> str:
    """The Content-Security-Policy of a frame: only styles and our own images, never scripts."""
    images = f"{origin} data:" if look.images else "'none'"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {images}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; "
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


def scheme(document: str, dark: bool) -> str:
    """The document as a device in dark or light mode shows it."""

    def told(found: re.Match[str]) -> str:
        return _FEATURE[(found[1] == "dark") is dark]

    answered = _SHEET.sub(lambda sheet: _SCHEME.sub(told, sheet[0]), document)
    wanted = "dark" if dark else "light"
    style = f"<style>:root{{color-scheme:{wanted} !important}}</style>"
    return answered.replace("</head>", f"{style}</head>", 1)


def local(document: str, site: str) -> str:
    """Serve the archive's own pictures from this preview, so that pictures of drafts are shown."""
    return re.sub(rf"""(["'(;]){re.escape(site)}(?=(?:media|assets)/)""", r"\1/site/", document)


def archive_page(edition: Edition, config: Config) -> str:
    """The archive page of an edition, in an archive without other issues, with its style sheet inlined."""
    html = ArchivePages(config, arrange([edition], config.newsletter.language)).issue(edition).content.decode("utf-8")
    styles = Theme.of(config).style("web/style.css", "/site/assets/")
    html = _STYLESHEET.sub(lambda _: f"<style>{styles}</style>", _NOT_HERE.sub("", html))
    return _UPWARDS.sub(lambda tag: tag[1] + config.newsletter.url, html)


def plain(text: str, language: str, dark: bool) -> str:
    """A document that shows text or source as written."""
    colours = "#e8e6e1;background:#171614" if dark else "#22201c;background:#fffefb"
    return (
        f'<!doctype html><html lang="{html.escape(language)}"><head><meta charset="utf-8"><title>text</title><style>'
        f"body{{margin:0;padding:24px;color:{colours}}}pre{{white-space:pre-wrap;unicode-bidi:plaintext;overflow-wrap:anywhere;margin:0;"
        "font:15px/1.65 ui-monospace,SFMono-Regular,Menlo,Consolas,'Noto Sans Mono CJK SC',monospace}"
        f"</style></head><body><pre>{html.escape(text)}</pre></body></html>"
    )


def document(edition: Edition, look: Look, config: Config) -> str:
    """The HTML of a frame; if the theme is broken, the error and its remedy."""
    mailed = next((one.edition for one in edition.variants if one.name == look.variant), edition)
    if look.kind == "page" and edition.slug.startswith(f"{SERIES}/"):
        return plain(rendered(say("A step of a series has no page in the archive.")), "en", look.dark)
    if look.kind == "text":
        return plain(mailed.text.with_values(SAMPLE), edition.language, look.dark)
    try:
        markup = archive_page(edition, config) if look.kind == "page" else mailed.html.with_values(SAMPLE)
    except PublisherError as error:
        return plain(f"{error.message}\n{error.help or ''}", "en", look.dark)
    if look.kind == "source":
        return plain(markup, edition.language, look.dark)
    return scheme(local(markup, config.newsletter.url), look.dark)
