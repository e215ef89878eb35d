"""The brand under ``theme:`` in config.yaml, as templates see it (``theme.light.accent``, ``theme.logo``), and the
pictures in a theme's own folder that its templates and style sheets name.

``src="images/leaf.png"`` and ``url(images/leaf.png)`` are short for ``{{ image("images/leaf.png") }}``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

from publisher.config import Config, colour
from publisher.config.load import NAME, read_nodes
from publisher.config.theme import Fonts, Social, ThemeConfig, described_in, palettes, rgb, store, theme_folders, tokens
from publisher.diagnostics import Fault, Place, Span, say
from publisher.documents import find, read_text
from publisher.edition.model import Asset
from publisher.errors import ConfigError, UsageError
from publisher.issue import codes
from publisher.issue.opening import PictureFile, open_file, unreadable
from publisher.language import Locale

_UNSAFE = re.compile("[^A-Za-z0-9_-]+")  # ``#``, ``?`` and ``%`` have a meaning in a URL
_SHOWN = ("paper", "card", "panel", "ink", "soft", "rule", "edge", "accent", "on_accent")
LOGO_HEIGHTS = (160, 240)
"""Bounds of a logo's maximum height in CSS pixels; between them, it equals the configured width."""
_ASKED = re.compile(r"""\bimage\(\s*(["'])([^"'\\\n]+)\1\s*\)""")
_NAME = r"""([^\s"'(){}<>:#?/\\][^"'(){}<>:#?\\\n]*\.(?:png|jpe?g|gif|webp|avif|svg))(?=\s*["')])"""
_JINJA = r"\{#.*?#\}|\{%[-+]?\s*raw\b.*?\bendraw\s*[-+]?%\}|\{\{.*?\}\}|\{%.*?%\}"
_WRITTEN = re.compile(rf"""{_JINJA}|(?<![\w-])(src=["']|url\(\s*["']?){_NAME}""", re.DOTALL | re.IGNORECASE)
SHEET_PICTURE = re.compile(rf"""/\*.*?\*/|\b(url\(\s*["']?){_NAME}""", re.DOTALL | re.IGNORECASE)
"""A picture in a style sheet: the text before its name, and the name; comments match without groups."""
_BACKING = "#f8f4ec"  # of transparent pictures, where a theme is dark in both schemes
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
_SERIF = re.compile(
    r"(?<!sans-)(?<!sans )\bserif|baskerville|bodoni|cambria|caslon|charter|didot|garamond|georgia|iowan|merriweather"
    r"|palatino|playfair|times",
    re.IGNORECASE,
)  # fonts whose fallback is a serif too


