"""An issue may be named the way a shell completes it."""

from __future__ import annotations

import pytest

from publisher.cli.frame import slug_of


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        ("2024-12-29-weekly", "2024-12-29-weekly"),
        ("2024-12-29-weekly/", "2024-12-29-weekly"),
        ("issues/2024-12-29-weekly", "2024-12-29-weekly"),
        ("./issues/2024-12-29-weekly/", "2024-12-29-weekly"),
        ("issues/2024-12-29-weekly/a.md", "2024-12-29-weekly"),
        ("/home/ada/issues/news/issues/2024-12-29-weekly", "2024-12-29-weekly"),
        ("a/b", "a/b"),
        ("issues", "issues"),
        ("", ""),
        (None, None),
    ],
)
def test_the_slug_is_found_in_a_path(written: str | None, slug: str | None) -> None:
    assert slug_of(written) == slug
