"""``publisher init``: a newsletter repository, made from the files of the sample newsletter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from publisher.errors import UsageError
from publisher.scaffold import bundled
from publisher.scaffold.schemas import schema_files
from publisher.scaffold.words import GITIGNORE, README, TRANSLATED_CONFIG

# The sample issue of each language a repository can begin in; the first is the default.
SAMPLES = {"zh-CN": "2024-12-29-ai-weekly", "en": "2024-12-29-ai-weekly-en"}

# A repository made on a forge often has these two already: theirs stay, and init says so.
YIELDING = (".gitignore", "README.md")


@dataclass(frozen=True, slots=True)
class NewRepository:
    """What was made: the paths written, those that were there and stayed, and the slug of the sample issue."""

    root: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]
    slug: str


def make_repository(root: Path, language: str = "zh-CN") -> NewRepository:
    """Make a newsletter repository in ``root``, which may hold other files already.

    Raises :class:`UsageError`, with nothing written, where a file it would write exists, or ``root`` cannot be written.
    """
    files = _files(language)
    kept = tuple(name for name in YIELDING if (root / name).exists())
    files = {name: content for name, content in files.items() if name not in kept}
    _refuse_collisions(root, files)
    for name, content in files.items():
        _write(root / name, content)
    return NewRepository(root, tuple(sorted(files)), kept, SAMPLES[language])


def _files(language: str) -> dict[str, bytes]:
    """Every file of a new repository, by its path in it."""
    if language not in SAMPLES:
        raise UsageError(f"there is no sample in {language}", help=f"take one of {', '.join(SAMPLES)}")
    sample, slug = bundled.sample(), SAMPLES[language]
    config = (sample / "config.yaml").read_text(encoding="utf-8")
    for old, new in TRANSLATED_CONFIG.get(language, {}).items():
        config = config.replace(old, new)
    config = re.sub(r"publish:\n(?:  .*\n)+\n", "", config)  # of the samples' own repository
    files = {
        "config.yaml": config.encode(),
        ".gitignore": GITIGNORE.encode(),
        "README.md": README.format(slug=slug).encode(),
    }
    files |= schema_files()
    files |= _tree(sample / "issues" / slug, f"issues/{slug}")
    # Nobody is mailed the sample by surprise.
    name = f"issues/{slug}/issue.yaml"
    files[name] = files[name].replace(b"status: ready", b"status: draft")
    files |= _tree(bundled.theme(), "templates")
    return files


def _tree(folder: Path, at: str) -> dict[str, bytes]:
    return {
        f"{at}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _refuse_collisions(root: Path, files: dict[str, bytes]) -> None:
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file", help="name a folder; it is made where it does not exist")
    wanted = {part.as_posix() for name in files for part in PurePosixPath(name).parents} - {"."}
    there = [name for name in files if (root / name).exists()]
    there += [name for name in wanted if (root / name).exists() and not (root / name).is_dir()]
    if "config.yaml" in there:
        raise UsageError(f"{root} is a newsletter repository already", help="type publisher new SLUG to add an issue")
    if there:
        shown = ", ".join(sorted(there)[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        raise UsageError(f"{root} has files that init would write: {shown}", help="name an empty folder")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:  # x: never over a file that came in between
            file.write(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", help="name a folder that can be written") from error