@dataclass(frozen=True, slots=True)
class BrandPicture:
    """Picture of the brand: path below the site's root, size in CSS pixels, path for the dark scheme."""

    path: str
    width: int
    height: int
    alt: str = ""
    dark: str | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Picture and web address of an author; both are optional."""

    picture: BrandPicture | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Brand:
    """The template variable ``theme``. ``base`` is the URL of the archive, which precedes a picture's path in mail;
    ``backing`` the light colour behind transparent pictures in the dark.
    """

    base: str
    light: Mapping[str, str]
    dark: Mapping[str, str]
    backing: str
    width: int
    align: str
    corners: int
    page_corners: int
    logo: BrandPicture | None
    header: BrandPicture | None
    icon: BrandPicture | None
    social: tuple[Social, ...]
    authors: Mapping[str, Author]
    fonts: Fonts
    parts: Mapping[str, Any]
    size: Mapping[str, int]
    space: Mapping[str, int]
    css: str
    assets: tuple[Asset, ...]

    @classmethod
    def of(cls, config: Config) -> Brand:
        """Return the brand of a newsletter, cached until one of its files changes. Raises ConfigError, OSError."""
        files = filter(None, (described_in(config.theme, config.root), *config.brand_files))
        times = (stat.st_mtime_ns + stat.st_ctime_ns for stat in map(Path.stat, map(config.root.joinpath, files)))
        news = config.newsletter
        authors = tuple((name, author.picture, author.url) for name, author in config.authors.items())
        return _read(config.theme.model_dump_json(exclude_none=True), authors, config.root, news.url, news.name, *times)


@lru_cache(maxsize=8)
def _read(
    written: str,
    authors: tuple[tuple[str, str | None, str | None], ...],
    root: Path,
    base: str,
    name: str,
    *_times: int,
) -> Brand:
    theme = ThemeConfig.model_validate_json(written)
    light, dark = palettes(theme, root)
    assets: dict[str, Asset] = {}

    def picture(key: str, file: str | None, most: int, alt: str = "", high: int | None = None) -> BrandPicture | None:
        if file is None:
            return None
        opened = open_file(root / file, file)
        if isinstance(opened, Fault):
            raise ConfigError([opened.at(place_of(root, "theme", key))], root=root)
        asset = asset_of(opened)
        assets[asset.name] = asset
        width = min(most, opened.width)
        if high:
            width = max(1, min(width, round(opened.width * high / opened.height)))
        return BrandPicture(asset.name, width, max(1, round(opened.height * width / opened.width)), alt)

    def shown(name: str, file: str) -> BrandPicture:
        from publisher.edition.mail_copy import PORTRAIT, portrait

        place = place_of(root, "authors", name, "picture")
        opened = open_file(root / file, file)
        if isinstance(opened, Fault):
            raise ConfigError([opened.at(place)], root=root)
        try:
            form, content = portrait(opened, opened.file.read_bytes())
        except (OSError, ValueError, SyntaxError) as error:
            raise ConfigError([unreadable(file, error).at(place)], root=root) from error
        stem, suffix = _UNSAFE.sub("-", opened.file.stem), ".png" if form == "PNG" else ".jpg"
        asset = Asset(asset_name(stem, content, suffix), content, f"image/{form.lower()}", PORTRAIT, PORTRAIT, True)
        assets[asset.name] = asset
        return BrandPicture(asset.name, PORTRAIT // 2, PORTRAIT // 2)

    logo = None
    if theme.logo:
        high = min(max(theme.logo.width, LOGO_HEIGHTS[0]), LOGO_HEIGHTS[1])
        logo = picture("logo", theme.logo.light, theme.logo.width, theme.logo.alt or name, high)
        night = picture("logo", theme.logo.dark, theme.logo.width)
        logo = replace(logo, dark=night.path) if logo and night else logo
    return Brand(
        base,
        light.tokens,
        dark.tokens,
        light.tokens["panel"] if colour.luminance(rgb(light.tokens["panel"])) > 0.4 else _BACKING,
        theme.width,
        theme.align,
        theme.corners or 0,
        4 if theme.corners is None else theme.corners,
        logo,
        picture("header", theme.header, theme.width),
        picture("icon", theme.icon, 512),
        theme.social,
        {name: Author(shown(name, file) if file else None, url) for name, file, url in authors},
        Fonts(**{**tokens(theme, root, "fonts"), **theme.fonts.model_dump(exclude_none=True)}),
        {**tokens(theme, root, "parts"), **theme.parts.model_dump(exclude_none=True)},
        tokens(theme, root, "size"),
        tokens(theme, root, "space"),
        "\n".join(_sheet(root, file) for file in theme.css),
        tuple(assets.values()),
    )


def _sheet(root: Path, path: str) -> str:
    file, findings = read_text(root, path)
    if file is None or findings:
        raise ConfigError(findings, root=root)
    return file.text


def variables(brand: Brand, language: str) -> str:
    """Return the brand as CSS variables for the head of a page's style sheet, with fallback fonts for ``language``."""

    def colours(scheme: Mapping[str, str]) -> str:
        return " ".join(f"--{name.replace('_', '-')}: {scheme[name]};" for name in _SHOWN)

    day = f"--backing: {brand.backing}; --day: {brand.light['panel']}; --day-ink: {brand.light['ink']};"
    root = brand.size["body"]
    rems = {name.replace("_", "-"): ceil(pixels / root * 1e4) / 1e4 for name, pixels in brand.size.items()}
    sizes = " ".join(f"--{name}: {rem}rem;" for name, rem in rems.items())
    sizes += f" --root: {root / 16:.2%};"
    lines = [
        f":root {{ color-scheme: light dark; {colours(brand.light)} {day} {sizes} --corners: {brand.page_corners}px; }}"
    ]
    title, body = font_stacks(brand.fonts, Locale.of(language, {}))
    asked = {}
    if brand.fonts.title not in {None, "serif"}:
        asked["--serif"] = "var(--sans)" if brand.fonts == Fonts(title="sans") else title
    if brand.fonts.body not in {None, "sans"}:
        asked["--sans"] = "var(--serif)" if "--serif" not in asked and brand.fonts.body == "serif" else body
    if asked:
        declared = " ".join(f"{name}: {stack};" for name, stack in asked.items())
        lines.append(f":root:root, :root:root * {{ {declared} }}")
    if brand.align == "center":
        lines.append(".issue-head { text-align: center; } .byline { justify-content: center; }")
    lines.append(f"@media (prefers-color-scheme: dark) {{ :root {{ {colours(brand.dark)} }} }}\n")
    return "\n".join(lines)


