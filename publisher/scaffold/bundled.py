"""Where the files of a new repository come from: in a wheel inside the package, in a checkout the repository."""

from __future__ import annotations

from pathlib import Path

import publisher

_PACKAGE = Path(publisher.__file__).resolve().parent


def sample() -> Path:
    """The folder that holds ``config.yaml`` and ``issues/`` of the sample newsletter."""
    shipped = _PACKAGE / "_sample"
    return shipped if shipped.is_dir() else _PACKAGE.parent


def theme() -> Path:
    """The folder of the default theme."""
    shipped = _PACKAGE / "_theme"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "templates"


def gitlab_template() -> Path:
    """The GitLab jobs that a newsletter's pipeline includes."""
    shipped = _PACKAGE / "_gitlab"
    return (shipped if shipped.is_dir() else _PACKAGE.parent / "deploy" / "gitlab") / "publisher.gitlab-ci.yml"
