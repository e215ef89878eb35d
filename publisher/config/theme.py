"""``theme:`` of config.yaml: the theme, and the brand applied to it."""

from __future__ import annotations

import importlib.resources
import os
import posixpath
import re
from collections.abc import Mapping as Mapping_
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator, Field

from publisher.config import colour
from publisher.config.values import OneLine, Section
from publisher.diagnostics import Span, say
from publisher.documents import parse_mapping, read_text, validate
from publisher.documents.validate import Rules, canonical_language, refuse
from publisher.errors import ConfigError

if TYPE_CHECKING:
    from publisher.config.model import Config

BASE = "paper"
"""The theme whose files are used if another theme lacks them."""
GROUNDS = ("page", "paper", "card", "panel")
_FONTS = re.compile(r"""(?:(?:^|,)\s*(?:[\w-]+(?:\s+[\w-]+)*|'[\w\s-]+'|"[\w\s-]+")\s*)+""")
_DARK_START = 0.78
"""The lightness in OKLCH at which the search for the accent of the dark scheme starts."""


@dataclass(frozen=True)
class Palette:
    """The colours of a theme in one scheme, by token, as CSS writes them."""

    tokens: Mapping_[str, str]

    @property
    def grounds(self) -> tuple[colour.RGB, ...]:
        """The backgrounds behind text."""
        return tuple(rgb(self.tokens[name]) for name in GROUNDS)

    def with_accent(self, accent: str) -> Palette:
        """The palette with another accent, and the label colour of higher contrast on it."""
        labels = ("#ffffff", self.tokens["page"] if colour.luminance(rgb(self.tokens["page"])) < 0.2 else "#1a1815")
        label = max(labels, key=lambda one: colour.contrast(rgb(one), rgb(accent)))
        return Palette(MappingProxyType({**self.tokens, "accent": accent, "on_accent": label}))


def rgb(written: str) -> colour.RGB:
    """Parse a colour of a palette, already validated."""
    found = colour.parse(written)
    assert found is not None
    return found


@cache
def store() -> Path:
    """The folder of the built-in themes: inside an installed wheel, or beside the package in a checkout."""
    shipped = Path(str(importlib.resources.files("publisher"))) / "_theme"
    return shipped.resolve() if shipped.is_dir() else Path(__file__).resolve().parents[2] / "templates"


@cache
def built_in() -> Mapping_[str, str]:
    """The built-in themes by name, each with its description; the base theme comes first."""
    found = {file.parent.name: str(_described(file)["description"]) for file in sorted(store().glob("*/theme.yaml"))}
    return {BASE: found.pop(BASE), **found}


@cache
def _described(file: Path) -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return described


def _colour(value: Any) -> Any:
    if value is None:
        raise refuse(say("a # begins a comment in YAML, so there is no colour here"), say('quote it: "#a4371c"'))
    if not isinstance(value, str):
        return value
    digits = value.strip().lower().removeprefix("#")
    if value.strip()[:1] != "#" or len(digits) not in {3, 6} or set(digits) - set("0123456789abcdef"):
        raise refuse(say("{value!r} is not a colour", value=value[:40]), say('write "#rgb" or "#rrggbb", in quotes'))
    return colour.written(rgb("#" + digits))


def _font(value: str) -> str:
    if re.fullmatch(_FONTS, value):
        return value.replace('"', "'")
    message = say("{value!r} is not a list of fonts", value=value[:40])
    raise refuse(message, say("write serif, sans, mono, or names with commas between"))


def _address(value: str) -> str:
    if re.fullmatch(r"https?://[^\s/]+\S*|mailto:\S+@\S+", value):
        return value
    raise refuse(say("{value!r} is not an address", value=value[:40]), say("write https://… or mailto:…"))


def _in_both(value: Any) -> Any:
    """Convert ``X`` to ``{light: X}``."""
    return value if isinstance(value, dict) else {"light": value}


def _of_all(value: Any) -> Any:
    """Convert ``X`` to ``{title: X, body: X}``."""
    return {"title": value, "body": value} if isinstance(value, str) else value


def _by_language(value: Any) -> Any:
    return {canonical_language(str(tag)): words for tag, words in value.items()} if isinstance(value, dict) else value


Colour = Annotated[str, BeforeValidator(_colour)]
Address = Annotated[OneLine, AfterValidator(_address)]
Font = Annotated[OneLine, AfterValidator(_font)]


class Accent(Section):
    """The colour of links, labels and buttons; ``dark`` is derived from ``light`` if it is not given."""

    light: Colour
    dark: Annotated[Colour | None, BeforeValidator(_colour)] = None


class Logo(Section):
    """Files relative to the root. Without ``dark``, the light one stands on a light backing in dark mode."""

    light: OneLine
    dark: OneLine | None = None
    width: int = Field(160, ge=16, le=480, description="Width in CSS pixels, at most the file's own")
    alt: OneLine | None = Field(None, description="Alternative text; default: the newsletter's name")


class Fonts(Section):
    """``serif``, ``sans``, ``mono``, a family that readers have, or a CSS list. No font is loaded."""

    title: Font | None = Field(None, description="Font of titles and headlines", examples=["serif"])
    body: Font | None = Field(None, description="Font of running text", examples=["sans"])
    card: OneLine | None = Field(
        None, description="Font of cards: an installed family, or a font file in the repository", examples=["Noto Sans"]
    )


class Social(Section):
    """A link of the footer."""

    name: OneLine
    url: Address


