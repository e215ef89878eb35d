"""What a frame shows: the edition as a reader's device would, in a document where nothing can run.

The theme's own dark styles hang on ``prefers-color-scheme``; a frame cannot ask its browser to prefer another, so the
query itself is answered here, which every browser then agrees on.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from publisher.edition.model import Edition, Slot, Slotted

KINDS = ("email", "page", "text", "source")
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")
_FEATURE = {True: "(min-width:0)", False: "(max-width:0)"}
SAMPLE = {
    Slot.UNSUBSCRIBE_URL: "#unsubscribe",
    Slot.PREFERENCES_URL: "#preferences",
    Slot.GREETING: "",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How to look at an edition."""

    kind: str = "email"
    dark: bool = False
    images: bool = True


def policy(look: Look, origin: str) -> str:
    """The Content-Security-Policy of a frame: styles and our own images, nothing else, and no script ever."""
    images = f"{origin} data:" if look.images else "'none'"
    return (
        f"default-src 'none'; style-src 'unsafe-inline' {origin}; img-src {images}; font-src {origin}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; "
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    )


def scheme(document: str, dark: bool) -> str:
    """The document as a device in dark or light mode shows it."""
    answered = _SCHEME.sub(lambda found: _FEATURE[(found[1] == "dark") is dark], document)
    wanted = "dark" if dark else "light"
    style = f"<style>:root{{color-scheme:{wanted} !important}}</style>"
    return answered.replace("</head>", f"{style}</head>", 1)


def local(document: str, site: str) -> str:
    """The document with the archive's own addresses led to this preview, so that images of a draft show."""
    return document.replace(f'"{site}assets/', '"/assets/').replace(f'"{site}issues/', '"/live/issues/')


def filled(text: Slotted, *, markup: bool) -> str:
    """The text with harmless values in its slots."""
    return text.fill(lambda slot: html.escape(SAMPLE[slot]) if markup else SAMPLE[slot])


def plain(text: str, language: str, dark: bool) -> str:
    """Text or source as a document that shows it as written."""
    colours = "#e8e6e1;background:#171614" if dark else "#22201c;background:#fffefb"
    return (
        f'<!doctype html><html lang="{html.escape(language)}"><head><meta charset="utf-8"><title>text</title><style>'
        f"body{{margin:0;padding:24px;color:{colours}}}pre{{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;"
        "font:15px/1.65 ui-monospace,SFMono-Regular,Menlo,Consolas,'Noto Sans Mono CJK SC',monospace}"
        f"</style></head><body><pre>{html.escape(text)}</pre></body></html>"
    )


def document(edition: Edition, look: Look, site: str, page: str | None) -> str:
    """The HTML of a frame. ``page`` is the archive page, where one can be built."""
    match look.kind:
        case "text":
            return plain(filled(edition.text, markup=False), edition.language, look.dark)
        case "source":
            return plain(filled(edition.html, markup=True), edition.language, look.dark)
        case "page" if page is not None:
            return scheme(local(page, site), look.dark)
        case _:
            return scheme(local(filled(edition.html, markup=True), site), look.dark)
