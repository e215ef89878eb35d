"""A language is one folder, and a folder is whole: every word, the right plural forms, the same places, compiled."""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from babel import Locale as Cldr
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from publisher.language import Locale, nearest, spoken
from publisher.language import locale as room
from tools import catalogs

PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
SETTINGS = {"serif", "fonts", "line_height", "counts", "breaks", "timezone"}


def catalog(language: str) -> Catalog:
    file = room.LOCALES / language / "LC_MESSAGES" / "publisher.po"
    with file.open("rb") as opened:
        return read_po(opened, locale=language, abort_invalid=True)


@pytest.mark.parametrize("language", spoken())
def test_a_language_says_everything_with_the_same_places(language: str) -> None:
    english, own = catalog("en"), catalog(language)
    assert [(m.context, m.id) for m in own] == [(m.context, m.id) for m in english]
    form_of = _form(own)
    for message in (one for one in own if one.id):
        texts = [message.string] if isinstance(message.string, str) else [*message.string]
        source = english.get(message.id, message.context).string
        wanted = {*PLACE.findall(source if isinstance(source, str) else source[-1])}
        free = {"{newsletter}"} if message.context == "service" else set()  # its name may stand in any of them
        assert all(texts), f"{message.id} is not translated"
        assert not message.fuzzy, message.id
        assert len(texts) == (1 if isinstance(message.id, str) else own.num_plurals), message.id
        for form, text in enumerate(texts):
            # A form of one number alone, as Arabic has for one and for two, may name it in a word.
            alone = len(texts) > 1 and sum(form_of(n) == form for n in range(200)) == 1
            missing = wanted - free - {*PLACE.findall(text)}
            assert {*PLACE.findall(text)} <= wanted | free, text
            assert not missing or (alone and len(missing) == 1), text


@pytest.mark.parametrize("language", spoken())
def test_the_plural_forms_are_those_of_the_cldr(language: str) -> None:
    """One form for each category of the CLDR, and no others."""
    form, cldr = _form(catalog(language)), Cldr.parse(language)
    pairs = {(form(n), cldr.plural_form(n)) for n in range(1001)}
    assert len(pairs) == len({category for _, category in pairs}) == len({n for n, _ in pairs})
    assert {n for n, _ in pairs} == {*range(catalog(language).num_plurals)}


@pytest.mark.parametrize("language", spoken())
def test_a_language_is_compiled_and_set(language: str) -> None:
    compiled = room.catalog(language)
    for message in (one for one in catalog(language) if isinstance(one.id, str) and one.id):
        assert compiled.pgettext(str(message.context), str(message.id)) == message.string, "run make catalogs"
    settings = yaml.safe_load((room.LOCALES / language / "locale.yaml").read_text(encoding="utf-8"))
    assert settings.keys() <= SETTINGS
    assert all(isinstance(value, str) for value in settings.values())
    assert ZoneInfo(settings["timezone"])


def test_a_new_language_is_one_folder_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of docs/languages.md, with Esperanto: begin it, translate, compile."""
    locales = tmp_path / "locales"
    for file in (room.LOCALES / "en").rglob("*.*"):
        copied = locales / file.relative_to(room.LOCALES)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(file.read_bytes())
    monkeypatch.setattr(room, "LOCALES", locales)
    for held in (room.spoken, room.nearest, room.catalog, room._setting):
        held.cache_clear()
    try:
        catalogs.main("eo", locales=locales)
        po = locales / "eo" / "LC_MESSAGES" / "publisher.po"
        text = po.read_text(encoding="utf-8")
        assert text.count('msgstr ""') == len([m for m in catalog("en") if isinstance(m.id, str)])
        assert "#. English: Key points" in text
        po.write_text(text.replace('msgid "key_points"\nmsgstr ""', 'msgid "key_points"\nmsgstr "Ĉefaĵoj"'), "utf-8")
        catalogs.main(locales=locales)
        assert nearest("eo-FR") == "eo"
        assert Locale.of("eo", {})("key_points") == "Ĉefaĵoj"
        assert po.read_text(encoding="utf-8").count("Ĉefaĵoj") == 1
    finally:
        monkeypatch.undo()
        for held in (room.spoken, room.nearest, room.catalog, room._setting):
            held.cache_clear()


def _form(catalog: Catalog) -> gettext.c2py:
    return gettext.c2py(catalog.plural_expr)
