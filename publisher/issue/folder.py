"""Discovery of issues and of the files of each. Every unexpected file in or beside an issue is reported."""

import difflib
import errno
import os
import re
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from publisher.config import Config
from publisher.config.load import NAME, read_nodes
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.diagnostics.model import START
from publisher.documents import find
from publisher.documents.text import UNREADABLE, shadows, unreadable
from publisher.errors import UsageError

ISSUES = "issues"
SERIES = "series"
IMAGES = "images"
YAML_SUFFIXES = frozenset({".yaml", ".yml"})
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown"})
SUFFIXES, _ISSUE_FILES = (*YAML_SUFFIXES, *MARKDOWN_SUFFIXES), {f"issue{suffix}" for suffix in YAML_SUFFIXES}

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DATED = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
# Files created by operating systems, editors and git, which are ignored without a finding.
DROPPINGS = re.compile(
    r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|\.directory|\.git(keep|ignore|attributes)|\.keep|\..*\.sw[a-p]|#.*#|.*~|~\$.*"
)
_MEANT = re.compile(r"(?:i?s?sues?|is+ue?s?|index)[ _-]?\.ya?ml", re.IGNORECASE)
_MOST_STRAYS = 20
_LONGEST = 1_000  # characters of a path that is listed on its own

BAD_SLUG = define("bad-slug", Severity.ERROR, fixed=True)
NO_ISSUE_FILE = define("issue-file-missing", Severity.ERROR, fixed=True)
TWO_ISSUE_FILES = define("two-issue-files", Severity.ERROR, fixed=True)
STRAY_FILE = define("stray-file", Severity.WARNING)
NOT_READ = define("item-not-read", Severity.ERROR)
UNKNOWN = define("unknown-issue", Severity.WARNING)
OUTSIDE = define("outside-repository", Severity.ERROR, fixed=True)


@dataclass(frozen=True, slots=True)
class IssueFolder:
    """Files of one issue; paths are relative to the root, with ``/``. ``items`` are sorted by file name."""

    slug: str
    path: str
    issue_file: str | None
    items: tuple[str, ...]
    findings: tuple[Diagnostic, ...]


def discover(root: Path, holds: Callable[[str], object] = lambda _: False) -> list[str]:
    """Return the slugs of all issues, sorted: every folder in ``issues/`` that is neither empty nor hidden.

    Entries with an invalid slug, folders that cannot be opened, and other entries named like an issue are included:
    reading them reports the error, and they are not mistaken for withdrawn issues. The list is empty if the current
    commit has no ``issues/`` (git stores no empty folders). Raises UsageError if the folder is missing or cannot be
    listed. ``holds(name)`` is true for a folder that the caller knows not to be empty, which saves listing it.
    """
    folder = root / ISSUES
    return [name for name in _names(root) if is_text(name) and _is_issue(folder, name, holds)]


def loose_files(root: Path) -> list[Diagnostic]:
    """Return findings for entries of ``issues/`` that belong to no issue. A README is allowed."""
    found = []
    for name in (name for name, folder in _names(root).items() if not folder or not is_text(name)):
        entry, place = root / ISSUES / name, Place(f"{ISSUES}/{name}")
        if not is_text(name):
            found.append(bad_name(ISSUES, name))
        elif name.startswith("README") or not is_file(entry) or _is_issue(root / ISSUES, name, lambda _: False):
            continue
        elif DATED.match(name):
            message = say("{name} is named like an issue and is not read: no reader would see it", name=name)
            named = {"issues": ISSUES, "stem": entry.stem}
            advice = say("make it a folder: {issues}/{stem}/issue.yaml, with its items beside it", **named)
            found.append(NOT_READ.at(place, message, help=advice))
        else:
            advice = say("move it into the folder of its issue, or away")
            found.append(STRAY_FILE.at(place, say("the file is not part of any issue"), help=advice))
    return found


def unknown_issues(config: Config) -> list[Diagnostic]:
    """Return findings for the names in ``publish.unmailed`` that are no issues: nothing would be mailed for them."""
    known = discover(config.root) if config.publish.unmailed else []
    node = read_nodes(config.root)[0] if config.publish.unmailed else None
    found = []
    for at, slug in enumerate(config.publish.unmailed):
        if slug not in known:
            near = difflib.get_close_matches(slug, known, 1, 0.7)
            advice = say("write {words}", words=near[0]) if near else say("name the folder of an issue, or delete it")
            message = say("publish.unmailed names {slug}, and there is no such issue", slug=slug)
            value = find(node, ("publish", "unmailed", at)) if node else None
            found.append(UNKNOWN.at(Place(NAME, value.span if value else START), message, help=advice))
    return found


