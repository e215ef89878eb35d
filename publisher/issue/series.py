"""Series: editions sent after a reader's own start. A step is ``series/<name>/NN-<slug>.md``, or an issue folder.

The slug of a step is ``series/<name>/<slug>``, without the number, so that files can be renumbered freely.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.documents.text import shadows
from publisher.issue.folder import (
    DROPPINGS,
    IMAGES,
    ISSUES,
    MARKDOWN_SUFFIXES,
    SERIES,
    SLUG,
    STRAY_FILE,
    bad_name,
    is_folder,
    is_text,
    shown,
)

_STEP = re.compile(r"(\d{1,4})-([a-z0-9]+(?:-[a-z0-9]+)*)")
_MOST = 100  # characters of a name: the ledger's column has 255

BAD_STEP = define("step-misnamed", Severity.ERROR, fixed=True)
STEP_TWICE = define("step-twice", Severity.ERROR, fixed=True)


def steps_of(root: Path) -> dict[str, list[str]]:
    """Return the paths of each step by slug, in the order of file names; more than one path is an error."""
    found: dict[str, list[str]] = {}
    for folder, entry in _entries(root):
        if (name := _step_name(entry)) and SLUG.fullmatch(folder) and len(folder) <= _MOST:
            found.setdefault(f"{SERIES}/{folder}/{name}", []).append(f"{SERIES}/{folder}/{entry.name}")
    return found


def slug_of_path(path: str) -> str | None:
    """The slug of the issue or step that a path, relative to the root, belongs to, or None."""
    parts = Path(path).parts
    if len(parts) > 1 and parts[0] == ISSUES:
        return parts[1]
    name = _STEP.fullmatch(parts[2].partition(".")[0]) if len(parts) > 2 and parts[0] == SERIES else None
    return f"{SERIES}/{parts[1]}/{name[2]}" if name else None


def loose_steps(root: Path) -> list[Diagnostic]:
    """Return findings for entries of ``series/`` that are not steps."""
    found = []
    for folder, entry in _entries(root):
        path = f"{SERIES}/{folder}/{entry.name}".replace("//", "/")
        place, name = Place(shown(path)), shown(entry.name)
        if entry.name.startswith("README") or (entry.name == IMAGES and is_folder(entry)):
            continue
        if not is_text(path):
            found.append(bad_name(shown(f"{SERIES}/{folder}"), entry.name))
        elif not folder or (not is_folder(entry) and entry.suffix.lower() not in MARKDOWN_SUFFIXES):
            advice = say("a step is series/NAME/01-SLUG.md; move anything else away")
            found.append(STRAY_FILE.at(place, say("the file is not part of any series"), help=advice))
        elif _step_name(entry) is None or not SLUG.fullmatch(folder) or len(folder) > _MOST:
            message = say("{name} is not named as a step of a series, and is not sent", name=name)
            advice = say("write series/NAME/01-SLUG.md: lower-case letters, digits, and hyphens between them")
            found.append(BAD_STEP.at(place, message, help=advice))
    return found


def twice(paths: list[str]) -> list[Diagnostic]:
    """Return the findings for a step that exists more than once."""
    first, *more = paths
    message = say("{first} is the same step: a number is no part of its name", first=first)
    return [STEP_TWICE.at(Place(path), message, help=say("rename one of the two")) for path in more]


def _step_name(entry: Path) -> str | None:
    is_step = is_folder(entry) or entry.suffix.lower() in MARKDOWN_SUFFIXES
    match = _STEP.fullmatch(entry.name if is_folder(entry) else entry.stem) if is_step else None
    return match[2] if match and len(match[2]) <= _MOST else None


def _entries(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the entries of each folder of ``series/``, sorted, with the folder's name; empty for a file beside them."""
    for folder in _listed(root / SERIES):
        if not is_folder(folder):
            yield "", folder
        else:
            yield from ((folder.name, entry) for entry in _listed(folder))


def _listed(folder: Path) -> list[Path]:
    held = (Path(one) for one in shadows.get() if one.rpartition("/")[0] == str(folder))
    with suppress(OSError):
        return sorted(entry for entry in {*held, *folder.iterdir()} if not DROPPINGS.fullmatch(entry.name))
    return []
