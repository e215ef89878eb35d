"""An issue may be named the way a shell completes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.cli.frame import chosen_slugs, slug_of
from publisher.errors import UsageError


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


@pytest.mark.parametrize("from_root", [True, False])
def test_a_file_of_a_step_names_it_from_wherever_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_root: bool
) -> None:
    step = tmp_path / "series/welcome/01-hello.md"
    step.parent.mkdir(parents=True)
    (tmp_path / "issues").mkdir()
    step.write_text("---\ntitle: Hello\n---\n")
    monkeypatch.chdir(tmp_path if from_root else step.parent.parent)
    for name in (
        "series/welcome/hello",
        str(step),
        "series/welcome/01-hello.md" if from_root else "welcome/01-hello.md",
    ):
        assert chosen_slugs(tmp_path, [name]) == ["series/welcome/hello"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("config.yaml", "config.yaml is no issue"),
        ("series", "series is no issue"),
        ("../elsewhere", "there is no issue ../elsewhere"),
        ("x" * 400, f"there is no issue {'x' * 400}"),
    ],
)
def test_what_is_there_and_is_no_issue_is_reported_as_that(tmp_path: Path, name: str, told: str) -> None:
    root = tmp_path / "news"
    for folder in (root / "issues", root / "series", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    (root / "config.yaml").touch()
    with pytest.raises(UsageError) as caught:
        chosen_slugs(root, [name])
    assert str(caught.value.message) == told
