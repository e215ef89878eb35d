"""An edition as files: what ``build`` leaves under ``email/<slug>/``."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path
from typing import Any

from publisher.edition.model import Edition
from publisher.edition.slots import SAMPLE


def manifest(edition: Edition) -> dict[str, Any]:
    """``edition.json``."""
    sizes, length = edition.sizes, edition.length
    return {
        "slug": edition.slug,
        "title": edition.title,
        "subject": edition.subject,
        "preheader": edition.preheader,
        "language": edition.language,
        "digest": edition.digest,
        "commit": edition.commit,
        "length": {"count": length.count, "unit": length.unit, "minutes": length.minutes},
        "sizes": {
            "html": sizes.html,
            "html_encoded": sizes.html_encoded,
            "text": sizes.text,
            "message": sizes.message,
        },
    }


def email_files(edition: Edition) -> dict[str, bytes]:
    """``email.html``, ``email.txt`` and ``edition.json`` by name."""
    return {
        "email.html": edition.html.fill(lambda slot: escape(SAMPLE[slot])).encode(),
        "email.txt": edition.text.with_values(SAMPLE).encode(),
        "edition.json": (json.dumps(manifest(edition), ensure_ascii=False, indent=2) + "\n").encode(),
    }


def write_email(edition: Edition, folder: Path) -> None:
    """Write the files of an edition into ``folder``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in email_files(edition).items():
        partial = folder / f".{name}.{os.getpid()}"
        partial.write_bytes(content)
        partial.replace(folder / name)
