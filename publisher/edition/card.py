"""The card of an issue, a tag or the archive: a picture of 1,200 × 630 pixels that social networks show with a link.

Pillow's raqm shapes and orders the text (HarfBuzz, FriBidi). The font is a system font that has every character.
A card depends on nothing else of the machine, and no card is part of an edition's digest.
"""

import io
import re
import subprocess
import unicodedata
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps, features

from publisher.config import Config
from publisher.edition.brand import Brand
from publisher.edition.model import Asset
from publisher.language import Locale

SIZE = (1200, 630)
_MARGIN, _BAND, _COVER = 72, 16, 460
_SIZES = (76, 64, 54, 46, 38)
_SHADES = 8  # from paper to an ink: those of two inks fill the 16 colours of a PNG with four bits a pixel
_LONGEST = 200  # letters; a card has no line of as many
_KNOWN = "NotoSansCJK-Bold.ttc|DejaVuSans-Bold.ttf|PingFang.ttc|Arial Unicode.ttf|msyhbd.ttc|arialbd.ttf"
_HAN = r"\u3000-\u9fff\uf900-\ufaff\uff00-\uffef"
_OPEN, _CLOSE = (
    "「『（《〈【“‘",
    "、。，．：；！？」』）》〉】”’…ー々っゃゅょッャュョ",
)  # characters that may not end a line, and that may not begin one
_WORD = re.compile(rf"[{_OPEN}]*(?:[{_HAN}]|[^\s{_HAN}{_OPEN}]+)[{_CLOSE}]*|\s+|.")
_Font = tuple[str, int]
"""A font file and an index in it; an empty name is Pillow's built-in font, which has Latin letters."""


def draw(config: Config, title: str, language: str, cover: Asset | None = None) -> bytes:
    """Draw a card as PNG: the newsletter's name and the title, each if a font has its characters, and the cover."""
    colours, newsletter = Brand.of(config).light, config.newsletter
    rtl = Locale.of(language, config.labels).direction == "rtl"
    # Without a cover, draw numbers of shades: the palette is then known, and no quantisation is needed.
    image = Image.new("RGB", SIZE, colours["paper"]) if cover else Image.new("L", SIZE)
    accent, ink = (colours["accent"], colours["title"]) if cover else (_SHADES - 1, _SHADES - 1)
    pen = ImageDraw.Draw(image)
    width = SIZE[0]
    if cover:
        with suppress(OSError), Image.open(io.BytesIO(cover.content)) as opened:  # skip a cover that Pillow cannot read
            opened.draft("RGB", (2 * _COVER, 2 * SIZE[1]))
            picture = ImageOps.fit(opened.convert("RGBA"), (_COVER, SIZE[1]))
            image.paste(picture, (0 if rtl else SIZE[0] - _COVER, 0), picture)
        width -= _COVER
    start = SIZE[0] - width if rtl else 0
    pen.rectangle((start, 0, start + width, _BAND), accent)
    edge, room = start + (width - _MARGIN if rtl else _MARGIN), width - 2 * _MARGIN
    top = _BAND + _MARGIN
    if newsletter.name != title and (font := font_for(config, newsletter.name, newsletter.language)):
        _write(pen, (edge, top), _cut(_lines(newsletter.name, font, 34, room, broken=True), 1), font, 34, accent, rtl)
        top += 78
    if font := font_for(config, title, language):
        size, lines = _fitted(title, font, room, SIZE[1] - top - _MARGIN)
        _write(pen, (edge, top), lines, font, size, ink, rtl)
    saved = io.BytesIO()
    if cover:
        image.quantize(256, Image.Quantize.FASTOCTREE).save(saved, "PNG", compress_level=6)
    else:  # of flat colours, runs alone give a file as small as a full search does, in a third of the time
        _inked(image, top, colours).save(saved, "PNG", bits=4, compress_type=zlib.Z_RLE)
    return saved.getvalue()


def _inked(shades: Image.Image, split: int, colours: Mapping[str, str]) -> Image.Image:
    """Give shades their colours: from paper to accent above row ``split``, from paper to title below."""
    box = (0, 0, SIZE[0], split)
    shades.paste(shades.crop(box).point([0, *range(_SHADES + 1, 256), *[0] * _SHADES]), box)
    paper, *inks = (ImageColor.getrgb(colours[name]) for name in ("paper", "title", "accent"))
    parts = [(ink, shade / (_SHADES - 1)) for ink in inks for shade in range(_SHADES)]
    shades.putpalette([round(p + (i - p) * part) for ink, part in parts for p, i in zip(paper, ink, strict=True)])
    return shades


