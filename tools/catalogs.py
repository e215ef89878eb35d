"""``make catalogs``: bring the words of ``en`` into the other languages' catalogs, and compile what there is.

``python -m tools.catalogs sv`` begins Swedish: an empty catalog with the plural forms of the language.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import IO

import yaml
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from publisher.language.locale import LOCALES

TOLD = {"means", "action", "reason", "cure", "desk", "description"}
"""The keys of our YAML files whose values operators read: they are sentences as those of :func:`say`; so are the
entries of a list below ``words``.
"""


def sentences(file: IO[bytes], *_: object, **__: object) -> Iterator[tuple[int, str, str, list[str]]]:
    """What Babel finds in a YAML file: line, function, sentence, no comments."""
    nodes: list[yaml.Node | None] = []
    with suppress(yaml.YAMLError):  # a template of a file
        nodes = [yaml.compose(file.read())]
    for node in nodes:
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            nodes.append(value)
            for told in value.value if key.value == "words" else [value] if key.value in TOLD else ():
                if isinstance(told, yaml.ScalarNode):
                    yield told.start_mark.line + 1, "say", told.value, []


def main(*begun: str, locales: Path = LOCALES) -> None:
    """Begin the languages that are named, bring all up to the words of ``en``, and compile."""
    for name in begun:
        file = locales / name / "LC_MESSAGES" / "publisher.po"
        file.parent.mkdir(parents=True)
        _write(file, Catalog(name))
        (locales / name / "locale.yaml").write_text("timezone: UTC # of a new newsletter\n", encoding="utf-8")
    english = _read(locales / "en" / "LC_MESSAGES" / "publisher.po")
    for file in sorted(locales.glob("*/LC_MESSAGES/publisher.po")):
        if file.parts[-3] != "en":
            _write(file, _updated(_read(file), english))
    for file in sorted(locales.glob("*/LC_MESSAGES/*.po")):
        with file.with_suffix(".mo").open("wb") as out:
            write_mo(out, _read(file))


def _updated(catalog: Catalog, english: Catalog) -> Catalog:
    """The catalog with the messages of ``en`` in their order, English as a note; what is new is empty."""
    made = Catalog(catalog.locale, header_comment=english.header_comment, fuzzy=False)
    made.mime_headers = catalog.mime_headers
    for message in (copy(one) for one in english if one.id):
        text = message.string if isinstance(message.string, str) else (message.string or [""])[-1]
        message.auto_comments = [*message.auto_comments, f"English: {text}"]
        message.flags = {"python-format"} if "%(" in text else {"python-brace-format"} if "{" in text else set()
        known = catalog.get(message.id, message.context)
        blank = ("",) * catalog.num_plurals if message.pluralizable else ""
        message.string = known.string if known and bool(known.pluralizable) == bool(message.pluralizable) else blank
        made[message.id] = message
    return made


def _read(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=str(Locale.parse(file.parts[-3])))


def _write(file: Path, catalog: Catalog) -> None:
    with file.open("wb") as out:
        write_po(out, catalog, width=110, sort_output=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
