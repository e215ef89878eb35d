"""Editions and configs made by hand, for tests of the archive alone."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

from publisher.config import Config
from publisher.edition.model import Asset, Edition, EditionItem, Length, Sizes, Slotted
from publisher.site.deploy import apply, compare, destination
from publisher.site.deploy.model import Destination
from publisher.site.model import WriteResult


def deploy(config: Config, site: Path) -> WriteResult:
    """Make the place that config.yaml names hold the archive ``site``."""
    return deploy_to(destination(config, site), site)


def deploy_to(place: Destination, site: Path) -> WriteResult:
    """Make ``place`` hold the archive ``site``, as publish does."""
    return apply(place, compare(place, site))


COVER = Asset("assets/cover.0123456789ab.png", b"\x89PNG not looked into", "image/png", 1200, 630, scaled=True)


def make_config(root: Path, **changes: Any) -> Config:
    """A config; ``changes`` are sections of config.yaml."""
    newsletter = {
        "name": "AI 周报",
        "language": "zh-CN",
        "timezone": "Asia/Shanghai",
        "url": "https://news.example.com/",
        "from": "AI 周报 <weekly@news.example.com>",
    } | changes.pop("newsletter", {})
    service = changes.pop("service", {"url": "https://letters.example.com/"})
    return Config.model_validate({"newsletter": newsletter, "service": service, "root": root, **changes})


def make_story(anchor: str = "a", headline: str = "头条", **changes: Any) -> EditionItem:
    """An item."""
    return EditionItem(
        **{"anchor": anchor, "headline": headline, "html": f"<p>{headline}的正文。</p>", "text": "正文", **changes}
    )


def make_edition(slug: str = "2024-12-29-weekly", **changes: Any) -> Edition:
    """An edition whose digest follows from its web body."""
    day = date.fromisoformat(slug[:10])
    stories = changes.pop("stories", (make_story(),))
    title = changes.get("title", "AI 周报｜一周")
    web = changes.pop("web", None) or web_body(title, stories)
    values: dict[str, Any] = {
        "slug": slug,
        "title": title,
        "subject": title,
        "preheader": "一句话的摘要",
        "language": "zh-CN",
        "date": day,
        "html": Slotted((web,)),
        "text": Slotted((title,)),
        "web": web,
        "stories": stories,
        "length": Length(2620, "characters", 8),
        "sizes": Sizes(1, 1, 1, 1),
        "digest": "sha256:" + hashlib.sha256(web.encode("utf-8", "replace")).hexdigest(),
    }
    return Edition(**(values | changes))


def web_body(title: str, stories: tuple[EditionItem, ...]) -> str:
    """A body in the manner of the edition's."""
    items = "".join(
        f'<section class="item" id="{story.anchor}"><h2>{story.headline}</h2>{story.html}</section>'
        for story in stories
    )
    return f'<article class="issue"><header class="issue-head"><h1>{title}</h1></header>{items}</article>'


def moment(text: str) -> datetime:
    """A time with an offset."""
    return datetime.fromisoformat(text)