def _names(root: Path) -> dict[str, bool]:
    """The entries of ``issues/``, sorted, without ignored files; the value is whether it is a folder (not a link)."""
    try:
        with os.scandir(root / ISSUES) as entries:
            names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        if not os.path.lexists(root / ISSUES) and _is_committed_without(root):
            return {}
        reason = (error.strerror or type(error).__name__).lower()
        where = {"issues": ISSUES, "root": str(root.resolve())}
        message = say("the folder {issues}/ of {root} cannot be read: {reason}", **where, reason=reason)
        advice = say("go to the repository, or name it with --root DIR; publisher new SLUG makes a first issue")
        raise UsageError(message, help=advice) from error
    return {name: folder for name, folder in names if not DROPPINGS.fullmatch(name)}


def _is_committed_without(root: Path) -> bool:
    """Whether the current commit contains config.yaml but no ``issues/``: this excludes partial checkouts, wrong
    folders, and newsletters that are not committed, as within another repository.
    """
    with suppress(OSError, subprocess.SubprocessError):
        words = ["git", "-c", "core.fsmonitor=false", "ls-tree", "--name-only", "HEAD", "config.yaml", ISSUES]
        asked = subprocess.run(words, cwd=root, capture_output=True, timeout=30, check=False)  # noqa: S603 - no shell
        return asked.stdout == b"config.yaml\n"
    return False


def _is_issue(folder: Path, name: str, holds: Callable[[str], object]) -> bool:
    if name.startswith((".", "README")):
        return False
    try:
        if holds(name):
            return True
        with os.scandir(f"{folder}/{name}") as inner:
            return any(inner)
    except NotADirectoryError:
        entry = folder / name
        return not is_file(entry) or (bool(DATED.match(entry.name)) and not entry.suffix)
    except OSError:
        return True


def read_folder(root: Path, slug: str) -> IssueFolder:
    """List the files of ``issues/<slug>``, or of the step ``series/<name>/<slug>``."""
    path, findings = f"{ISSUES}/{slug}", [] if SLUG.fullmatch(slug) else [_bad_slug(f"{ISSUES}/{slug}", slug)]
    if slug.startswith(f"{SERIES}/"):
        from publisher.issue.series import steps_of, twice

        paths = steps_of(root).get(slug, [slug])
        path, findings = paths[0], twice(paths)
    if not leads_inside(root, root / path):
        outside = OUTSIDE.at(Place(path), say("the folder is a link out of the repository"), help=say("copy it in"))
        return IssueFolder(slug, path, None, (), (outside,))
    if is_markdown(path) and (is_file(root / path) or f"{root}/{path}" in shadows.get()):
        return IssueFolder(slug, path.rpartition("/")[0], path, (), tuple(findings))
    whole = f"{root}/{path}/"
    links = {one.removeprefix(whole): False for one in shadows.get() if f"{one.rpartition('/')[0]}/" == whole}
    try:
        with os.scandir(whole) as entries:
            links.update((entry.name, entry.is_symlink()) for entry in entries)
    except OSError as error:
        return IssueFolder(slug, path, None, (), (_no_folder(root, path, error),))
    issue_files: list[str] = []
    items: list[str] = []
    for name, link in sorted(links.items()):
        relative = f"{path}/{name}"
        if DROPPINGS.fullmatch(name) or (name == IMAGES and is_folder(whole + name)):
            continue
        if not is_text(name):
            findings.append(bad_name(path, name))
        elif name.startswith(".") or not name.lower().endswith(SUFFIXES):
            findings += _strays(root, root / relative)
        elif link and not leads_inside(root, root / relative):  # the folder itself is inside
            message = say("the file is a link out of the repository")
            findings.append(OUTSIDE.at(Place(relative), message, help=say("copy it in")))
        elif name.startswith("issue.") and name.lower() in _ISSUE_FILES:
            issue_files.append(relative)
        else:
            items.append(relative)
    almost = [] if issue_files else [one for one in items if _MEANT.fullmatch(one.rpartition("/")[2])]
    if almost:
        findings.append(_almost(almost[0]))
        items.remove(almost[0])
    elif not any(finding.path.startswith(f"{path}/issue.y") for finding in findings):
        findings += _issue_file(path, issue_files)
    return IssueFolder(slug, path, issue_files[0] if issue_files else None, tuple(items), tuple(findings))


