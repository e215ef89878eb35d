"""Every file beside an issue is read or reported."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from publisher.errors import UsageError
from publisher.issue.folder import discover, read_folder


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")


def test_every_folder_with_anything_in_it_is_an_issue(tmp_path: Path) -> None:
    put(tmp_path, "issues/b/issue.yaml", "issues/a/x.md", "issues/Not A Slug/y", "issues/.git/x", "issues/loose.md")
    (tmp_path / "issues/empty").mkdir()
    assert discover(tmp_path) == ["Not A Slug", "a", "b"]
    with pytest.raises(UsageError, match="cannot be read"):
        discover(tmp_path / "nowhere")


def test_where_the_commit_is_without_issues_there_are_none(tmp_path: Path) -> None:
    put(tmp_path, "config.yaml")
    for words in ("init -q", "add -A", "-c user.name=n -c user.email=n@n.example commit -qm n"):
        with pytest.raises(UsageError, match="cannot be read"):
            discover(tmp_path)
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    assert discover(tmp_path) == []  # git keeps no empty folder
    put(tmp_path, "ignored/config.yaml")  # the commit knows nothing of this newsletter
    with pytest.raises(UsageError, match="cannot be read"):
        discover(tmp_path / "ignored")
    (tmp_path / "issues").symlink_to("nowhere")
    with pytest.raises(UsageError, match="cannot be read"):
        discover(tmp_path)
    for words in ("add issues", "-c user.name=n -c user.email=n@n.example commit -qm n"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    (tmp_path / "issues").unlink(missing_ok=True)
    with pytest.raises(UsageError, match="cannot be read"):  # the commit has the link
        discover(tmp_path)


def test_both_spellings_are_items_in_file_name_order(tmp_path: Path) -> None:
    put(
        tmp_path,
        *(
            f"issues/a/{name}"
            for name in ["issue.yml", "2.markdown", "1.yml", "3.yaml", "10.md", "4.MD", "images/x.png"]
        ),
    )
    folder = read_folder(tmp_path, "a")
    assert folder.issue_file == "issues/a/issue.yml"
    assert [path.rpartition("/")[2] for path in folder.items] == ["1.yml", "10.md", "2.markdown", "3.yaml", "4.MD"]
    assert folder.findings == ()


def test_every_other_file_is_warned_of(tmp_path: Path) -> None:
    strays = ["notes.txt", "image.png", "drafts/a.md", "drafts/deep/b.md", ".draft.md", "Images/x.png", "item.md.bak"]
    put(tmp_path, "issues/a/issue.yaml", *(f"issues/a/{name}" for name in strays))
    put(
        tmp_path,
        "issues/a/.DS_Store",
        "issues/a/._x.md",
        "issues/a/.x.md.swp",
        "issues/a/x.md~",
        "issues/a/drafts/.gitkeep",
    )
    found = read_folder(tmp_path, "a").findings
    assert {finding.path.removeprefix("issues/a/") for finding in found} == {*strays[:5], "Images", "item.md.bak"}
    assert {finding.severity.value for finding in found} == {"warning"}


def test_a_loop_of_links_does_not_hang(tmp_path: Path) -> None:
    put(tmp_path, "issues/a/issue.yaml")
    (tmp_path / "issues/a/loop").symlink_to(tmp_path / "issues/a")
    (tmp_path / "issues/a/self.md").symlink_to("self.md")
    found = read_folder(tmp_path, "a").findings
    assert {finding.path for finding in found} == {"issues/a/loop", "issues/a/self.md"} or {
        finding.path for finding in found
    } == {"issues/a/loop"}


@pytest.mark.parametrize("name", ["image", "Images", "imgs", "pictures", "图片"])
def test_a_folder_of_pictures_by_another_name_is_one_finding(tmp_path: Path, name: str) -> None:
    put(tmp_path, "issues/a/issue.yaml", *(f"issues/a/{name}/{n}.jpg" for n in range(5)))
    [finding] = read_folder(tmp_path, "a").findings
    assert (finding.path, finding.code) == (f"issues/a/{name}", "stray-file")
    assert "rename the folder to images" in (finding.help or "")