def lacking(config: Config, text: str, language: str) -> str:
    """Return the characters that the best font lacks; empty if a card can be drawn or no font is installed."""
    if font_for(config, text, language) or not _of_system("sans", language):
        return ""
    lacks = ["".join(c for c in dict.fromkeys(_drawn(text)) if not _has(font, c)) for font in _fonts(config, language)]
    return min(lacks, key=len)


def font_for(config: Config, text: str, language: str) -> _Font | None:
    """Return the first font that has every character of a text, or None."""
    drawn = _drawn(text) or "-"  # test at least one character: a file that is not a font has none
    return next((font for font in _fonts(config, language) if all(_has(font, c) for c in set(drawn))), None)


def _fonts(config: Config, language: str) -> Iterator[_Font]:
    named = config.theme.fonts.card
    if named in config.brand_files:
        yield str(config.root / named), 0
    title = config.theme.fonts.title
    yield from _of_system(named or (title if title in ("sans", "mono") else "serif"), language)
    yield "", 0


@lru_cache
def _of_system(family: str, language: str) -> tuple[_Font, ...]:
    """The font that fontconfig names for a family and a language, and the well-known font files that are installed."""
    found: list[_Font] = []
    pattern = f"{re.sub('[^A-Za-z0-9 ]', '', family)}:bold:lang={language.lower()}"
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        command = ["fc-match", "-f", "%{file}\t%{index}", pattern]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        file, _, index = asked.stdout.partition("\t")
        found.append((file, int(index)))
    for name in _KNOWN.split("|"):
        with suppress(OSError):
            found.append((str(ImageFont.truetype(name, 20).path), 0))
    return tuple(found)


@lru_cache(64)
def load_font(file: str, index: int, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load a font in a size in pixels."""
    return ImageFont.truetype(file, size, index=index) if file else ImageFont.load_default(size)


@lru_cache(8192)
def _has(font: _Font, character: str) -> bool:
    """Whether a font has a glyph for a character, other than its glyph for missing characters."""
    try:
        return bytes(load_font(*font, 20).getmask(character)) != _missing(font)
    except OSError:
        return False


@lru_cache(64)
def _missing(font: _Font) -> bytes:
    """The glyph of a font for missing characters."""
    return bytes(load_font(*font, 20).getmask("\U0010ffff"))


def _drawn(text: str) -> str:
    """The characters that a font must have: all but pictographs, format characters, combining marks and white space."""
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in {"So", "Sk", "Cf", "Cc", "Mn"})


def _lines(text: str, font: _Font, size: int, room: int, *, broken: bool = False) -> list[str]:
    """The lines of a text; if ``broken``, a word that is wider than ``room`` goes on in the next line."""
    kept = "".join(c for c in text if _has(font, c) or c.isspace() or unicodedata.category(c) in {"Mn", "Cf"})
    lines, line, wide = [], "", load_font(*font, size).getlength
    for word in _WORD.findall(" ".join(kept.split())):
        if line and wide((line + word).rstrip()) > room:
            lines.append(line.strip())
            line = ""
        line += word
        while broken and len(line) > 1 and wide(line[:_LONGEST].rstrip()) > room:
            end = 1 + bisect_left(range(2, min(len(line), _LONGEST)), True, key=lambda n: wide(line[:n]) > room)
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line.strip()]


def _fitted(title: str, font: _Font, width: int, height: int) -> tuple[int, list[str]]:
    """The largest size at which a title fits, and its lines; at the smallest size, surplus lines are cut."""
    for size in _SIZES:
        lines = _lines(title, font, size, width, broken=size == _SIZES[-1])
        wide = max(map(load_font(*font, size).getlength, lines))
        if wide <= width and len(lines) * size * 1.3 <= height:
            break
    return size, _cut(lines, int(height / size / 1.3))


def _cut(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]}…"]


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], lines: list[str], font: _Font, size: int, ink: str | int, rtl: bool
) -> None:
    direction = ("rtl" if rtl else "ltr") if features.check("raqm") else None
    for row, line in enumerate(lines):
        place = (at[0], at[1] + round(row * size * 1.3))
        pen.text(place, line, font=load_font(*font, size), fill=ink, anchor="ra" if rtl else "la", direction=direction)
