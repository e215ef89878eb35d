"""Templates for a new repository: package data in an installed wheel, files of the repository in a checkout."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import publisher
from publisher.config.model import config_schema
from publisher.diagnostics import say
from publisher.errors import refusal
from publisher.issue.raw import issue_schema, item_schema

_PACKAGE = Path(publisher.__file__).resolve().parent
_SCHEMAS = {"issue": issue_schema, "item": item_schema, "config": config_schema}


def _bundled(folder: str, in_checkout: str) -> Path:
    shipped = _PACKAGE / folder
    return shipped if shipped.is_dir() else _PACKAGE.parent / in_checkout


def sample() -> Path:
    """The folder with ``config.yaml`` and ``issues/`` of the sample newsletter."""
    return _bundled("_sample", ".")


def gitlab_template() -> Path:
    """The GitLab CI jobs that a newsletter's pipeline includes."""
    return _bundled("_gitlab", "deploy/gitlab") / "publisher.gitlab-ci.yml"


def starter_file(name: str, **values: str) -> str:
    """Return a file of ``authoring/files`` with each ``@NAME@`` replaced by the value of that name."""
    text = (_PACKAGE / "authoring" / "files" / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def schema_text(kind: str) -> str:
    """The JSON Schema of ``issue``, ``item`` or ``config``, for completion and validation in editors."""
    return json.dumps(_SCHEMAS[kind](), ensure_ascii=False, indent=2) + "\n"


def schema_files() -> dict[str, bytes]:
    """``schema/issue.json`` and the other schemas by path, as ``publisher schema`` prints them."""
    return {f"schema/{kind}.json": schema_text(kind).encode() for kind in _SCHEMAS}


def write_new(files: Mapping[Path, bytes]) -> None:
    """Create files and their folders: all of them, or none. Raises UsageError if one exists or cannot be written."""
    made: list[Path] = []
    try:
        for path, content in files.items():
            with refusal(say("cannot write {path}", path=path), say("make the folder writable, or make room")):
                folders = [folder for folder in path.parents if not folder.exists()]
                made += reversed(folders)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:  # "x" never overwrites a file that was created in the meantime
                    made.append(path)
                    file.write(content)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # fails, as it should, if another process has put a file into the folder
                path.rmdir() if path.is_dir() else path.unlink()
        raise
