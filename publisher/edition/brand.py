"""The brand of ``theme:`` in config.yaml, as templates see it: ``theme.light.accent``, ``theme.logo``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from publisher.checks.html_policy import TAGS
from publisher.config import Config
from publisher.config.load import NAME, read_nodes
from publisher.config.theme import Fonts, Palette, Social, ThemeConfig, described_in, palettes
from publisher.diagnostics import Place, Sentence, Span, say
from publisher.documents import find, read_text
from publisher.documents.validate import BAD_VALUE
from publisher.edition.markdown import MarkdownRenderer, RenderedText
from publisher.edition.model import Asset
from publisher.errors import ConfigError
from publisher.issue.markdown import parsed
from publisher.issue.markdown.tags import raw_tags
from publisher.issue.model import Prose
from publisher.issue.opening import PictureFile, Unopened, open_file
from publisher.language import Locale
from publisher.language.locale import LATIN_SERIF

_UNSAFE = re.compile("[^A-Za-z0-9_-]+")  # a ``#``, ``?`` or ``%`` would end or change the address
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"


@dataclass(frozen=True, slots=True)
class BrandPicture:
    """A picture of the brand: its path below the site's root, and its size in CSS pixels. ``dark``: another path."""

    path: str
    width: int
    height: int
    alt: str = ""
    dark: str | None = None


@dataclass(frozen=True, slots=True)
class Brand:
    """What ``theme`` is in a template. ``base`` is the archive's address, which mail puts before a picture's path."""

    base: str
    light: Palette
    dark: Palette
    width: int
    align: str
    corners: int
    logo: BrandPicture | None
    header: BrandPicture | None
    icon: BrandPicture | None
    social: tuple[Social, ...]
    fonts: Fonts
    css: str
    assets: tuple[Asset, ...]

    @classmethod
    def of(cls, config: Config) -> Brand:
        """The brand of a newsletter, kept until a file of it changes. Raises ConfigError, OSError."""
        files = filter(None, (described_in(config.theme, config.root), *config.theme.files))
        times = (stat.st_mtime_ns + stat.st_ctime_ns for stat in map(Path.stat, map(config.root.joinpath, files)))
        news = config.newsletter
        return _read(config.theme.model_dump_json(exclude_none=True), config.root, news.url, news.name, *times)


@lru_cache(maxsize=8)
def _read(written: str, root: Path, base: str, name: str, *_times: int) -> Brand:
    theme = ThemeConfig.model_validate_json(written)
    light, dark = palettes(theme, root)
    assets: dict[str, Asset] = {}

    def picture(key: str, file: str | None, most: int, alt: str = "") -> BrandPicture | None:
        if file is None:
            return None
        opened = open_file(root / file, file)
        if isinstance(opened, Unopened):
            raise ConfigError([opened.code.at(_place(root, key), opened.message, help=opened.help)], root=root)
        asset = _asset(opened)
        assets[asset.name] = asset
        width = min(most, opened.width)
        return BrandPicture(asset.name, width, max(1, round(opened.height * width / opened.width)), alt)

    logo = None
    if theme.logo:
        logo = picture("logo", theme.logo.light, theme.logo.width, theme.logo.alt or name)
        night = picture("logo", theme.logo.dark, theme.logo.width)
        logo = replace(logo, dark=night.path) if logo and night else logo
    return Brand(
        base,
        light,
        dark,
        theme.width,
        theme.align,
        theme.corners,
        logo,
        picture("header", theme.header, theme.width),
        picture("icon", theme.icon, 512),
        theme.social,
        theme.fonts,
        "\n".join(_sheet(root, file) for file in theme.css),
        tuple(assets.values()),
    )


def _sheet(root: Path, path: str) -> str:
    file, findings = read_text(root, path)
    if file is None or findings:
        raise ConfigError(findings, root=root)
    return file.text


def font_stacks(fonts: Fonts, words: Locale) -> tuple[str, str]:
    """CSS font stacks of titles and of running text: what config.yaml asks for, then the faces of the language."""

    def stack(wanted: str | None, usual: str) -> str:
        if wanted is None:
            return usual
        known = {"sans": words.body_font, "serif": LATIN_SERIF, "mono": _MONO}
        return known.get(wanted, f"{wanted},{words.body_font}")

    return stack(fonts.title, words.display_font), stack(fonts.body, words.body_font)


def _place(root: Path, key: str) -> Place:
    node, _ = read_nodes(root)
    at = find(node, ("theme", key)) if node else None
    return Place(NAME, at.span if at else Span.point(1, 1))


def _asset(opened: PictureFile) -> Asset:
    content = opened.file.read_bytes()
    stem = _UNSAFE.sub("-", opened.file.stem)
    name = f"assets/{stem}.{hashlib.sha256(content).hexdigest()[:12]}{opened.file.suffix.lower()}"
    return Asset(name, content, f"image/{opened.format.lower()}", opened.width, opened.height)


def footer(config: Config, words: Locale) -> RenderedText | None:
    """The footer in the language of ``words``, or in the newsletter's; None where there is none.

    Raises ConfigError where something of it would not reach readers.
    """
    given = config.theme.footer
    if isinstance(given, dict):
        tags = (words.language, words.language.partition("-")[0], config.newsletter.language)
        given = next((given[tag] for tag in tags if tag in given), None)
    if not given or not given.strip():
        return None
    prose = Prose(given, NAME, tuple((1, 1) for _ in given.split("\n")))
    renderer = MarkdownRenderer(config.newsletter.url, lambda _: None, words)
    rendered = renderer.block(prose, "footer", above=2)
    if lost := next(_lost(given), None) or next((found.message for found in renderer.diagnostics), None):
        advice = say("use Markdown without pictures, or delete it")
        raise ConfigError([BAD_VALUE.at(_place(config.root, "footer"), lost, help=advice)], root=config.root)
    return rendered


def _lost(footer: str) -> Iterator[Sentence]:
    """What of a footer is not kept: pictures, which have no file beside it, and tags that an issue may not have."""
    for block in parsed(footer).tokens:
        for token in block.children or (block,):
            raw = token.content if token.type in {"html_inline", "html_block"} else ""
            names = ["img"] if token.type == "image" else [tag.name for tag in raw_tags(raw)]
            yield from (say("{what} is not kept", what=f"<{one}>") for one in names if one == "img" or one not in TAGS)
