"""The files of a theme: list them, copy them into ``templates/``, and show how the copies differ."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import escape
from pathlib import Path

from publisher.authoring.bundled import starter_file
from publisher.config import Config
from publisher.config.theme import BASE, built_in, folder_of, own_tokens, store
from publisher.diagnostics import say
from publisher.documents.atomic import write_file
from publisher.errors import UsageError, refusal
from publisher.proofing.proof import proofread
from publisher.site.build import build_site


def themes(config: Config) -> list[tuple[str, str, bool]]:
    """Name, description and whether it is in use, for each built-in theme and each of the repository."""
    used = config.theme.name
    described = own_tokens(config.theme, config.root).get("description") or say("of this repository")
    own = [] if used in built_in() else [(used, described, True)]
    return [*((name, say(sentence), name == used) for name, sentence in built_in().items()), *own]


def theme_files(config: Config) -> dict[str, Path]:
    """The files of the newsletter's theme by name, such as ``email/issue.mjml.j2``; overrides are not included."""
    found: dict[str, Path] = {}
    for folder in (store() / BASE, folder_of(config.theme, config.root)):
        for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "theme.yaml"):
            found[file.relative_to(folder).as_posix()] = file
    return found


def eject(config: Config, name: str | None, *, force: bool) -> tuple[list[Path], list[Path]]:
    """Copy one file of the theme, or all, into the folder of overrides; return what was written and what existed.

    Raises UsageError if the theme has no such file or the folder cannot be written.
    """
    own = config.root / config.templates
    files = {own / one: file for one, file in _chosen(config, name).items()}
    taken = [] if force else [path for path in files if path.exists()]
    written = [path for path in files if path not in taken]
    for path in written:
        with refusal(say("cannot write {path}", path=path), say("make the folder writable, or make room")):
            write_file(path, files[path].read_bytes())
    return written, taken


def differences(config: Config, name: str | None) -> Iterator[str]:
    """The lines of a unified diff from the packaged theme to the overrides. Raises UsageError."""
    for one, file in _chosen(config, name).items():
        own = config.root / config.templates / one
        if own.is_file():
            names = (f"{config.theme.name}/{one}", f"{config.templates}/{one}")
            yield from difflib.unified_diff(_lines(file), _lines(own), *names, lineterm="")


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines()


def _chosen(config: Config, name: str | None) -> dict[str, Path]:
    files = theme_files(config)
    if name is None:
        return files
    name = name.removeprefix(f"{config.templates}/")
    if name not in files:
        near = difflib.get_close_matches(name, files, 1, 0.5)
        message = say("the theme has no {name}", name=name)
        all_of_it = say("publisher theme eject copies all")
        raise UsageError(message, help=say("the nearest is {near}", near=near[0]) if near else all_of_it)
    return {name: files[name]}


_FRAMES = (("email.html", 700, "light"), ("email.html", 375, "dark"), ("site/issues/{slug}/index.html", 900, "light"),
           ("site/issues/{slug}/index.html", 375, "dark"), ("site/index.html", 900, "light"))  # fmt: skip


def preview_themes(config: Config, slug: str, names: Iterable[str], out: Path) -> Path:
    """Render the issue in each theme below ``out``; return the overview page. Raises UsageError, DeployError."""
    shown, described = [], {name: sentence for name, sentence, _ in themes(config)}
    for name in names:
        dressed = config.model_copy(update={"theme": config.theme.model_copy(update={"name": name})})
        edition = proofread(dressed, slug).edition
        if edition is None:
            advice = say("publisher check {slug} names them", slug=slug)
            raise UsageError(say("{slug} has errors in the theme {name}", slug=slug, name=name), help=advice)
        assets = tuple(replace(asset, scaled=False) for asset in edition.assets)  # scaled copies are slow
        cover = edition.cover and replace(edition.cover, scaled=False)
        edition = replace(edition, assets=assets, cover=cover)
        label = name.strip("./")
        folder = out / label
        build_site(dressed, [edition], folder / "site")
        html = str(edition.html)
        for path in ("media", "assets"):
            html = html.replace(f'src="{config.newsletter.url}{path}/', f'src="site/{path}/')
        write_file(folder / "email.html", html.encode())
        each = (
            f'<iframe src="{label}/{path.format(slug=slug)}" width="{width}" style="color-scheme: {scheme}"'
            f' title="{label}, {scheme}, {width} pixels"></iframe>'
            for path, width, scheme in _FRAMES
        )
        title = f"<h2>{escape(name)}</h2><p>{escape(described[name])}</p>"
        frames = f'<div tabindex="0" role="group" aria-label="{label}">{"".join(each)}</div>'  # keys scroll it
        shown.append(f"<section>{title}{frames}</section>")
    page = out / "index.html"
    page_html = starter_file("themes.html", NAME=escape(config.newsletter.name), THEMES="\n".join(shown))
    write_file(page, page_html.encode())
    return page
