"""Validation of links in an issue."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from publisher.diagnostics import Fault, listed, say
from publisher.issue import codes

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+([/?#:].*)?", re.DOTALL)
_FILE_NAME = re.compile(r"[^/?#]*\.(?:csv|docx?|epub|html?|md|mp[34]|pdf|pptx?|txt|xlsx?|zip)", re.IGNORECASE)
_SLIP = re.compile(r"h?t{1,3}p{1,2}(?P<s>s?)[:：;；]*/{1,3}(?P<rest>[^/].*)", re.DOTALL | re.IGNORECASE)
"""Common misspellings of ``http:`` and ``https:``."""
_TO_HOST, _BLANK = re.compile(r"https?://[^/?#]*[^/?#\s]", re.IGNORECASE), re.compile(r"\s|%20")
_QUOTES = "“”‘’\"'"
_NO_HOST = re.compile(r"^\.|\.\.|[!$&'()*+,;=^`{|}]")
"""An empty label, or a character that no host name has (RFC 3986 allows some of them, DNS none)."""
_MAIL = re.compile(r"[^\s@/?#]+@[\w-]+(\.[\w-]+)+(\?.*)?", re.DOTALL)
_PLAIN = re.compile(
    r"(https?)://(?!https?(?![\w.-]))[a-z0-9-]+(?:\.[a-z0-9-]+)*(?:/[\w./-]*)?(?:[?#][\w=&./-]*)?", re.ASCII
)
"""Fast path for the form of most URLs, which is always valid."""
# Browsers ignore these within a scheme, so "java\nscript:" is executed (WHATWG URL, 4.1).
BLANK_WITHIN = say("the address of the link holds white space")
HIDDEN = re.compile("[\u00ad\u200b\u2060]")
"""Characters that nobody sees and no address has; U+200C and U+200D belong to words of some languages."""
_DROPPED = re.compile(r"[\x00-\x20]")
_OF_ASCII = re.compile("%(?=[0-7])")
"""The sign of an escape that advice keeps: decoded, ``%20`` and ``%26`` would be another address."""


@lru_cache(maxsize=1024)
def fault_of_link(url: str, schemes: frozenset[str] = SCHEMES) -> Fault | None:
    """Validate an absolute link: return code, message and help, or ``None`` if it is valid.

    The scheme is also detected if percent-encoded; ``%20`` does not count as white space.
    """
    if (plain := _PLAIN.fullmatch(url)) and plain[1] in schemes:
        return None
    bare = _DROPPED.sub("", unquote(url))
    match = _SCHEME.match(bare)
    slip = _SLIP.fullmatch(bare)
    meant = f"http{slip['s'].lower()}://{slip['rest']}" if slip and _DOMAIN.fullmatch(slip["rest"]) else ""
    if not match or (_DOMAIN.fullmatch(bare) and bare[match.end() : match.end() + 1].isdigit()):
        written = _DROPPED.sub("", unquote(_OF_ASCII.sub("%25", url)))
        domain, better = written.lstrip("/"), say("write the whole address, https://…")
        if not bare:
            return Fault(codes.NO_SCHEME, say("the link has no address"), better)
        inner = bare.strip(_QUOTES)
        if inner != bare and not fault_of_link(inner, schemes):
            better = say("write {words}", words=inner)
        elif meant:
            better = say("write {words}", words=meant)
        elif _DOMAIN.fullmatch(domain) and not _FILE_NAME.fullmatch(bare):
            better = say("write https://{bare}", bare=domain)
        elif _MAIL.fullmatch(bare) and "mailto" in schemes:
            better = say("write {words}", words=f"mailto:{bare}")
        return Fault(codes.NO_SCHEME, say("the link has no scheme"), better)
    scheme = match[1].lower()
    if scheme not in schemes:
        better = say("begin it with one of {listed}", listed=listed(f"{name}:" for name in sorted(schemes)))
        better = say("write {words}", words=meant) if meant else better
        better = say("write the whole address, https://…") if scheme == "file" or len(scheme) == 1 else better
        return Fault(codes.UNSAFE_SCHEME, say("a link cannot begin with {scheme}:", scheme=scheme), better)
    return _fault_of_address(url, scheme, meant)


def _fault_of_address(url: str, scheme: str, meant: str) -> Fault | None:
    begin = _TO_HOST.match(url)
    if begin and _BLANK.search(begin[0]):
        better = say("write {words}", words=_BLANK.sub("", begin[0]) + url[begin.end() :])
        return Fault(codes.BAD_LINK, BLANK_WITHIN, better)
    if re.search(r"\s", url.strip()):
        return Fault(codes.BAD_LINK, BLANK_WITHIN, say("write %20 for a space"))
    if hidden := HIDDEN.search(url):
        message = say("the address of the link holds an invisible U+{point}", point=f"{ord(hidden[0]):04X}")
        return Fault(codes.BAD_LINK, message, say("write {words}", words=HIDDEN.sub("", url)))
    if scheme in {"http", "https"}:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or _NO_HOST.search(host) or host in {"http", "https"}:  # https://https://…
            twice = re.match(r"https?://(https?)(?::/|//):?/*(?=[^/:])", url, re.IGNORECASE)
            inner = f"{twice[1]}://{url[twice.end() :]}" if twice else f"{scheme}://example.com/"
            better = say("write {words}", words=meant or inner)
            better = say("write the whole address") if meant == unquote(url) else better
            return Fault(codes.BAD_LINK, say("the link's host is missing, or its host or port is wrong"), better)
    elif not url.partition(":")[2].strip("/"):
        message = say("nothing follows {scheme}:", scheme=scheme)
        return Fault(codes.BAD_LINK, message, say("write the whole address"))
    return None


@lru_cache(maxsize=1024)
def absolute(page: str, url: str) -> str | None:
    """Resolve a URL against ``page``; ``None`` if it is invalid, such as ``http://[``."""
    try:
        return urljoin(page, url.strip())
    except ValueError:
        return None


def split(url: str) -> SplitResult | None:
    """Split a URL; ``None`` if it is invalid."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def scheme(url: str | None) -> str:
    """The scheme of a URL in lower case; empty if it has none."""
    parts = split(url or "")
    return parts.scheme if parts else ""
