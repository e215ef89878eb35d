"""Pictures of an issue: size, shape, location metadata, and alternative text."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from markdown_it.common.utils import normalizeReference

from publisher.checks.context import Context
from publisher.checks.parts import PictureUse
from publisher.diagnostics import Diagnostic, Fault, Place, Severity, define, say
from publisher.issue import codes
from publisher.issue.pictures import PictureFile, linked_picture, picture_file
from publisher.regex import regex

NOT_PASTED = define("picture-not-pasted", Severity.WARNING)
ALT_IS_FILE_NAME = define("alt-is-file-name", Severity.WARNING)
COVER_RATIO = define("cover-ratio", Severity.WARNING)
TELLS_PLACE = define("picture-tells-place", Severity.WARNING)
TOO_LARGE = define("picture-too-large", Severity.WARNING)
REMOTE_IN_TEXT = define("remote-image-in-text", Severity.WARNING)
BYTES = 1_000_000
PIXELS = 2_560
_FILE = regex(r"\S+\.(png|jpe?g|gif|webp|avif|svg|heic|bmp|tiff?)", re.IGNORECASE)
_CAMERA = regex(
    r"(img|dsc|dscn|pict|photo|image|screen ?shot|mmexport|wechatimg|微信图片|(?:屏幕)?截图)[ _-]?"
    r"\d[\d._ -]*(?:at [\d.]+(?: [ap]m)?)?",
    re.IGNORECASE,
)
_NOTHING = {
    "image", "picture", "photo", "cover", "logo", "img", "screenshot", "figure", "illustration",
    "图片", "圖片", "图", "封面", "配图", "照片", "画像", "写真", "截图", "插图", "题图", "示意图", "屏幕截图",
}  # fmt: skip
_STANDS = regex(
    r"(?:^|> ?)[ \t]*(图片|圖片|!?[\[【](?:图片?|圖片?)[ ]?\d{0,2}[\]】]|\[(?:图片上传|cid:)[^\[\]\n]*\]"
    r"|<[\w. -]+\.(?:png|jpe?g|gif|heic)>"
    r"|!?\[(?:image|picture|img)(?:[ ]?\d{0,2}|:(?!.*(?:[/©]|\b(?:by|via|courtesy|credits?)\b))[^\[\]\n]*)\])[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Check the cover, the pictures of the items, and those in texts."""
    issue, root = context.issue, context.config.root
    fields = [(issue.places, "cover", issue.cover), *((item.places, "image", item.image) for item in issue.items)]
    for places, name, picture in fields:
        if picture:
            place, file = places.of(name, "image"), picture_file(root, issue.folder, picture.image)
            yield from _words(picture.alt, picture.image, places.of(name, "alt"))
            yield from _file(file, place, cover=name == "cover")
    uses = [picture for text in context.texts for picture in text.parts.pictures]
    files = {source: linked_picture(root, issue.folder, source) for source in {use.source for use in uses}}
    for use in uses:
        file = files[use.source]
        yield from _words(use.alt or "", use.source, use.place)
        yield from _file(file, use.place)
        yield from _in_text(use, file)
    for text in (text for text in context.texts if _STANDS.search(text.prose.text)):
        defined = text.env.get("references", {})  # [image]: address makes [image] a link, ![image] a picture
        for opened, token in pairwise(text.tokens):
            # In a list entry it is a normal word.
            if opened.type == "paragraph_open" and token.map and opened.level < 2:
                for number, line in enumerate(token.content.split("\n"), token.map[0]):
                    found = _STANDS.fullmatch(line)
                    if found and normalizeReference(found[1].strip("![]")) not in defined:
                        start = text.prose.lines[number].find(found[1])
                        yield not_pasted(found[1], text.prose.place(number, start, start + len(found[1])), issue.slug)


def not_pasted(words: str, place: Place, slug: str) -> Diagnostic:
    """Return the finding for a line that a copied page has in place of a picture."""
    advice = say("save the picture in issues/{slug}/images/, and name it in the item as image", slug=slug)
    message = say("{words} is here in place of a picture, which was not pasted", words=words)
    return NOT_PASTED.at(place, message, help=advice)


def _words(alt: str, path: str, place: Place) -> Iterator[Diagnostic]:
    """Alternative text that is a file name, or meaningless."""
    said = alt.strip()
    is_name = said and said == PurePosixPath(path).stem
    if is_name or _FILE.fullmatch(said) or _CAMERA.fullmatch(said) or said.casefold() in _NOTHING:
        message = say("the alternative text “{said}” does not say what the picture shows", said=said)
        yield ALT_IS_FILE_NAME.at(place, message, help=say("describe it"))


def _file(picture: PictureFile | Fault, place: Place, *, cover: bool = False) -> Iterator[Diagnostic]:
    """Size, shape and metadata of a valid picture; others have their own finding."""
    if not isinstance(picture, PictureFile):
        return
    size = {"width": picture.width, "height": picture.height}
    if cover and not 1.3 <= (ratio := picture.width / picture.height) <= 3.05:
        message = say("the cover is {width} × {height} pixels, {ratio:.2f} to 1", ratio=ratio, **size)
        yield COVER_RATIO.at(place, message, help=say("crop it to between 4:3 and 3:1"))
    if picture.located:
        message = say("the picture carries the coordinates of where it was taken")
        yield TELLS_PLACE.at(place, message, help=say("save it without location, then commit it"))
    if picture.bytes > BYTES:
        message = say("the picture has {size:.1f} MB", size=picture.bytes / 1e6)
        yield TOO_LARGE.at(place, message, help=say("scale it down, or save it as JPEG or WebP: below 1 MB"))
    elif max(size.values()) > PIXELS:
        message = say("the picture has {width} × {height} pixels", **size)
        yield TOO_LARGE.at(place, message, help=say("scale it to {pixels} pixels or fewer", pixels=PIXELS))


def _in_text(use: PictureUse, file: PictureFile | Fault) -> Iterator[Diagnostic]:
    """Check ``![alt](path)`` and ``<img>``: the file exists in the repository, and there is alternative text."""
    if use.alt is None:
        message = say("the picture has no alternative text")
        advice = say("say what it shows: ![a chip at dusk](images/NAME)")
        yield codes.IMAGE_WITHOUT_ALT.at(use.place, message, help=advice)
    if not use.source.strip():
        message = say("the picture names no file: it has no src")
        advice = say("save the picture to images/ and name it: images/NAME")
        yield codes.IMAGE_MISSING.at(use.place, message, help=advice)
    elif not isinstance(file, PictureFile):
        yield (file._replace(code=REMOTE_IN_TEXT) if file.code is codes.IMAGE_REMOTE else file).at(use.place)
