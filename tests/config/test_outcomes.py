"""Combined outcomes of conditions: exactly those that readers can have, computed in bounded time."""

from __future__ import annotations

from itertools import product
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.config.outcomes import decide, outcomes
from publisher.config.segments import parse_segment

LANGUAGES = ("zh-CN", "zh", "en", "en-GB", "fr")
CITIES = ("", "Berlin", "Paris", "Aa", "Ba", "Zz", "C")
AGES = ("", "x", "-1", "17", "17.5", "18", "018", "18.0", "30")
TESTS = (
    *("topic:a", "topic:b", "language:zh", "language:zh-cn", "language:en", "language:en-gb"),
    *("city:Berlin", "city != Paris", "city > B", "city < Berlin", "age < 18", "age >= 18", "age:18", "age > 17"),
)


def conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(TESTS),
        lambda part: st.one_of(
            part.map("not ({})".format),
            st.tuples(part, st.sampled_from(("and", "or")), part).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        ),
        max_leaves=4,
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(conditions(), min_size=1, max_size=3))
def test_the_outcomes_are_those_that_some_reader_gives_and_no_others(written: list[str]) -> None:
    asked = [parse_segment(text) for text in written]
    given_ = set()
    for topics, language, city, age in product(((), "a", "b", "ab"), LANGUAGES, CITIES, AGES):
        given_.add(tuple(decide(one, topics, language, {"city": city, "age": age}) for one in asked))
    assert outcomes(asked) == sorted(given_)


def test_tests_that_exclude_one_another_are_no_combinations() -> None:
    languages = [parse_segment(f"language:{tag}") for tag in ("zh", "en", "de", "fr", "ja")]
    assert len(outcomes(languages) or ()) == 6
    wide = [parse_segment(" or ".join(f"topic:{n}" for n in range(40)))]
    assert outcomes(wide) == [(False,), (True,)]
    pairs = [parse_segment(" or ".join(f"topic:a{n} and topic:b{n}" for n in range(20)))]
    assert outcomes(pairs) == [(False,), (True,)]


def test_conditions_that_no_order_tells_apart_cost_little() -> None:
    before = process_time()
    assert outcomes([parse_segment(f"topic:{n}") for n in range(40)]) is None
    hard = [f"topic:{n}" for n in range(5)]
    hard.append(" or ".join(f"topic:{a} and not topic:{b}" for a, b in product("abcdef", "uvwxyz")))
    assert outcomes([parse_segment(text) for text in hard]) is None
    both = " or ".join(f"age < {n} or age < t{n}" for n in range(29))
    assert outcomes([parse_segment(text) for text in (*(f"topic:{n}" for n in range(6)), both)]) is None
    assert process_time() - before < 5  # a search of all combinations would not end
