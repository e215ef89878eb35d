"""An issue as an article of a 公众号 (a WeChat official account): HTML to be pasted or sent as a draft, and its gates.

The limits are those of WeChat's ``draft/add``. docs/wechat.md has the sources on accepted HTML.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import css_inline
from markupsafe import Markup
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.channels.darkmode import darkened, readable_colour
from publisher.channels.footnotes import numbered
from publisher.config import Config
from publisher.config import colour as colours
from publisher.config.theme import GROUNDS
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.documents.atomic import write_file
from publisher.edition.brand import Brand, place_of
from publisher.edition.email import looks
from publisher.edition.gates.contrast import DARK_MODE, LIGHT_MODE, close_pairs, close_words
from publisher.edition.model import Asset, ThemeError
from publisher.edition.pictures import Pictures
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme
from publisher.edition.view import View
from publisher.edition.viewing import view
from publisher.errors import refusal
from publisher.issue.markdown.cjk import one_line
from publisher.issue.model import Issue
from publisher.issue.variants import for_anyone
from publisher.language import Locale

TITLE, AUTHOR, DIGEST, CHARACTERS = 32, 16, 128, 20_000
BYTES = PICTURE_BYTES = 1_000_000
"""Maximum bytes of the content, and of a picture in it (``media/uploadimg``)."""
GIF_BYTES = 10_000_000
"""Maximum bytes of a picture among the materials (``material/add_material``)."""
_TAKEN = frozenset({"image/jpeg", "image/png", "image/gif"})

TOO_LONG_TITLE = define("wechat-title", Severity.ERROR, fixed=True)
TOO_LONG_AUTHOR = define("wechat-author", Severity.ERROR, fixed=True)
TOO_LONG_DIGEST = define("wechat-digest", Severity.ERROR, fixed=True)
TOO_LONG = define("wechat-length", Severity.ERROR, fixed=True)
UNREADABLE = define("wechat-contrast", Severity.ERROR, fixed=True)
NOT_TAKEN = define("wechat-picture", Severity.ERROR, fixed=True)
NO_COVER = define("wechat-cover", Severity.ERROR, fixed=True)

_KEPT = frozenset({"style", "src", "alt", "href", "dir", "colspan", "rowspan", "start", "value"})
_BLOCKS = (
    "section p h1 h2 h3 h4 h5 h6 ul ol li table caption thead tbody tfoot tr td th blockquote pre hr dl dt dd div"
    " figure figcaption details summary"
)
_ROUND_BLOCKS = re.compile(rf"(?:(?<!\s)\s+)?(</?(?:{_BLOCKS.replace(' ', '|')})(?:\s[^>]*)?>)\s*")
_TABLE = re.compile(r"<table>(?:(?!<table).)*?</table>", re.DOTALL)
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ArticlePicture:
    """Picture to be uploaded. ``file`` is relative to the article's folder, ``url`` is its address in the HTML."""

    file: str
    url: str
    media_type: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Article:
    """Article for WeChat. ``thumb`` is the file of the cover; ``assets`` are the bytes of ``pictures``, in order."""

    title: str
    author: str
    digest: str
    source: str
    html: str
    pictures: tuple[ArticlePicture, ...]
    thumb: str | None
    assets: tuple[Asset, ...]

    def as_object(self) -> dict[str, Any]:
        """The content of ``article.json``, with the names of WeChat's API."""
        return {
            "title": self.title, "author": self.author, "digest": self.digest, "content_source_url": self.source,
            "characters": len(self.html), "bytes": len(self.html.encode()), "thumb": self.thumb,
            "pictures": [asdict(picture) for picture in self.pictures], "content": self.html,
        }  # fmt: skip


