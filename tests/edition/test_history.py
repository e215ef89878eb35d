from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from publisher.edition.provenance import history_of
from tests.edition.make import config


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for role in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{role}_NAME": "E", f"GIT_{role}_EMAIL": "e@example.com"}
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | who).stdout.strip()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def commit(self, path: str, text: str) -> str:
        self.write(path, text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"{path}: {text}")
        return self.git("rev-parse", "HEAD")

    def last(self, slug: str) -> str:
        """What git itself says."""
        return self.git("log", "-1", "--format=%H", "--", f"issues/{slug}", "templates", "config.yaml")

    def found(self, slug: str, below: str = "", **values: Any) -> str | None:
        return history_of(config(self.root / below, **values)).commit(slug)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.commit("config.yaml", "1")
    made.commit("issues/a/issue.yaml", "1")
    made.commit("issues/b/issue.yaml", "1")
    return made


def test_the_last_commit_is_that_of_the_issue_the_theme_or_config(repository: Repository) -> None:
    assert repository.found("a") == repository.last("a") != repository.last("b")
    theme = repository.commit("templates/email/x.j2", "1")
    assert repository.found("a") == repository.found("b") == theme
    issue = repository.commit("issues/a/images/é 图.png", "1")
    repository.commit("README.md", "1")
    assert (repository.found("a"), repository.found("b")) == (issue, theme)


def test_the_folder_of_the_theme_and_the_files_that_config_names_are_of_every_issue(repository: Repository) -> None:
    named = {"theme": {"name": "./look", "logo": "brand/logo.png", "css": ["brand/own.css"]}}
    named["authors"] = {"Ann": {"picture": "people/ann.jpg"}}
    for path in ("look/theme.yaml", "brand/logo.png", "brand/own.css", "people/ann.jpg"):
        made = repository.commit(path, "1")
        assert repository.found("a", **named) == repository.found("b", **named) == made
    repository.commit("brand/other.css", "1")
    assert repository.found("a", **named) == made
    repository.write("brand/own.css", "2")
    assert repository.found("a", **named) is None


def test_merges_are_followed_as_git_follows_them(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "one")
    branch = repository.commit("issues/a/issue.yaml", "2")
    repository.git("checkout", "-q", "main")
    repository.commit("README.md", "1")
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "one")
    assert repository.found("a") == branch == repository.last("a")
    repository.git("checkout", "-q", "-b", "two")
    repository.commit("issues/a/issue.yaml", "3")
    repository.git("checkout", "-q", "main")
    theme = repository.commit("templates/x", "2")
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "two")
    merge = repository.git("rev-parse", "HEAD")
    # Neither side alone has what was rendered: the merge does.
    assert repository.found("a") == merge == repository.last("a")
    assert repository.found("b") == theme == repository.last("b")


@pytest.mark.parametrize("path", ["issues/a/issue.yaml", "issues/a/new.md", "templates/new.j2", "config.yaml"])
def test_what_is_not_committed_has_no_commit(repository: Repository, path: str) -> None:
    repository.write(path, "changed")
    assert repository.found("a") is None
    assert (repository.found("b") is None) == (not path.startswith("issues/a"))


@pytest.mark.parametrize("path", ["issues/a/images/é 图.PNG", "issues/a/b.md", "brand/own.css"])
def test_what_gitignore_hides_is_not_committed(repository: Repository, path: str) -> None:
    named = {"theme": {"css": ["./brand/own.css"]}}
    repository.write("news/issues/a/images/b.png", "an issue of another newsletter")
    for junk in (".DS_Store", "b.md~", "notes.txt"):
        repository.write(f"issues/a/images/{junk}", "1")
    head = repository.commit(".gitignore", "images\nb.md*\nbrand\n")
    assert repository.found("a", **named) == repository.last("a") != head
    repository.write(path, "1")
    assert repository.found("a", **named) is None
    assert (repository.found("b", **named) is None) == path.startswith("brand/")
    repository.git("add", "-f", path)
    repository.git("commit", "-q", "-m", "forced")
    assert repository.found("a", **named) == repository.git("rev-parse", "HEAD")


def test_other_changes_matter_to_nobody(repository: Repository) -> None:
    repository.write("README.md", "changed")
    repository.write("issues/c/issue.yaml", "new")
    assert repository.found("a") == repository.last("a")
    assert repository.found("c") is None


def test_a_newsletter_in_a_folder_of_a_repository(repository: Repository) -> None:
    repository.commit("news/config.yaml", "1")
    issue = repository.commit("news/issues/z/issue.yaml", "1")
    repository.commit("issues/a/issue.yaml", "9")
    assert repository.found("z", "news") == issue
    assert repository.found("a", "news") is None


def test_outside_git_there_is_no_commit(tmp_path: Path) -> None:
    assert history_of(config(tmp_path)).commit("a") is None


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    assert Repository(tmp_path / "empty").found("a") is None


def test_without_git_installed_there_is_none(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert repository.found("a") is None
