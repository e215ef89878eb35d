"""Fetch a web page within limits: public addresses only, 10 seconds, 2 MB."""

import asyncio
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from publisher import __version__
from publisher.checks.links.network import PrivateAddressError, SafeTransport
from publisher.checks.links.prober import REDIRECTS
from publisher.diagnostics import Sentence, message_of, say
from publisher.documents.encodings import readings
from publisher.errors import ServiceError, UsageError

MAX_REDIRECTS = 5
SECONDS = 10.0
MAX_BYTES = 2_000_000
"""Bytes of the decompressed page that are read: the title is near the start."""

_BOMS = {BOM_UTF8: "utf-8", BOM_UTF16_LE: "utf-16-le", BOM_UTF16_BE: "utf-16-be"}
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META = re.compile(rb"<meta\s[^>]{0,200}charset[^>]{0,200}", re.IGNORECASE)
_REFRESH = re.compile(
    r"<meta\s[^>]{0,100}http-equiv\s*=\s*[\"']?refresh[\"'\s][^>]{0,100}content\s*=\s*"
    r"(?:\"\s*[01]\s*[;,]\s*url\s*=\s*'?([^\"'>]{1,2000})|'\s*[01]\s*[;,]\s*url\s*=\s*\"?([^\"'>]{1,2000}))",
    re.IGNORECASE,
)
_HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body|title|meta|script|link|!--)", re.IGNORECASE)
# Browsers read each name as the largest encoding of its family (WHATWG Encoding §4.2).
_LABELS = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "shift_jis": "cp932", "shift-jis": "cp932",
    "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "iso-8859-1": "cp1252", "latin1": "cp1252",
    "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-9": "cp1254", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
    "big5": "big5hkscs", "utf-16": "utf-16-le", "unicode": "utf-16-le",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """The final address after redirects, and the text; empty if the answer is not HTML."""

    url: str
    text: str


def fetch_page(url: str, *, allow_private: bool = False) -> FetchedPage:
    """Fetch the page at an http(s) address, following at most five redirects.

    Raises UsageError if the address is not of that kind, ServiceError if the page cannot be fetched.
    """
    try:
        return asyncio.run(_fetch(_checked(url), allow_private))
    except TimeoutError as error:
        advice = say("try again later")
        raise ServiceError(say("the page did not come within {n:g} s", n=SECONDS), help=advice) from error
    except PrivateAddressError as error:
        message = say("the page is not fetched: {error}", error=error)
        advice = say("checks.allow_private_links in config.yaml lets private hosts in")
        raise ServiceError(message, help=advice) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, zlib.error) as error:
        told = type(error).__name__
        if isinstance(error, httpx.ConnectError):
            told = message_of(error.__cause__ or error)  # of a name that does not resolve, a sentence
            if not isinstance(told, Sentence):
                told = say("its certificate is not trusted") if "CERTIFICATE" in told else say("no connection")
        advice = say("open the link in a browser to see")
        raise ServiceError(say("the page did not load: {told}", told=told), help=advice) from error


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        advice = say("name a page, as in https://example.com/story")
        raise UsageError(say("{url} is not an address", url=url[:200]), help=advice) from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError(say("{url} is not a web address", url=url[:200]), help=say("begin with https://"))
    if parsed.userinfo:
        raise UsageError(say("the address holds a name or a password"), help=say("name the page without them"))
    return parsed


async def _fetch(url: httpx.URL, allow_private: bool) -> FetchedPage:
    agent = {"User-Agent": f"publisher/{__version__}", "Accept": "text/html,*/*;q=0.5", "Accept-Encoding": "gzip"}
    transport = SafeTransport(allow_private=allow_private, max_connections=1)
    async with asyncio.timeout(SECONDS), httpx.AsyncClient(transport=transport, timeout=SECONDS, headers=agent) as web:
        for _ in range(MAX_REDIRECTS + 1):
            async with web.stream("GET", url) as response:
                target = response.headers.get("location") if response.status_code in REDIRECTS else None
                if target is None:
                    if response.status_code >= 300:
                        told = say("the page did not load: its server answers {status}", status=response.status_code)
                        raise ServiceError(told, help=say("open the link in a browser"))
                    page = await _read(response)
                    refresh = _REFRESH.search(page.text[:20_000])
                    if not refresh:
                        return page
                    target = refresh[1] or refresh[2]
            url = _checked(str(url.join(target.strip())))
    message = say("the page redirects more than {n} times", n=MAX_REDIRECTS)
    raise ServiceError(message, help=say("name where it leads to"))


async def _read(response: httpx.Response) -> FetchedPage:
    """The text of an HTML page; decompressed here, so that the size limit holds for the result as well."""
    kind, _, rest = response.headers.get("content-type", "").partition(";")
    packed = response.headers.get("content-encoding", "identity").lower()
    if packed not in {"identity", "gzip", "x-gzip", "deflate", ""}:
        advice = say("open the link in a browser")
        raise ServiceError(say("the page comes as {packed}, unasked", packed=packed[:20]), help=advice)
    unzip = None if packed in {"identity", ""} else zlib.decompressobj(47)
    content = b""
    async for chunk in response.aiter_raw():
        content += unzip.decompress(chunk, MAX_BYTES - len(content)) if unzip else chunk
        if len(content) >= MAX_BYTES or (len(content) > 64 and not _is_html(kind, content)):
            break
    html = _is_html(kind, content)
    return FetchedPage(str(response.url), _decoded(content[:MAX_BYTES], rest) if html else "")


def _is_html(kind: str, content: bytes) -> bool:
    if content.startswith((b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04")):
        return False
    if kind.strip():
        return kind.strip().lower() in {"text/html", "application/xhtml+xml"}
    return bool(_HTML.match(content.removeprefix(BOM_UTF8)))


def _decoded(content: bytes, header: str) -> str:
    """Decode with the first encoding that fits: byte order mark, header, meta element, UTF-8, a guess."""
    for name in _encodings(content, header):
        try:
            return getincrementaldecoder(name)().decode(content).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("utf-8", "replace")


def _encodings(content: bytes, header: str) -> Iterator[str]:
    yield from (name for mark, name in _BOMS.items() if content.startswith(mark))
    declared = (header, *(found.decode("ascii", "replace") for found in _META.findall(content[:4096])))
    for match in filter(None, map(_CHARSET.search, declared)):
        yield _LABELS.get(match[1].lower(), match[1])
    yield "utf-8"
    if len(likely := readings(content)) == 1:
        yield from likely