def write_article(issue: Issue, config: Config, *, draft: bool = False) -> tuple[Article | None, list[Diagnostic]]:
    """Return the article of an issue, or None and the reasons why WeChat would refuse it. A ``draft`` needs a cover."""
    issue = for_anyone(issue, config.newsletter.language)
    words = Locale.of(issue.language, config.labels)
    most = min(config.delivery.picture_bytes, PICTURE_BYTES)
    config = config.model_copy(update={"delivery": config.delivery.model_copy(update={"picture_bytes": most})})
    pictures, theme = Pictures(config, issue.folder), Theme.of(config)
    slots = Slots.of(issue, config)
    seen = slots.shown(view(issue, config, words, pictures, slots))
    shown = seen.mailed(pictures, tables=False)
    try:
        html = _html(shown, words, theme, config)
    except ThemeError as error:
        return None, [*pictures.diagnostics, error.diagnostic]
    named = {f"{theme.brand.base}{asset.name}": asset for asset in pictures.assets}
    urls = [node.attributes.get("src") or "" for node in LexborHTMLParser(html).css("img")]
    used = {url: named[url] for url in urls if url in named}
    own = issue.wechat
    article = Article(
        title=one_line(own.title or issue.title),
        author=one_line(own.author or (issue.authors[0] if issue.authors else "")),
        digest=one_line(own.digest or "") or seen.preheader, source=seen.web_url, html=html,
        pictures=tuple(_listed(url, asset) for url, asset in used.items()), thumb=None, assets=tuple(used.values()),
    )  # fmt: skip
    if article.pictures:
        cover = shown.cover.url if shown.cover else ""
        thumb = next((one for one in article.pictures if one.url == cover), article.pictures[0])
        article = replace(article, thumb=thumb.file)
    strange = [url for url in urls if url not in named]
    found = [
        *pictures.diagnostics,
        *_too_long(article, issue),
        *(_not_taken(issue, pictures, url, used.get(url)) for url in (*strange, *_refused(article))),
        *_unreadable(html, config),
    ]
    if draft and not article.pictures:
        told, advice = say("a draft needs a cover, and the issue has no picture"), say("add cover: {image: …, alt: …}")
        found.append(NO_COVER.at(issue.places.of(), told, help=advice))
    return (None if found else article), found


def write_folder(article: Article, theme: Theme, folder: Path) -> None:
    """Write ``article.html``, ``index.html``, ``article.json`` and ``pictures/``. Raises ThemeError, UsageError."""
    shown = article.html
    for picture in article.pictures:
        shown = shown.replace(f'src="{picture.url}"', f'src="{picture.file}"')
    body = LexborHTMLParser(darkened(shown)).body
    dark = "".join(node.html or "" for node in body.iter()) if body else ""
    html, own, night = Markup(article.html), Markup(shown), Markup(dark)  # noqa: S704 - rendered here and sanitised
    page = theme.render("wechat/page.html.j2", article=article, html=html, shown=own, dark=night)
    record = json.dumps(article.as_object(), ensure_ascii=False, indent=2) + "\n"
    files = {one.file: asset.content for one, asset in zip(article.pictures, article.assets, strict=True)}
    texts = {"article.html": article.html, "index.html": page, "article.json": record}
    with refusal(say("{folder} cannot be written", folder=folder), say("name another folder with --out")):
        for name, content in (*files.items(), *((name, text.encode()) for name, text in texts.items())):
            write_file(folder / name, content)
        for left in (folder / "pictures").glob("*"):
            if f"pictures/{left.name}" not in files:
                left.unlink()


def _listed(url: str, asset: Asset) -> ArticlePicture:
    with Image.open(BytesIO(asset.content)) as image:
        size = image.size
    file = f"pictures/{asset.name.rpartition('/')[2]}"
    return ArticlePicture(file, url, asset.media_type, *size, len(asset.content))


def _html(shown: View, words: Locale, theme: Theme, config: Config) -> str:
    names = {**looks(words, config), "issue": shown, "colours": _palette(theme.brand, config)}
    article = numbered(theme.render("wechat/article.html.j2", **names), words("footnotes"))
    article = _TABLE.sub(r'<section class="wide">\g<0></section>', article)  # a phone scrolls what is wider
    css = theme.render("wechat/article.css.j2", **names)
    inliner = css_inline.CSSInliner(minify_css=True, load_remote_stylesheets=False)
    root = LexborHTMLParser(inliner.inline_fragment(article, css))
    assert root.body is not None
    for node in root.body.css("*"):
        for name in set(node.attributes) - _KEPT:
            del node.attrs[name]
    html = "".join(node.html or "" for node in root.body.iter())
    pieces = (text if number % 2 else _ROUND_BLOCKS.sub(r"\1", text) for number, text in enumerate(_PRE.split(html)))
    return "".join(pieces).replace(' style=""', "").strip()


def _palette(brand: Brand, config: Config) -> dict[str, str]:
    """The theme's colours for an article: panels become grey, which WeChat inverts, while it only darkens tints; text
    colours keep their contrast in dark mode. An accent that config.yaml sets is not changed.
    """
    found = dict(brand.light)
    grounds = _grounds(brand)
    found["panel"] = colours.written(grounds[1])
    for name in ("ink", "title", "soft", *(() if config.theme.accent else ("accent",))):
        colour = colours.parse(found[name])
        found[name] = colours.written(readable_colour(colour, grounds)) if colour else found[name]
    return found


