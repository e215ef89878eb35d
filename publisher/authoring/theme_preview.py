"""``publisher theme preview``: one issue in each theme, side by side in a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from html import escape
from pathlib import Path

from publisher.authoring.bundled import starter_file
from publisher.config import Config
from publisher.config.theme import built_in
from publisher.documents.atomic import write_file
from publisher.errors import UsageError
from publisher.proofing.proof import proofread
from publisher.site.site import build_site

_FRAMES = (("email.html", 700, "light"), ("email.html", 375, "dark"), ("site/issues/{slug}/index.html", 900, "light"),
           ("site/issues/{slug}/index.html", 375, "dark"), ("site/index.html", 900, "light"))  # fmt: skip


def preview_themes(config: Config, slug: str, names: Iterable[str], out: Path) -> Path:
    """Render the issue in each theme below ``out``; the page that shows them all. Raises UsageError, DeployError."""
    shown = []
    for name in names:
        dressed = config.model_copy(update={"theme": config.theme.model_copy(update={"name": name})})
        edition = proofread(dressed, slug).edition
        if edition is None:
            raise UsageError(f"{slug} has errors in the theme {name}", help=f"publisher check {slug} names them")
        assets = tuple(replace(asset, scaled=False) for asset in edition.assets)  # copies of pictures take long to make
        cover = edition.cover and replace(edition.cover, scaled=False)
        edition = replace(edition, assets=assets, cover=cover)
        label = name.strip("./")
        folder = out / label
        build_site(dressed, [edition], folder / "site")
        html = str(edition.html)
        for path in ("media", "assets"):
            html = html.replace(f'src="{config.newsletter.url}{path}/', f'src="site/{path}/')
        write_file(folder / "email.html", html.encode())
        frames = (
            f'<iframe src="{label}/{path.format(slug=slug)}" width="{width}" style="color-scheme: {scheme}"'
            f' title="{label}, {scheme}, {width} pixels"></iframe>'
            for path, width, scheme in _FRAMES
        )
        words = escape(built_in().get(name, "of this repository"))
        shown.append(f"<section><h2>{escape(name)}</h2><p>{words}</p><div>{''.join(frames)}</div></section>")
    page = out / "index.html"
    page_html = starter_file("themes.html", NAME=escape(config.newsletter.name), THEMES="\n".join(shown))
    write_file(page, page_html.encode())
    return page
