"""Images of an issue: found in its folder, named after their content, sized for the archive and for the mail column."""

import hashlib
import re
from pathlib import Path

from markupsafe import Markup

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Fault, Place
from publisher.edition.markdown import Html, Sized, with_images
from publisher.edition.model import Asset
from publisher.edition.page_copy import is_scaled
from publisher.issue import codes
from publisher.issue.folder import slugged
from publisher.issue.model import Prose
from publisher.issue.opening import unreadable
from publisher.issue.pictures import PictureFile, linked_picture, picture_file

COLUMN = 568
"""Maximum width of an image in mail, in CSS pixels: 640 less padding. Twice that is sharp on all screens."""

_PIXELS = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*")
_SUFFIXES = {"JPEG": "jpg", "PNG": "png"}


class Pictures:
    """Images of one issue. ``assets`` are those that were looked up, by name, in order."""

    def __init__(self, config: Config, folder: str) -> None:
        self._root = config.root
        self._folder = folder
        self._base = config.newsletter.url.rstrip("/") + "/"
        self._most = config.delivery.picture_bytes
        self._assets: dict[str, Asset] = {}
        self._found: dict[tuple[str, bool], Asset | Fault] = {}
        self._mailed: dict[str, tuple[str, int]] = {}
        self._lost: dict[str, Fault] = {}
        self.diagnostics: list[Diagnostic] = []

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every image used, once: the originals and their copies for mail."""
        return tuple(self._assets.values())

    def place(self, source: str) -> Sized | None:
        """Return how an image linked in Markdown or HTML is shown in the archive; None if it cannot be shown."""
        found = self._asset(source, linked=True)
        if isinstance(found, Asset):
            return self._sized(found)
        if source and found.code in {codes.IMAGE_MISSING, codes.IMAGE_UNREADABLE, codes.NOT_A_PICTURE}:
            self._lost[source] = found
        return None

    def original(self, image: str) -> Asset | None:
        """The asset of an image named by a key, such as ``cover``; None if there is none."""
        found = self._asset(image, linked=False)
        return found if isinstance(found, Asset) else None

    def require(self, image: str, place: Place) -> Sized | None:
        """Return how an image named by a key is shown in the archive; report a finding at ``place`` if it cannot be."""
        found = self._asset(image, linked=False)
        if isinstance(found, Asset):
            return self._sized(found)
        self.diagnostics.append(found.at(place))
        return None

    def miss(self, prose: Prose) -> None:
        """Report the images that were not found since the last call, at their lines in ``prose``."""
        lines = prose.lines
        for source, fault in self._lost.items():
            line = next((number for number, line in enumerate(lines) if source in line), 0)
            self.diagnostics.append(fault.at(prose.place(line)))
        self._lost.clear()

    def for_mail(self, html: Markup) -> Markup:
        """Replace each image in HTML by its copy for mail, at most as wide as the column."""
        return Html(with_images(html, self._fitted)) if "<img" in html else html

    def mailed(self, url: str) -> tuple[str, int]:
        """The URL and width in CSS pixels that the image at ``url`` has in mail."""
        return self._mailed[url]

    def written(self, url: str) -> str:
        """The path that the author wrote for the mail copy at ``url``; ``url`` itself if it is not a copy."""
        found = ((key, asset) for (key, _), asset in self._found.items() if isinstance(asset, Asset))
        copies = {key: self._mailed[self._base + asset.name][0] for key, asset in found}
        return next((key for key, copy in copies.items() if copy == url), url)

    def _fitted(self, attributes: dict[str, str]) -> dict[str, str]:
        url, widest = self._mailed.get(attributes.get("src", ""), (attributes.get("src", ""), COLUMN))
        written, height = attributes.get("width", ""), _PIXELS.fullmatch(attributes.get("height", ""))
        asked = _PIXELS.fullmatch(written)
        fitted = {name: value for name, value in attributes.items() if name not in {"width", "height"}} | {"src": url}
        if asked is None and re.fullmatch(r"\s*(100|[1-9]\d?)\s*%\s*", written):
            return fitted | {"width": written}
        if asked is None and url == attributes.get("src") and url not in self._mailed:
            return fitted  # an image of another site, whose size is unknown
        width = min(int(asked[1]), COLUMN) if asked else widest
        fitted["width"] = str(width)
        if asked and height:
            fitted["height"] = str(max(1, round(int(height[1]) * width / max(1, int(asked[1])))))
        return fitted

    def _sized(self, asset: Asset) -> Sized:
        return Sized(self._base + asset.name, asset.width, asset.height, asset.clear)

    def _asset(self, written: str, *, linked: bool) -> Asset | Fault:
        key = (written, linked)
        if key not in self._found:
            found = (linked_picture if linked else picture_file)(self._root, self._folder, written)
            self._found[key] = self._read(found) if isinstance(found, PictureFile) else found
        return self._found[key]

    def _read(self, picture: PictureFile) -> Asset | Fault:
        from publisher.edition.mail_copy import mail_copy  # imports Pillow, which most issues do not need

        try:
            content = picture.file.read_bytes()
            copy = mail_copy(picture, content, 2 * COLUMN, self._most)
        except (OSError, ValueError, SyntaxError) as error:
            return unreadable(picture.path, error)
        name = _name(picture.file, content, picture.file.suffix.lower())
        kind = f"image/{picture.format.lower()}"
        size, scaled = (picture.width, picture.height), is_scaled(picture)
        mailed = asset = Asset(name, content, kind, *size, scaled=scaled, clear=picture.clear)
        if copy:
            form, smaller = copy
            name_of_copy = _name(picture.file, smaller, f".{_SUFFIXES[form]}")
            mailed = Asset(name_of_copy, smaller, f"image/{form.lower()}", copied=True)
        for each in (asset, mailed):
            self._assets.setdefault(each.name, each)
        self._mailed[self._base + name] = (self._base + mailed.name, min(COLUMN, picture.width))
        return self._assets[name]


def _name(file: Path, content: bytes, suffix: str) -> str:
    stem = slugged(file.stem) or "image"
    return f"media/{stem[:40]}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
