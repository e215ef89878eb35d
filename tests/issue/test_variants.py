"""Variants by ``only``: a few complete issues, distinguished by their content."""

from __future__ import annotations

from publisher.issue.variants import IssueVariant, for_anyone, variants_of
from tests.edition.make import issue, item

BERLIN = "::: only city:Berlin\nIn Berlin.\n:::"


def variants(*items: object, **values: object) -> dict[str, IssueVariant]:
    found, wrong = variants_of(issue(*items, **values), "zh-CN")  # type: ignore[arg-type]
    assert wrong == []
    return {variant.name: variant for variant in found}


def codes(*items: object, **values: object) -> list[str]:
    return [one.code for one in variants_of(issue(*items, **values), "zh-CN")[1]]  # type: ignore[arg-type]


def test_an_issue_without_conditions_is_its_own_only_variant() -> None:
    whole = issue(item("A", "Say only: ::: is no container."))
    assert variants_of(whole, "zh-CN") == ((("default", "", whole),), [])
    assert for_anyone(whole, "zh-CN") is whole


def test_a_container_is_kept_for_its_readers_and_blank_lines_stand_for_it_for_others() -> None:
    found = variants(item("A", f"Before.\n{BERLIN}\nAfter."))
    assert list(found) == ["default", "city-berlin"]
    assert found["default"].issue.items[0].body.text == "Before.\n\n\n\nAfter."
    assert found["city-berlin"].issue.items[0].body.text == "Before.\n\nIn Berlin.\n\nAfter."
    assert [found[name].condition for name in found] == ["not city:Berlin", "city:Berlin"]
    body = found["city-berlin"].issue.items[0].body
    assert body.place(2, 0, 2).span.line == 3


def test_colons_in_code_are_no_container() -> None:
    assert list(variants(item("A", f"```\n{BERLIN}\n```"))) == ["default"]


def test_an_item_intro_and_commentary_vanish_for_whom_they_are_not() -> None:
    found = variants(
        item("A", "Text.", BERLIN, anchor="a"), item("B", "Text.", anchor="b", only="topic:ai"), intro=BERLIN
    )
    default = found["default"].issue
    assert [one.anchor for one in default.items] == ["a"]
    assert (default.intro, default.items[0].commentary) == (None, None)
    everything = found["city-berlin_topic-ai"].issue
    assert [one.anchor for one in everything.items] == ["a", "b"]
    assert everything.intro == everything.items[0].commentary != None  # noqa: E711


def test_variants_are_counted_by_what_is_left_not_by_conditions() -> None:
    languages = "\n\n".join(
        f"::: only language:{tag}\n{tag}\n:::" for tag in ("zh", "en", "de", "fr", "ja", "ko", "pt")
    )
    assert len(variants(item("A", f"Text.\n\n{languages}"))) == 8
    within = item("A", f"Text.\n\n{BERLIN}", anchor="a", only="topic:ai")
    found = variants(within, item("B", "Text.", anchor="b"))
    assert {name: one.condition for name, one in found.items()} == {
        "default": "not topic:ai",
        "topic-ai": "topic:ai and not city:Berlin",
        "topic-ai_city-berlin": "topic:ai and city:Berlin",
    }
    same = "::: only topic:ai\nOne.\n:::\n\n::: only not topic:ai\nOne.\n:::"
    assert list(variants(item("A", same))) == ["default"]
    spelled = "Text.\n\n::: only topic:ai\nOne.\n:::\n\n::: only topic = ai or topic:ai\nTwo.\n:::"
    assert len(variants(item("A", spelled))) == 2


def test_the_first_variant_is_that_of_a_reader_of_whom_nothing_is_known() -> None:
    body = "Text.\n\n::: only language:zh\nZh.\n:::\n\n::: only not topic:ai\nNo AI.\n:::"
    body += "\n\n::: only age < 18\nYoung.\n:::"
    default = for_anyone(issue(item("A", body)), "zh-CN").items[0].body.text
    assert "Zh." in default
    assert "No AI." in default
    assert "Young." not in default
    assert "Zh." not in for_anyone(issue(item("A", body)), "en").items[0].body.text


def test_names_are_safe_short_and_each_once() -> None:
    body = "Text.\n\n::: only city:北京\nB.\n:::\n\n::: only city:上海\nS.\n:::\n\n::: only age < 18\nY.\n:::"
    names = list(variants(item("A", body)))
    assert names == ["default", "age-lt-18", "city", "city_age-lt-18", "city-2", "city_age-lt-18-2"]


def test_nine_variants_are_too_many_and_eight_are_not() -> None:
    def body(*conditions: str) -> str:
        return "Text.\n\n" + "\n\n".join(f"::: only {one}\n{one}\n:::" for one in conditions)

    assert codes(item("A", body("topic:a", "topic:b", "topic:c"))) == []
    assert codes(item("A", body("topic:a", "topic:b", "city:C", "city:D"))) == ["too-many-variants"]
    assert codes(item("A", body(*(f"topic:{n}" for n in range(300))))) == ["too-many-variants"]


def test_no_variant_is_empty() -> None:
    assert codes(item("A", BERLIN)) == ["empty-variant"]
    assert codes(item("A", f"<!-- nothing -->\n{BERLIN}")) == ["empty-variant"]
    assert codes(item("A", "Text.", only="topic:ai"), item("B", "Text.", only="topic:b")) == ["empty-variant"]
    assert codes(item("A", f"{BERLIN}\n\n::: only not city:Berlin\nElsewhere.\n:::")) == []


def test_what_is_wrong_with_a_container_keeps_the_issue_from_having_variants() -> None:
    assert codes(item("A", f"Text.\n\n> {BERLIN.replace(chr(10), chr(10) + '> ')}")) == ["container-nested"]
    assert codes(item("A", "Text.\n\n::: only city:Berlin\nIn Berlin.\n")) == ["container-unclosed"]
    assert codes(item("A", "Text.\n\n::: only city\nIn Berlin.\n:::")) == ["bad-audience"]
    assert codes(item("A", "Text.\n\n::: only topic:a and not topic:a\nNobody.\n:::")) == ["bad-audience"]
