"""Check that an edition's page is live before the first message, so that no mail links to a missing page."""

import re
import time
from dataclasses import dataclass
from itertools import chain, repeat

import httpx
from selectolax.lexbor import LexborHTMLParser

from publisher.config import Config
from publisher.diagnostics import say
from publisher.edition.model import Edition
from publisher.errors import ServiceError
from publisher.site.deploy.model import Destination
from publisher.site.paths import issue_path, url_of

META = "publisher:edition"
_PROVENANCE = re.compile(r"(sha256:[0-9a-f]{64})(?:;\s*commit=([0-9a-f]{7,64}|none))?")
LARGEST = 20_000_000
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Edition digest and commit that a page or a message states."""

    digest: str
    commit: str | None


def read_provenance(text: str) -> Provenance | None:
    """Parse ``sha256:…; commit=…``, as in the meta tag and in ``X-Publisher-Edition``; None if it does not match."""
    found = _PROVENANCE.match(text.strip())
    return Provenance(found[1], None if found[2] in {None, "none"} else found[2]) if found else None


def provenance_of_page(html: bytes) -> Provenance | None:
    """Return the provenance in a page's meta tag, or None."""
    node = LexborHTMLParser(html).css_first(f'meta[name="{META}"]')
    return read_provenance(node.attributes.get("content") or "") if node else None


def wait_until_live(config: Config, edition: Edition, place: Destination) -> str | None:
    """Return None once the page of ``edition`` is live; the reason if it is not by ``deploy.verify_timeout``."""
    if config.deploy.verify == "none":
        return None
    url = url_of(config.newsletter.url, issue_path(edition.slug))
    by_url = config.deploy.verify == "url" or (config.deploy.verify == "auto" and config.deploy.to == "s3")

    if not by_url:
        path = issue_path(edition.slug) + "index.html"
        html, where = place.read(path), f"{place.name.rstrip('/')}/{path}"
        if html is None:
            return say("{where} is not there", where=where)
        return _compare(provenance_of_page(html), edition, where)
    deadline, pauses = time.monotonic() + config.deploy.verify_timeout.total_seconds(), chain(_PAUSES, repeat(8.0))
    while (fault := _by_url(url, edition)) and time.monotonic() < deadline:
        time.sleep(min(next(pauses), max(deadline - time.monotonic(), 0.01)))
    return fault


def _by_url(url: str, edition: Edition) -> str | None:
    try:
        return _compare(provenance_of_page(fetch_page(url)), edition, url)
    except ServiceError as error:
        return error.message


def fetch_page(url: str) -> bytes:
    """Fetch a web page. Raises ServiceError: no answer, status other than 200, more than :data:`LARGEST` bytes."""
    try:
        with (
            httpx.Client(timeout=10, follow_redirects=True, max_redirects=5) as client,
            client.stream("GET", url, headers={"user-agent": "publisher"}) as answer,
        ):
            if answer.status_code != 200:
                message = say("{url} answers {status_code}", url=url, status_code=answer.status_code)
                raise ServiceError(message, help=say("is that the address of a page?"))
            data = b""
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > LARGEST:
                    message = say("{url} is larger than a page of an archive", url=url)
                    raise ServiceError(message, help=say("name the page of an issue"))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = say("{url} does not answer: {reason}", url=url, reason=type(error).__name__)
        raise ServiceError(message, help=say("is the network up?")) from error
    return data


def _compare(found: Provenance | None, edition: Edition, where: str) -> str | None:
    if found is None:
        return say("{where} is not a page of publisher's", where=where)
    if found.digest != edition.digest:
        return say("{where} still shows another edition ({digest}…)", where=where, digest=found.digest[:19])
    return None