class AuthorConfig(Section):
    """What readers see of an author beside the name."""

    picture: OneLine | None = Field(None, description="A file relative to the root; cropped to its square middle")
    url: Address | None = Field(None, description="Link of the name")


class PartsConfig(Section):
    """Which parts of an issue are shown; the theme decides about parts that are not listed."""

    online: bool | None = Field(None, description="A link to the page, at the top of mail")
    contents: bool | None = Field(None, description="The headlines of the items, with links")
    reply: bool | None = Field(None, description="An invitation to write to the editors, below the items")
    share: bool | None = Field(None, description="The page's address and where to subscribe, below the items")
    previous: bool | None = Field(None, description="The three previous issues in its language, at the end of mail")


class Described(Section):
    """``theme.yaml`` of a theme: what differs from the base theme, by token; sizes and spaces are CSS pixels."""

    description: OneLine | None = None
    light: dict[str, Colour] = Field(default_factory=dict)
    dark: dict[str, Colour] = Field(default_factory=dict)
    fonts: Fonts = Fonts()
    parts: PartsConfig = PartsConfig()
    size: dict[str, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)
    space: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)


class ThemeConfig(Section):
    """The look of the newsletter."""

    name: OneLine = Field(BASE, description="A built-in theme, or ./FOLDER")
    accent: Annotated[Accent | None, BeforeValidator(_in_both, Accent | str | None)] = Field(
        None, description="Colour of links, labels and buttons", examples=["#a4371c"]
    )
    logo: Annotated[Logo | None, BeforeValidator(_in_both, Logo | str | None)] = Field(
        None, examples=["images/logo.png"]
    )
    icon: OneLine | None = Field(None, description="A square picture for tabs, home screens and feeds")
    header: OneLine | None = Field(None, description="A picture across the top of mail and archive")
    fonts: Annotated[Fonts, BeforeValidator(_of_all, Fonts | str)] = Fonts()
    width: int = Field(640, ge=480, le=720, description="Width of the mail, in CSS pixels")
    align: Literal["left", "center"] = Field("left", description="Alignment of title, date and logo")
    corners: int | None = Field(
        None, ge=0, le=24, description="Radius of boxes and pictures in CSS pixels; by default 0 in mail, 4 on pages"
    )
    footer: Annotated[str | dict[str, str] | None, BeforeValidator(_by_language)] = Field(
        None, description="Markdown above the unsubscribe links and on every page; may be a mapping by language"
    )
    cards: bool = Field(True, description="Draw the pictures that social networks show with links to the archive")
    social: tuple[Social, ...] = Field((), description="Links in the footer")
    css: tuple[OneLine, ...] = Field((), description="Style sheets to load after the theme's own")
    parts: PartsConfig = PartsConfig()

    @property
    def files(self) -> tuple[str, ...]:
        """All files it refers to, relative to the root."""
        logo = (self.logo.light, self.logo.dark) if self.logo else ()
        return tuple(name for name in (*logo, self.icon, self.header, *self.css) if name)


def folder_of(theme: ThemeConfig, root: Path) -> Path:
    """The folder of a theme: a built-in one, or one in the repository."""
    return store() / theme.name if theme.name in built_in() else root / theme.name


def theme_places(config: Config) -> tuple[Path, ...]:
    """The paths at which a file of the theme may be: the newsletter's overrides, its theme, the base theme."""
    return config.root / config.templates, folder_of(config.theme, config.root), store() / BASE


def theme_folders(config: Config) -> tuple[Path, ...]:
    """The folders that are searched for a file of the theme, in order."""
    return tuple(dict.fromkeys(folder.resolve() for folder in theme_places(config) if folder.is_dir()))


def described_in(theme: ThemeConfig, root: Path) -> str | None:
    """The path, relative to the root, of the repository's own ``theme.yaml``, if it has one."""
    path = posixpath.normpath(f"{theme.name}/theme.yaml")
    return path if theme.name not in built_in() and os.path.lexists(root / path) else None


def own_tokens(theme: ThemeConfig, root: Path) -> dict[str, Any]:
    """The content of the theme's ``theme.yaml``. Raises ConfigError."""
    if theme.name in built_in():
        return _described(store() / theme.name / "theme.yaml")
    path = described_in(theme, root)
    if path is None:
        return {}
    file, findings = read_text(root, path)
    node, more = parse_mapping(file, say("{name} has to be a mapping", name=path), None) if file else (None, [])
    described, wrong, _ = validate(Described, node, path, Rules(start=Span.point(1))) if node else (None, [], [])
    if findings := [*findings, *more, *wrong]:
        raise ConfigError(findings, root=root)
    return described.model_dump(exclude_none=True) if described else {}


def tokens(theme: ThemeConfig, root: Path, kind: str) -> Mapping_[str, Any]:
    """The tokens of one kind (a field of :class:`Described`), of the base and the theme. Raises ConfigError."""
    base, own = _described(store() / BASE / "theme.yaml"), own_tokens(theme, root)
    return MappingProxyType({**base.get(kind, {}), **own.get(kind, {})})


def palettes(theme: ThemeConfig, root: Path) -> tuple[Palette, Palette]:
    """The colours of the light and the dark scheme. Raises ConfigError."""
    light, dark = (Palette(tokens(theme, root, mode)) for mode in ("light", "dark"))
    if theme.accent is None:
        return light, dark
    given = theme.accent.dark
    derived = given or colour.written(colour.nearest(rgb(theme.accent.light), dark.grounds, colour.ENOUGH, _DARK_START))
    return light.with_accent(theme.accent.light), dark.with_accent(derived)
