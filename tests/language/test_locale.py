"""A locale: the words of an edition and the archive, dates, greeting, and what ``labels`` of config.yaml replace."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from publisher.config.names import unsupported_language
from publisher.language import Locale, Words, spoken
from publisher.language.locale import CATEGORIES, labels
from tests.edition.make import config, edition, html_of, item


def locale(tag: str, **own: dict[str, str]) -> Locale:
    return Locale.of(tag, {name.replace("_", "-"): words for name, words in own.items()})


@pytest.mark.parametrize(
    ("tag", "written", "short"),
    [
        ("zh-CN", "2024年2月3日", "2月3日"),
        ("zh-TW", "2024年2月3日", "2月3日"),
        ("ja", "2024年2月3日", "2月3日"),
        ("ko", "2024년 2월 3일", "2월 3일"),
        ("en", "February 3, 2024", "Feb 3"),
        ("en-GB", "3 February 2024", "3 Feb"),
        ("de", "3. Februar 2024", "3. Feb."),
        ("pt-BR", "3 de fevereiro de 2024", "3 de fev."),
        ("ar", "3 فبراير 2024", "3 فبراير"),
        ("he", "3 בפברואר 2024", "3 בפבר׳"),
        ("sv", "3 februari 2024", "3 feb."),
    ],
)
def test_dates_are_written_as_the_language_writes_them(tag: str, written: str, short: str) -> None:
    day = date(2024, 2, 3)
    assert (locale(tag).date(day), locale(tag).short_date(day)) == (written, short)


@pytest.mark.parametrize(
    ("tag", "label"),
    [
        ("zh-CN", "点评："),
        ("zh-TW", "點評："),
        ("en", "Commentary"),
        ("ja", "解説："),
        ("de", "Kommentar"),
        ("ar", "تعليق"),
        ("sv", "Commentary"),
    ],
)
def test_the_commentary_has_the_label_of_its_language(tag: str, label: str) -> None:
    made = edition(item("a", "b", "c"), language=tag)
    for shown in (html_of(made), made.web, made.text.fill(str)):
        assert label in shown


def test_labels_of_config_override_and_the_most_specific_tag_wins() -> None:
    own: Any = {"zh": {"source": "见："}, "zh-TW": {"source": "見："}, "en": {"source": "From "}}
    assert Locale.of("zh-TW", own)("source") == "見："
    assert Locale.of("zh-CN", own)("source") == "见："
    assert Locale.of("en-GB", own)("source") == "From "
    assert Locale.of("ja", own)("source") == "出典："


def test_a_label_may_have_a_form_for_a_plural_category() -> None:
    own = locale("en", en={"archive_count": "{count} letters", "archive_count_one": "one letter"})
    assert [Words("archive", own)("count", count=n) for n in (0, 1, 2)] == ["0 letters", "one letter", "2 letters"]
    assert {"archive_count_one", "length_few", "service_mail_ignore"} <= labels().keys()


def test_labels_that_hold_every_word_silence_the_finding_and_one_less_does_not() -> None:
    words = {word: "x" for word in labels() if not word.endswith(CATEGORIES)}
    assert unsupported_language("sv", config(labels={"sv": words})) is None
    del words["archive_missing_title"]
    assert unsupported_language("sv", config(labels={"sv": words}))
    assert [bool(unsupported_language(tag, config())) for tag in ("de-AT", "zh-HK", "pt", "pt-PT")] == [
        False,
        False,
        False,
        True,
    ]


def test_a_label_with_a_stray_percent_sign_is_shown_as_written() -> None:
    assert locale("en", en={"number": "100% %(number)s %(nobody)s %"})("number", number=5) == "100% 5 %(nobody)s %"


def test_a_value_is_never_a_template() -> None:
    say = Words("service", locale("en"), newsletter="{days} %(name)s")
    assert say("mail_subject") == "Please confirm: {days} %(name)s"
    assert locale("en").greeting("%(name)s {name}") == "Hello %(name)s {name},"


def test_a_word_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        locale("en")("no such word")
    with pytest.raises(KeyError):
        Words("archive", locale("en"))["key_points"]  # of another surface


def test_one_word_is_singular() -> None:
    assert "1 word · 1 min read" in html_of(edition(item("One", "<!-- -->"), language="en"))


@pytest.mark.parametrize(("number", "said"), [(1, "كلمة واحدة"), (2, "كلمتان"), (5, "5 كلمات"), (11, "11 كلمة")])
def test_arabic_counts_as_arabic_does(number: int, said: str) -> None:
    assert locale("ar")("length", count=number, minutes=1).startswith(f"{said} · ")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en", "Hello Ada,"),
        ("zh-TW", "Ada，你好！"),
        ("ja", "Ada様"),
        ("de", "Hallo Ada,"),
        ("ko", "Ada 님, 안녕하세요."),
    ],
)
def test_a_reader_is_greeted_in_the_language_and_the_unnamed_not_at_all(tag: str, said: str) -> None:
    assert locale(tag).greeting(" Ada ") == said
    assert locale(tag).greeting(" ") == ""


def test_what_is_written_from_right_to_left_says_so() -> None:
    assert {tag for tag in spoken() if locale(tag).direction == "rtl"} == {"ar", "he"}
    assert [locale(tag).direction for tag in ("fa", "az-Arab", "az", "yi")] == ["rtl", "rtl", "ltr", "rtl"]


def test_an_edition_without_words_of_its_own_keeps_its_dates() -> None:
    assert "3 februari 2024" in html_of(edition(item("a", "b"), language="sv", date=date(2024, 2, 3)))
    assert config().newsletter.language == "zh-CN"