def slugged(text: str) -> str:
    """Convert text to a slug, without accents; empty if it has no ASCII letter or digit."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _bad_slug(path: str, slug: str) -> Diagnostic:
    better = slugged(slug) or "2024-12-29-weekly"
    message = say("{slug} is not a slug: write lower-case letters, digits, and single hyphens between them", slug=slug)
    return BAD_SLUG.at(Place(path), message, help=say("name the folder {better}", better=better))


def _no_folder(root: Path, path: str, error: OSError) -> Diagnostic:
    """The finding for an entry that is named like an issue but is not a readable folder."""
    if is_file(root / path):
        message = say("the file is named like an issue, which is a folder")
        return UNREADABLE.at(Place(path), message, help=say("make a folder of that name, and put issue.yaml into it"))
    if error.errno == errno.ENOTDIR:
        message = say("this is named like an issue, but is not a folder")
        return UNREADABLE.at(Place(path), message, help=say("make it a folder, or remove it"))
    what = say("what this link leads to") if (root / path).is_symlink() else say("the folder")
    return unreadable(path, error, what, say("make it a folder that can be read, or remove it"))


def bad_name(folder: str, name: str) -> Diagnostic:
    """Return the finding for a file name that is not UTF-8."""
    return UNREADABLE.at(Place(f"{folder}/{shown(name)}"), say("the name is not UTF-8"), help=say("rename it"))


def _almost(path: str) -> Diagnostic:
    """The finding for a file with a misspelt name if issue.yaml is missing."""
    name = path.rpartition("/")[2]
    message = say("there is no issue.yaml, and {name} is named almost like it", name=name)
    return NO_ISSUE_FILE.at(Place(path), message, help=say("rename {name} to issue.yaml", name=name))


def _issue_file(path: str, found: list[str]) -> list[Diagnostic]:
    if not found:
        message = say("there is no issue.yaml in {path}", path=path)
        return [NO_ISSUE_FILE.at(Place(f"{path}/issue.yaml"), message, help=say("write one with title and date"))]
    message, advice = say("the folder has {name} too", name=Path(found[0]).name), say("keep one of the two")
    return [TWO_ISSUE_FILES.at(Place(extra), message, help=advice) for extra in found[1:]]


def leads_inside(root: Path, path: Path) -> bool:
    """Whether the path is in the repository after resolving all links; a broken link counts by its target."""
    return os.path.join(os.path.realpath(path), "").startswith(os.path.join(os.path.realpath(root), ""))  # noqa: PTH118


def _strays(root: Path, entry: Path) -> list[Diagnostic]:
    if not is_folder(entry) or entry.is_symlink():
        return [_not_read(root, entry) or _stray(root, entry)]
    place = Place(entry.relative_to(root).as_posix())
    inner = sorted(file for file, _ in files_below(str(entry)) if not DROPPINGS.fullmatch(Path(file).name))
    if inner and all(Path(file).suffix.lower() in _PICTURES for file in inner):
        message = say("pictures are in {name}/, not in {images}/", name=entry.name, images=IMAGES)
        advice = say("rename the folder to {images}, and name them as {images}/NAME", images=IMAGES)
        return [STRAY_FILE.at(place, message, help=advice)]
    if len(inner) > _MOST_STRAYS or any(len(file) > _LONGEST for file in inner):
        message = say("what is in this folder ({count}) is not part of the issue", count=len(inner))
        return [STRAY_FILE.at(place, message, help=say("move pictures to images/, items beside issue.yaml"))]
    return [_stray(root, Path(file)) for file in inner]


_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg", ".heic"})
_TEXTS = frozenset({".txt", ".text", ".mdx", ".mkd", ".mdown", ".rst", ".adoc", ".org", ".htm", ".html"})
_DOCUMENTS = frozenset({".docx", ".doc", ".odt", ".rtf", ".pages", ".wps", ".pdf"})


def _not_read(root: Path, file: Path) -> Diagnostic | None:
    """The finding for a file that was probably meant as an item; None for any other."""
    suffix, place = file.suffix.lower(), Place(shown(file.relative_to(root).as_posix()))
    if suffix not in _TEXTS | _DOCUMENTS or file.name.lower().startswith(("readme", "license", "notes", ".")):
        return None
    stem = file.name.removesuffix(file.suffix)
    name = stem if Path(stem).suffix.lower() in YAML_SUFFIXES | MARKDOWN_SUFFIXES else f"{stem}.md"
    message = say("{name} looks like an item and is not read: no reader would see it", name=file.name)
    advice = say("rename it to {name}", name=name)
    advice = say("save its text as {name}", name=name) if suffix in _DOCUMENTS else advice
    return NOT_READ.at(place, message, help=advice)


def _stray(root: Path, file: Path) -> Diagnostic:
    advice = say("name an item .md or .yaml, beside issue.yaml; put a picture into images/; move anything else away")
    place = Place(shown(file.relative_to(root).as_posix()))
    return STRAY_FILE.at(place, say("the file is not part of the issue"), help=advice)


def is_text(name: str) -> bool:
    """Whether the name is valid UTF-8; Python decodes invalid bytes as lone surrogates."""
    return name.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in name)


def shown(path: str) -> str:
    """The path with invalid bytes replaced, for output."""
    return path if is_text(path) else os.fsencode(path).decode("utf-8", "replace")


def is_markdown(path: str) -> bool:
    """Whether the file name has a Markdown suffix."""
    return path.lower().endswith(tuple(MARKDOWN_SUFFIXES))


def is_file(path: Path | str) -> bool:
    """Whether the path is a regular file, or a link to one. ``Path.is_file`` raises for overlong link targets."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path | str) -> bool:
    """Whether the path is a folder, or a link to one; see :func:`is_file`."""
    return os.path.isdir(path)  # noqa: PTH112


def files_below(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield every file below the folder, and whether it is a regular file; links to folders are not followed.

    A folder that cannot be listed is yielded itself, with False. Raises nothing.
    """
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry.path, is_file(entry.path)
        except OSError:
            yield folder, False
