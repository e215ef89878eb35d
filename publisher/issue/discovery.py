"""Which issues there are, and what else stands in ``issues/``."""

from __future__ import annotations

import os
from pathlib import Path

from publisher.diagnostics import Diagnostic, Place, say
from publisher.errors import UsageError
from publisher.issue.folder import DATED, DROPPINGS, ISSUES, NOT_READ, STRAY_FILE, bad_name
from publisher.issue.paths import is_file, is_text


def discover(root: Path) -> list[str]:
    """The slugs of all issues, sorted: every folder in ``issues/`` that holds anything and is not hidden.

    What is no slug, cannot be opened, or is no folder although it is named like an issue, is listed too: reading it
    says what is wrong, and nobody takes it for an issue that was withdrawn. Raises UsageError where ``issues/`` itself
    cannot be listed.
    """
    return [name for name in _names(root) if is_text(name) and _is_issue(root / ISSUES / name)]


def loose_files(root: Path) -> list[Diagnostic]:
    """What stands in ``issues/`` beside the issues, and belongs to none. A README may explain the folder."""
    found = []
    for name in _names(root):
        entry, place = root / ISSUES / name, Place(f"{ISSUES}/{name}")
        if not is_text(name):
            found.append(bad_name(ISSUES, name))
        elif name.startswith("README") or not is_file(entry) or _is_issue(entry):
            continue
        elif DATED.match(name):
            message = say("{name} is named like an issue and is not read: no reader would see it", name=name)
            advice = say(
                "make it a folder: {issues}/{stem}/issue.yaml, with its items beside it", issues=ISSUES, stem=entry.stem
            )
            found.append(NOT_READ.at(place, message, help=advice))
        else:
            advice = say("move it into the folder of its issue, or away")
            found.append(STRAY_FILE.at(place, say("the file is not part of any issue"), help=advice))
    return found


def _names(root: Path) -> list[str]:
    """What stands in ``issues/``, sorted, but for what machines leave."""
    try:
        names = sorted(entry.name for entry in (root / ISSUES).iterdir())
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(
            say(
                "the folder {issues}/ of {root} cannot be read: {reason}",
                issues=ISSUES,
                root=str(root.resolve()),
                reason=reason,
            ),
            help=say("go to the repository, or name it with --root DIR; publisher new SLUG makes a first issue"),
        ) from error
    return [name for name in names if not DROPPINGS.fullmatch(name)]


def _is_issue(entry: Path) -> bool:
    if entry.name.startswith((".", "README")):
        return False
    try:
        with os.scandir(entry) as inner:
            return any(inner)
    except NotADirectoryError:
        return not is_file(entry) or (bool(DATED.match(entry.name)) and not entry.suffix)
    except OSError:
        return True
