"""The forge a repository lives on, and the files with which it checks pull requests and publishes merges."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Literal

from publisher import __version__
from publisher.authoring import bundled

WORKFLOW, PIPELINE, TEMPLATE = ".github/workflows/newsletter.yml", ".gitlab-ci.yml", ".gitlab/publisher.gitlab-ci.yml"
FORM, SUBMISSIONS = ".github/ISSUE_TEMPLATE/story.yml", ".github/workflows/submissions.yml"
HOOKS = ".pre-commit-config.yaml"


Forge = Literal["github", "gitlab", "none"]
"""Where merges happen; ``none`` gets no CI."""


def repository_of(folder: Path) -> Path | None:
    """The nearest folder at or above ``folder`` (absolute) that git keeps, whether or not git is installed."""
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path / ".git")), None)


def begin_repository(folder: Path) -> bool:
    """``git init``; False where there is no git, or it refuses."""
    return _git(folder, "init", "--quiet", "--initial-branch=main") is not None


def guess_forge(repository: Path | None) -> Forge:
    """The forge that the remotes name: ``origin`` before the others, by the host and not by the path."""
    remotes = re.findall(r"^(\S+)\t(\S+)", (repository and _git(repository, "remote", "-v")) or "", re.MULTILINE)
    for _name, url in sorted(remotes, key=lambda remote: remote[0] != "origin"):
        host = re.match(r"(?:[a-z+]+://)?(?:[^/@]*@)?([^/:]+)[:/]", url, re.IGNORECASE)
        if host and "github" in host[1].lower():
            return "github"
        if host and "gitlab" in host[1].lower():
            return "gitlab"
    return "none"


def ci_files(forge: Forge, repository: Path, below: str) -> dict[str, str]:
    """The CI of a newsletter that stands ``below`` the top of its repository (``.``: at it), by paths from the top."""
    names = {"VERSION": __version__, "BRANCH": json.dumps(_default_branch(repository)), "BELOW": json.dumps(below)}
    if forge == "github":
        files = {WORKFLOW: "github.yml", FORM: "story-form.yml", SUBMISSIONS: "submissions.yml"}
        return {path: bundled.starter_file(name, **names) for path, name in files.items()}
    if forge == "gitlab":
        return {
            PIPELINE: bundled.starter_file("gitlab.yml", **names),
            TEMPLATE: bundled.gitlab_template().read_text(encoding="utf-8"),
        }
    return {}


def hooks(below: str) -> dict[str, str]:
    """The pre-commit configuration, by its path from the top of the repository."""
    at, under = ("", "") if below == "." else (f"--root {shlex.quote(below)} ", re.escape(f"{below}/"))
    files = rf"^{under}(issues/|config\.ya?ml$|templates/)"
    names = {"VERSION": __version__, "ENTRY": json.dumps(f"publisher {at}check"), "FILES": json.dumps(files)}
    return {HOOKS: bundled.starter_file("pre-commit.yaml", **names)}


def _default_branch(repository: Path) -> str:
    published = _git(repository, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    found = published.removeprefix("origin/") if published else _git(repository, "symbolic-ref", "--short", "HEAD")
    return (found or "").strip() or "main"


def _git(folder: Path, *words: str) -> str | None:
    """What git prints in ``folder``; None where it is missing or refuses. A hook's own GIT_DIR is not followed."""
    environment = {name: value for name, value in os.environ.items() if name not in {"GIT_DIR", "GIT_WORK_TREE"}}
    try:
        done = subprocess.run(  # noqa: S603 - git, with fixed words
            ["git", *words],  # noqa: S607
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
