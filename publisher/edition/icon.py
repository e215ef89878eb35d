"""Square icons of a newsletter: ``theme.icon`` resized, otherwise its initial on the accent colour."""

import hashlib
import io

from publisher.config import Config
from publisher.edition.brand import Brand

SIZES = (32, 180, 512)
"""Pixels: for a browser tab, a home screen (apple-touch-icon), a feed reader."""


def initial(config: Config) -> str:
    """The first letter or digit of the newsletter's name."""
    return next((letter.upper() for letter in config.newsletter.name if letter.isalnum()), "")


def icon_path(config: Config, size: int) -> str:
    """The published path of an icon, with a hash of the inputs of its drawing."""
    brand, fonts = Brand.of(config), config.theme.fonts
    drawn = [brand.light["accent"], brand.light["on_accent"], initial(config), fonts.card]
    if fonts.card in config.brand_files:
        drawn.append(hashlib.sha256((config.root / fonts.card).read_bytes()).hexdigest())
    elif not fonts.card and fonts.title in ("sans", "mono"):
        drawn.append(fonts.title)
    stands = brand.icon.path if brand.icon else repr(drawn)
    return f"assets/icon-{size}.{hashlib.sha256(stands.encode()).hexdigest()[:12]}.png"


def draw_icon(config: Config, size: int) -> bytes:
    """Draw an icon as PNG, ``size`` pixels wide and high."""
    from PIL import Image, ImageDraw, ImageOps  # imported here, because most builds draw no icon

    from publisher.edition.card import font_for, load_font
    from publisher.edition.mail_copy import saved

    brand, letter = Brand.of(config), initial(config)
    if brand.icon:
        content = next(asset.content for asset in brand.assets if asset.name == brand.icon.path)
        with Image.open(io.BytesIO(content)) as given:
            return saved(ImageOps.pad(given.convert("RGBA"), (size, size)), "PNG", optimize=True)
    image = Image.new("RGB", (size, size), brand.light["accent"])
    if letter and (font := font_for(config, letter, config.newsletter.language)):
        face = load_font(*font, round(size * 0.62))
        left, top, right, bottom = face.getbbox(letter)  # centre the glyph's ink, not its box
        place = ((size - right - left) / 2, (size - bottom - top) / 2)
        ImageDraw.Draw(image).text(place, letter, fill=brand.light["on_accent"], font=face)
    return saved(image.quantize(32), "PNG", optimize=True)
