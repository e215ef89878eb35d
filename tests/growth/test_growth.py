"""The time of checking and building an issue grows with the size of its text, and not faster.

The one timed test of the suite: it takes processor time, and tries again before it fails.
``python -m tests.growth`` measures every fragment, or pairs of them, at every place.
"""

from __future__ import annotations

import pytest

from tests.growth.fragments import PROSE, repeated
from tests.growth.measure import SIZE, ratio

WORST = [
    ("body", "https://e.com/a，"),
    ("body", "[a§] →[a§]: https://e.com/§\n"),
    ("body", "word<br>"),
    ("body", "word\n\n"),
    ("body", "["),
    ("body", "*a* "),
    ("body", "<pre>"),
    ("body", "<title>"),
    ("body", "![→](a)"),
    ("body", "[a](https://e.com/){.button} "),
    ("body", "<!-- publisher: ignore=vague-link-text -->\n\n"),
    ("body", "Vec<T> "),
    ("body", "<<<<<<< a\n"),
    ("commentary", "word\u202e"),
    ("matter", "a§: b\n"),
    ("address", "/x?y={z"),
    ("headline", "`"),
    ("headline", "<a →a="),
    ("key_points", "1,2 "),
]


@pytest.mark.parametrize(("slot", "fragment"), WORST)
def test_twice_the_text_takes_about_twice_the_time(slot: str, fragment: str) -> None:
    assert any(ratio(slot, fragment, SIZE) < 2.6 for _ in range(4))


def test_a_fragment_fills_what_is_asked_for() -> None:
    assert len(set(PROSE)) > 300
    assert all(0 < len(repeated(fragment, 1000).encode()) <= 1000 for fragment in PROSE)
