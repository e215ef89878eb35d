"""Check of a repository: reports everything that a build would, and writes nothing but the cache."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import publisher
from publisher.diagnostics import Diagnostic, in_order
from publisher.proofing.index import as_data, as_findings, key_of_issue, read_index
from publisher.proofing.manifest import Manifest, state_of

if TYPE_CHECKING:  # not needed, so not loaded, if nothing has changed
    from publisher.config import Config
    from publisher.proofing.store import Store


@dataclass(frozen=True, slots=True)
class Checked:
    """Slugs that were checked, and all findings, sorted."""

    slugs: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]


def check_repository(
    config: Config,
    slugs: Iterable[str] | None = None,
    *,
    use_cache: bool = True,
    cache: Path | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Checked:
    """Check the issues ``slugs`` (all by default), including drafts: rules, gates, and rules across issues.

    Rules across issues read all issues of the repository and report on the chosen ones. ``progress()`` is called once
    per issue.
    """
    from publisher.diagnostics.catalogue import with_levels
    from publisher.issue.series import steps_of
    from publisher.proofing.proof import proofread_steps
    from publisher.proofing.store import Store
    from publisher.proofing.together import judge

    store = Store(config, enabled=use_cache, folder=cache)
    everything, steps = store.slugs, steps_of(config.root)
    chosen = tuple(everything if slugs is None else dict.fromkeys(slugs))
    issues = tuple(slug for slug in chosen if slug not in steps)
    proofs = judge(config, issues, among=None if slugs is None else everything, store=store, progress=progress)
    of_steps = proofread_steps(config, store.others, None if slugs is None else steps.keys() & {*chosen})
    in_steps = [finding for proof in of_steps for finding in proof.findings]
    found = {*in_steps, *(finding for proof in proofs for finding in proof.findings)}
    if slugs is None:
        around = (*with_levels(config.checks.levels, surroundings(config)), *in_steps)
        found.update(around)
        store.forget_all_but(everything)
        store.save(notes=_notes(config, store, everything, around))
    return Checked(chosen, tuple(in_order(found)))


def surroundings(config: Config) -> list[Diagnostic]:
    """Return the findings that are of no issue: about config.yaml, the theme, the footer, and files beside issues.

    Raises UsageError if ``issues/`` cannot be listed.
    """
    from publisher.config.load import config_warnings
    from publisher.config.theme_findings import shadowed
    from publisher.edition.footer import footer_findings
    from publisher.edition.gates.contrast import unseen
    from publisher.edition.theme import Theme
    from publisher.issue.folder import loose_files, unknown_issues
    from publisher.issue.series import loose_steps

    found = [*loose_files(config.root), *loose_steps(config.root), *config_warnings(config), *unknown_issues(config)]
    return [*found, *shadowed(config), *unseen(config), *footer_findings(config), *Theme.of(config).uncompiled()]


def remembered(root: Path, slugs: Sequence[str] | None = None, *, cache: Path | None = None) -> Checked | None:
    """Return what :func:`check_repository` would if nothing changed since it last checked all issues, or None.

    Only the states of files are compared: neither config.yaml nor an issue is read, and their parsers are not loaded.
    """
    root = root.resolve()
    folder = cache or root / ".publisher" / "cache"
    files = Manifest(folder / "files")
    try:
        looked, before, shared, common, known, around = files.notes
        if _surroundings(root, *looked) != before or not all(files.same(each, "__pycache__") for each in shared):
            return None
        rows = read_index(folder / "index", common)
        for slug, beside in known.items():
            digest = files.same(f"{root}/issues/{slug}")
            row = rows[slug]
            if not digest or not row.lasts or row.key != key_of_issue(common, slug, digest, beside):
                return None
        chosen = tuple(known) if slugs is None else tuple(dict.fromkeys(slugs))
        if not known.keys() >= {*chosen}:
            return None
        found = {finding for slug in chosen for finding in rows[slug].findings or ()}
        return Checked(chosen, tuple(in_order(found.union(as_findings(around) if slugs is None else ()))))
    except (LookupError, TypeError, ValueError, OSError):  # the cache is missing or damaged
        return None


def _notes(config: Config, store: Store, slugs: Sequence[str], around: Iterable[Diagnostic]) -> tuple[Any, ...] | None:
    """Return the data that :func:`remembered` needs; None if a change might go unnoticed."""
    from publisher.config import read_config
    from publisher.config.plugins import RULES, plugins
    from publisher.config.theme import theme_folders, theme_places

    root = config.root
    names = ("issues", "config.yaml", *(file.path for file in config.rule_files), *config.brand_files)
    looked = (names, (str(root / "series"), *map(str, theme_places(config))))
    series = [str(root / "series")] if (root / "series").is_dir() else []
    for folder in series:
        store.files.digest(folder, "__pycache__")
    shared = (str(Path(publisher.__file__).parent), *map(str, theme_folders(config)), *series)
    try:
        now = _surroundings(root, *looked)
        others = [entry for entry in (root / "issues").iterdir() if entry.name not in slugs or entry.is_symlink()]
        strange = any(entry.is_symlink() or (entry.is_dir() and not any(entry.iterdir())) for entry in others)
    except OSError:
        return None
    if (
        strange
        or plugins(RULES)
        or not all(map(store.files.settled, (*now[1], *now[2])))
        or read_config(root)[0] != config
    ):
        return None
    return looked, now, shared, store.common, {slug: store.beside(slug) for slug in slugs}, as_data(around)


def _surroundings(root: Path, names: Iterable[str], places: Iterable[str]) -> tuple[Any, ...]:
    """The inputs of a check other than issues, theme and package: the interpreter, the folders of libraries, files and
    folders of the root, and which folders exist at ``places``. Raises OSError.
    """
    libraries = tuple(state_of(folder.stat()) for folder in map(Path, sys.path) if folder.is_dir())
    states = tuple(state_of((root / name).stat()) for name in names)
    lie = tuple(str(place.resolve()) if place.is_dir() else "" for place in map(Path, places))
    return (sys.version, *sys.path), libraries, states, lie
