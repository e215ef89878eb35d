"""Compile the catalogs: ``python -m publisher.edition.catalogs`` makes each ``publisher.mo`` of its ``publisher.po``.

The compiled files are committed (a wheel holds them); a test compares them with what this module makes.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from publisher.edition.language import CATALOGS, LOCALES


def source(catalog: str) -> Path:
    """The ``.po`` file of a catalog."""
    return LOCALES / catalog / "LC_MESSAGES" / "publisher.po"


def compiled(catalog: str) -> bytes:
    """The ``.mo`` bytes of a catalog; the same for the same ``.po``."""
    with source(catalog).open("rb") as file:
        messages = read_po(file, locale=catalog)
    # Babel would write the present minute where the file names no date.
    messages.creation_date = messages.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    out = io.BytesIO()
    write_mo(out, messages)
    return out.getvalue()


def main() -> None:
    """Compile all."""
    for catalog in CATALOGS:
        source(catalog).with_suffix(".mo").write_bytes(compiled(catalog))


if __name__ == "__main__":
    main()