def theme_text(config: Config, name: str, *, needed: bool = True) -> str:
    """Return the text of a theme file that is not a template, such as a style sheet.

    Raises UsageError if it cannot be read, or is missing and ``needed``; otherwise a missing file is empty.
    """
    for folder in theme_folders(config):
        file = folder / name
        if file.is_file():
            if not file.resolve().is_relative_to(folder):
                raise UsageError(say("{file} is a link out of the theme", file=file), help=say("copy the file in"))
            try:
                return file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                message = say("{path} cannot be read: {reason}", path=file, reason=error)
                raise UsageError(message, help=say("save it as UTF-8")) from error
    if not needed:
        return ""
    advice = say("install the package again: its own theme is incomplete")
    raise UsageError(say("the theme has no {name}", name=name), help=advice)


def font_stacks(fonts: Fonts, words: Locale) -> tuple[str, str]:
    """Return the CSS font stacks of titles and running text: the fonts in config.yaml, then those of the language."""

    def stack(wanted: str | None, usual: str) -> str:
        if wanted is None:
            return usual
        known = {"sans": words.body_font, "serif": words.serif_font, "mono": _MONO}
        return known.get(wanted, f"{wanted},{words.serif_font if _SERIF.search(wanted) else words.body_font}")

    return stack(fonts.title, words.display_font), stack(fonts.body, words.body_font)


def place_of(root: Path, *keys: str) -> Place:
    """Return the place of a key in config.yaml, or of the nearest enclosing key that exists."""
    node, _ = read_nodes(root)
    nodes = (find(node, keys[:end]) for end in range(len(keys), 0, -1)) if node else ()
    at = next((found for found in nodes if found), None)
    return Place(NAME, at.span if at else Span.point(1, 1))


def asset_name(stem: str, content: bytes, suffix: str) -> str:
    """The path of a published theme or brand file. It contains a content hash, so that it can be cached permanently."""
    return f"assets/{stem}.{hashlib.sha256(content).hexdigest()[:12]}{suffix}"


def asset_of(opened: PictureFile) -> Asset:
    """Read a picture into an asset. Raises OSError."""
    content = opened.file.read_bytes()
    name = asset_name(_UNSAFE.sub("-", opened.file.stem), content, opened.file.suffix.lower())
    return Asset(name, content, f"image/{opened.format.lower()}", opened.width, opened.height)


def asking(template: str) -> str:
    """Replace the relative picture paths in a template by calls of ``image()``. Line numbers stay the same."""
    return _WRITTEN.sub(lambda found: f'{found[1]}{{{{ image("{found[2]}") }}}}' if found[2] else found[0], template)


def asked_images(config: Config) -> Mapping[str, Asset | Fault]:
    """Map each picture name in the templates and style sheets of the newsletter's own theme to its asset or its fault.

    Names are read from the source, because pages that are not rendered again still need their pictures.
    """
    folders = [folder for folder in theme_folders(config) if not folder.is_relative_to(store())]
    found = {file.relative_to(folder): file for folder in folders[::-1] for file in folder.rglob("*.*")}
    files = [file for file in found.values() if file.suffix in {".j2", ".html", ".css"} and file.is_file()]
    texts = ((file.suffix, file.read_text(encoding="utf-8", errors="replace")) for file in files)
    names = dict.fromkeys(
        asked[2]
        for suffix, text in texts
        for asked in (SHEET_PICTURE.finditer(text) if suffix == ".css" else _ASKED.finditer(asking(text)))
    )
    return {name: _image(folders, name) for name in names if name}


def theme_assets(config: Config) -> Iterator[Asset]:
    """The assets of the brand, and the pictures of the theme."""
    yield from Brand.of(config).assets
    yield from (found for found in asked_images(config).values() if isinstance(found, Asset))


def _image(folders: list[Path], name: str) -> Asset | Fault:
    folder = next((folder for folder in folders if (folder / name).is_file()), None)
    if folder is None:
        message = say("the theme has no picture {name}", name=name)
        return Fault(codes.IMAGE_MISSING, message, say("put it into the folder of the theme, or correct the name"))
    file = folder / name
    if not file.resolve().is_relative_to(folder):
        message = say("{name} leads out of the folder of the theme", name=name)
        return Fault(codes.IMAGE_OUTSIDE, message, say("copy the picture in"))
    opened = open_file(file, name)
    if isinstance(opened, Fault):
        return opened
    try:
        status = file.stat()
        return _asset(opened, status.st_mtime_ns, status.st_ctime_ns)
    except OSError as error:
        return unreadable(name, error)


@lru_cache(maxsize=64)
def _asset(opened: PictureFile, *_times: int) -> Asset:
    return asset_of(opened)
