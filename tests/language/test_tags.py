"""Language tags: one canonical form, and one answer to which language of ours a tag means."""

from __future__ import annotations

import pytest

from publisher.audience.columns import language_tag
from publisher.diagnostics.sentences import LANGUAGES
from publisher.documents.validate import canonical_language
from publisher.language import canonical, covers, first_spoken, nearest, tags
from publisher.language.tags import _USUAL, subtags


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-CN", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("zh-SG", "zh_Hans"),
        ("zh-Hans-HK", "zh_Hans"),
        ("zh-TW", "zh_Hant"),
        ("zh-HK", "zh_Hant"),
        ("zh-MO", "zh_Hant"),
        ("zh-Hant", "zh_Hant"),
        ("zh_TW", "zh_Hant"),
        ("zh-tw", "zh_Hant"),
        ("zh-CN-x-house", "zh_Hans"),
        ("yue", "zh_Hant"),
        ("en-GB", "en"),
        ("ja-JP", "ja"),
        ("de-AT", "de"),
        ("es-419", "es"),
        ("pt", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("ar-MA", "ar"),
        ("iw", "he"),
        ("sv", None),
        ("xx-nonsense", None),
        ("", None),
    ],
)
def test_a_tag_means_the_language_that_lookup_over_likely_subtags_finds(tag: str, language: str | None) -> None:
    assert nearest(tag) == language


@pytest.mark.parametrize(
    ("tag", "form"),
    [
        ("zh-cn", "zh-CN"),
        ("ZH-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("iw", "he"),
        ("de-1996-x-HOUSE", "de-1996-x-house"),
        ("x-Klingon-AB", "x-klingon-ab"),
        ("i-KLINGON", "i-klingon"),
        ("en-gb-oed", "en-GB-oed"),
        ("x-", None),
        ("zh_CN", None),
        ("en, ja", None),
        ("", None),
    ],
)
def test_a_tag_has_one_canonical_form(tag: str, form: str | None) -> None:
    assert canonical(tag) == form
    if form:
        assert (canonical_language(tag), language_tag(tag)) == (form, form)


def test_what_is_known_by_heart_is_what_the_cldr_says(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [(tag, subtags(tag)) for tag in _USUAL]
    monkeypatch.setattr(tags, "_USUAL", {})
    subtags.cache_clear()
    assert [(tag, subtags(tag)) for tag in _USUAL] == known
    subtags.cache_clear()


@pytest.mark.parametrize(
    ("wide", "tag", "told"),
    [
        ("zh", "zh-TW", True),
        ("zh-Hant", "zh-TW", True),
        ("zh-CN", "zh", True),
        ("zh-TW", "zh-HK", False),
        ("en", "en-GB", True),
        ("en-GB", "en-GB-x-house", True),
        ("en-GB-x-house", "en-GB", False),
        ("en", "enm", False),
        ("", "en", False),
    ],
)
def test_a_tag_covers_what_is_of_the_language_script_and_region_that_it_names(wide: str, tag: str, told: bool) -> None:
    assert covers(wide, tag) is told


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("zh_CN.UTF-8", "zh"),
        ("fr,en-GB;q=0.8", "en"),
        ("fr", None),
        ("C.UTF-8", None),
        ("*", None),
        ("", None),
    ],
)
def test_the_first_language_of_a_list_that_is_ours_is_taken(tags: str, wanted: str | None) -> None:
    assert first_spoken(tags, LANGUAGES) == wanted
