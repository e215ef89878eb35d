"""An edition as files: what ``build`` leaves under ``email/<slug>/``."""

from __future__ import annotations

import json
from typing import Any

from publisher.edition.model import Edition

EMAIL_FILES = ("email.html", "email.txt", "edition.json")


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
        "email.html": str(edition.html).encode(),
        "email.txt": str(edition.text).encode(),
        "edition.json": (json.dumps(manifest(edition), ensure_ascii=False, indent=2) + "\n").encode(),
    }