def _grounds(brand: Brand) -> tuple[colours.RGB, colours.RGB]:
    """The backgrounds of texts: the page and panels."""
    grey = round(sum(colours.parse(brand.light["panel"]) or (765,)) / 3)
    return (255, 255, 255), (grey, grey, grey)


def _too_long(article: Article, issue: Issue) -> Iterator[Diagnostic]:
    """Report fields over a limit, at the line of their source; for a default value, name the key that overrides it."""
    for code, key, value, most, source in (
        (TOO_LONG_TITLE, "title", article.title, TITLE, ("title",)),
        (TOO_LONG_AUTHOR, "author", article.author, AUTHOR, ("authors", 0)),
        (TOO_LONG_DIGEST, "digest", article.digest, DIGEST, ("preheader",)),
    ):
        if len(value) > most:
            own = getattr(issue.wechat, key)
            place = issue.places.of("wechat", key) if own else issue.places.of(*source)
            told = say(
                "the {key} has {count} characters, and WeChat takes {most}", key=key, count=len(value), most=most
            )
            write = say("write one of at most {most} characters as wechat: {{{key}: …}}", key=key, most=most)
            yield code.at(place, told, help=say("shorten it") if own else write)
    count, size = len(article.html), len(article.html.encode())
    if count >= CHARACTERS or size >= BYTES:
        told = say(
            "the article has {count:,} characters with its HTML, and WeChat takes fewer than 20,000", count=count
        )
        yield TOO_LONG.at(issue.places.of("items"), told, help=say("make two issues of it, or shorten it"))


def _refused(article: Article) -> Iterator[str]:
    for one in article.pictures:
        if one.media_type not in _TAKEN or one.bytes > (GIF_BYTES if one.media_type == "image/gif" else PICTURE_BYTES):
            yield one.url


def _not_taken(issue: Issue, pictures: Pictures, url: str, asset: Asset | None) -> Diagnostic:
    written = pictures.written(url)
    told = say("{picture} is on another site, and WeChat shows pictures of its own alone", picture=written)
    advice = say("put the file into images/ and name that")
    if asset:
        kind, size = asset.media_type.rpartition("/")[2], len(asset.content) / 1e6
        told = say("WeChat does not take {picture}: {kind}, {size:.1f} MB", picture=written, kind=kind, size=size)
        advice = say("save it as JPEG or PNG of at most 1 MB; what moves as GIF of at most 10 MB")
    return NOT_TAKEN.at(_place(issue, written), told, help=advice)


def _place(issue: Issue, written: str) -> Place:
    """The place where the author wrote a picture."""
    texts = [issue.intro, issue.attribution, *(issue.key_points.points if issue.key_points else ())]
    pictures = [(issue.cover, issue.places.of("cover", "image"))]
    pictures += [(item.image, item.places.of("image", "image")) for item in issue.items]
    for picture, place in pictures:
        if picture and picture.image == written:
            return place
    texts += [text for item in issue.items for text in (item.body, item.commentary)]
    for text in filter(None, texts):
        for number, line in enumerate(text.lines):
            if (at := line.find(written)) >= 0:
                return text.place(number, at, at + len(written))
    return issue.places.of()


def _unreadable(html: str, config: Config) -> Iterator[Diagnostic]:
    """Report colours with too little contrast in light and in WeChat's dark mode, such as an accent of config.yaml."""
    accent = config.theme.accent and colours.parse(config.theme.accent.light)
    advice = say("give the text a contrast of 4.5 to 1 in the theme")
    if accent:
        brand = Brand.of(config)
        light = tuple(filter(None, (colours.parse(brand.light[name]) for name in GROUNDS)))
        better = readable_colour(accent, _grounds(brand), light)
        if better != accent:
            advice = say(
                "write {colour}, the nearest accent that can be read in both modes",
                colour=f'"{colours.written(better)}"',
            )
    for mode, page in ((LIGHT_MODE, html), (DARK_MODE, darkened(html))):
        for (dark, colour, ground), contrast in close_pairs(page).items():
            if not dark:
                told = say("WeChat: {told}", told=close_words(mode, contrast, colour, ground))
                yield UNREADABLE.at(place_of(config.root, "theme", "accent"), told, help=advice)
