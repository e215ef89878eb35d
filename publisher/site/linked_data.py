"""Metadata in pages for programs: schema.org's linked data as JSON-LD, and China's label for generated text.

Both are data blocks, which a content security policy does not block.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from publisher.config import Config
from publisher.edition.brand import Brand
from publisher.edition.model import Edition
from publisher.site.archive import moment
from publisher.site.paths import issue_path, url_of


def article(config: Config, edition: Edition) -> Markup:
    """The NewsArticle for an issue's page."""
    newsletter = config.newsletter
    publisher = {"@type": "Organization", "name": newsletter.name, "url": newsletter.url}
    at = moment(edition, newsletter.zone).isoformat()
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": edition.title,
        "description": edition.preheader,
        "inLanguage": edition.language,
        "datePublished": at,
        "dateModified": at,
        "mainEntityOfPage": url_of(newsletter.url, issue_path(edition.slug)),
        "author": [_person(config, name) for name in edition.authors] or [publisher],
        "publisher": publisher,
        "isAccessibleForFree": True,
    }
    if edition.cover:
        data["image"] = [url_of(newsletter.url, edition.cover.name)]
    if edition.origin:
        from publisher.edition.origin import source_type  # most issues have no generated text

        data["digitalSourceType"] = source_type(edition.origin)
    if edition.tags:
        data["keywords"] = list(edition.tags)
    return _data_block(data)


def collection(config: Config, title: str, path: str, editions: Sequence[Edition]) -> Markup:
    """The CollectionPage for the page at ``path``, which lists ``editions``."""
    newsletter = config.newsletter
    named = ((edition.title, url_of(newsletter.url, issue_path(edition.slug))) for edition in editions)
    listed = [{"@type": "ListItem", "position": n, "name": name, "url": url} for n, (name, url) in enumerate(named, 1)]
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "name": title,
        "url": url_of(newsletter.url, path),
        "inLanguage": newsletter.language,
        "isPartOf": {"@type": "WebSite", "name": newsletter.name, "url": newsletter.url},
        "mainEntity": {"@type": "ItemList", "itemListElement": listed},
    }
    if newsletter.description:
        data["description"] = newsletter.description
    return _data_block(data)


def aigc(config: Config, edition: Edition) -> Markup:
    """The implicit label that China's measures require: ``Label`` 1 means generated text (GB 45438-2025, annex E)."""
    models = ", ".join(dict.fromkeys(origin.by for origin in edition.origin))
    produced = {"Label": "1", "ContentProducer": models, "ProduceID": edition.slug, "ReservedCode1": ""}
    spread = {"ContentPropagator": config.newsletter.name, "PropagateID": edition.digest, "ReservedCode2": ""}
    return _data_block(produced | spread)


def _person(config: Config, name: str) -> dict[str, str]:
    author = Brand.of(config).authors.get(name)
    return {"@type": "Person", "name": name} | ({"url": author.url} if author and author.url else {})


def _data_block(data: Mapping[str, Any]) -> Markup:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing in it can close the element or the attribute
