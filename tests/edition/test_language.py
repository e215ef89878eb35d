from __future__ import annotations

import io
from datetime import date

import pytest
from babel.messages.pofile import read_po

from publisher.edition.catalogs import compiled, source
from publisher.edition.language import CATALOGS, Words, catalog_of
from tests.edition.make import config, edition, html_of, item


@pytest.mark.parametrize(
    ("tag", "catalog"),
    [
        ("zh-CN", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("zh-SG", "zh_Hans"),
        ("zh-Hans-HK", "zh_Hans"),
        ("zh-TW", "zh_Hant"),
        ("zh-HK", "zh_Hant"),
        ("zh-Hant", "zh_Hant"),
        ("zh_TW", "zh_Hant"),
        ("zh-tw", "zh_Hant"),
        ("zh-CN-x-house", "zh_Hans"),
        ("en-GB", "en"),
        ("ja-JP", "ja"),
        ("fr", "en"),
        ("xx-nonsense", "en"),
        ("", "en"),
    ],
)
def test_a_language_finds_its_catalog(tag: str, catalog: str) -> None:
    assert catalog_of(tag) == catalog


@pytest.mark.parametrize("catalog", CATALOGS)
def test_every_catalog_says_everything_and_is_compiled(catalog: str) -> None:
    def messages(name: str) -> dict[object, object]:
        read = read_po(io.BytesIO(source(name).read_bytes()), locale=name, abort_invalid=True)
        return {message.id: message for message in read if message.id}

    english, own = messages("en"), messages(catalog)
    assert list(own) == list(english)
    for message in own.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)  # type: ignore[attr-defined]
        assert all(strings), f"{message.id} is not translated"  # type: ignore[attr-defined]
        assert not message.fuzzy  # type: ignore[attr-defined]
    assert source(catalog).with_suffix(".mo").read_bytes() == compiled(catalog)


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("zh-CN", "2024年12月29日"),
        ("zh-TW", "2024年12月29日"),
        ("en", "December 29, 2024"),
        ("en-GB", "29 December 2024"),
        ("ja", "2024年12月29日"),
    ],
)
def test_dates_are_written_as_the_language_writes_them(tag: str, written: str) -> None:
    assert Words.of(tag, config()).date(date(2024, 12, 29)) == written


@pytest.mark.parametrize(
    ("tag", "label"),
    [("zh-CN", "点评："), ("zh-TW", "點評："), ("en", "Commentary"), ("ja", "解説："), ("fr", "Commentary")],
)
def test_the_commentary_has_the_label_of_its_language(tag: str, label: str) -> None:
    made = edition(item("a", "b", "c"), language=tag)
    for shown in (html_of(made), made.web, made.text.fill(str)):
        assert label in shown


def test_labels_of_config_override_and_the_most_specific_tag_wins() -> None:
    own = config(labels={"zh": {"source": "见："}, "zh-TW": {"source": "見："}, "en": {"source": "From "}})
    assert Words.of("zh-TW", own)("source") == "見："
    assert Words.of("zh-CN", own)("source") == "见："
    assert Words.of("en-GB", own)("source") == "From "
    assert Words.of("ja", own)("source") == "出典："


def test_a_label_with_a_stray_percent_sign_is_shown_as_written() -> None:
    own = config(labels={"en": {"number": "100% %(number)s %(nobody)s %"}})
    assert Words.of("en", own)("number", number=5) == "100% 5 %(nobody)s %"


def test_a_word_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        Words.of("en", config())("no such word")


def test_one_word_is_singular() -> None:
    assert "1 word · 1 min read" in html_of(edition(item("One", "<!-- -->"), language="en"))
