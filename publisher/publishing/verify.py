"""Check whether a message or a page comes from this repository, and from which commit.

It states a digest and a commit, in ``X-Publisher-Edition`` or in a meta tag. That is only a claim: so the edition is
rebuilt from the commit, its digest compared with the claimed one, and its text with the given text.
"""

import email
import email.policy
import re
from dataclasses import dataclass, replace
from email.message import EmailMessage, MIMEPart
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

from publisher.config import Config
from publisher.diagnostics import say
from publisher.edition.clicks import counted
from publisher.edition.model import AnySlot, Edition, Personal, Slotted
from publisher.edition.origin import origins_of
from publisher.errors import refusal
from publisher.issue.folder import discover
from publisher.issue.load import read_issue
from publisher.issue.series import steps_of
from publisher.mail.message import MailContent
from publisher.proofing.proof import proofread
from publisher.publishing import git
from publisher.publishing.witness import Provenance, fetch_page, provenance_of_page, read_provenance
from publisher.site.content import page_body
from publisher.site.paths import issue_path

_EARLIER = re.compile('<div class="earlier">.*?</div>\n?', re.DOTALL)  # depends on other issues
_BLANK = re.compile(r"\s+")
_TEST = re.compile(r"^\[test[^]]*\] ")  # of ``send --test``


class VerifyResult(StrEnum):
    """Result of a verification."""

    MATCH = say("match")  # same digest, same text
    ALTERED = say("altered")  # the digest is that of an edition, the text is not
    DIFFERS = say("differs")  # the commit builds another edition
    UNKNOWN = say("unknown commit")  # not in this repository
    NONE = say("no provenance")  # makes no claim


_FOUND = frozenset({VerifyResult.MATCH, VerifyResult.ALTERED})


@dataclass(frozen=True, slots=True)
class TextOrigin:
    """Text written by a model: place, model, grade, reviewers, sources; and the commit that last changed its file,
    with its author, both None outside git or if the file was never committed.
    """

    where: str
    by: str
    grade: str
    reviewed_by: tuple[str, ...]
    sources: tuple[str, ...]
    commit: str | None
    author: str | None


@dataclass(frozen=True, slots=True)
class Verified:
    """Result of a verification, with its basis."""

    verdict: VerifyResult
    message: str
    help: str | None = None
    slug: str | None = None
    claimed: Provenance | None = None
    rebuilt: str | None = None
    origin: tuple[TextOrigin, ...] = ()


@dataclass(frozen=True, slots=True)
class _Exhibit:
    """Message or page to verify: its claim, the parsed message (None for a page), its HTML."""

    claim: Provenance | None
    message: EmailMessage | None
    html: str


def verify(config: Config, what: str) -> Verified:
    """Verify an ``.eml`` file, a URL or a page's file. Raises UsageError (no such file), ServiceError (no answer)."""
    exhibit = _page(fetch_page(what)) if re.match(r"https?://", what) else _file(Path(what))
    claim = exhibit.claim
    if claim is None:
        says = say("{what} does not say which edition it is", what=what)
        advice = say("it was not made by publisher, or was stripped")
        return Verified(VerifyResult.NONE, says, advice)
    if claim.commit is None:
        found = _compare(config, exhibit, claim, say("the files on disk (it names no commit)"))
        return _with_origin(config, found, config.root, "HEAD")
    commit = git.resolve(config.root, claim.commit)
    if commit is None:
        if silent := git.trouble(config.root):
            raise silent
        says = say("it claims commit {commit}, which is not in this repository", commit=claim.commit[:12])
        elsewhere = say("git fetch --all; if that finds nothing, it comes from elsewhere")
        way = "git fetch --unshallow" if git.is_shallow(config.root) else elsewhere
        return Verified(VerifyResult.UNKNOWN, says, way, claimed=claim)
    names = git.names(config.root, "ls-tree", "--name-only", "-z", commit, "--", "issues/")
    slugs = tuple(name.removeprefix("issues/") for name in names)
    named = _named(exhibit, slugs)
    with git.at_revision(config, commit, named or slugs) as then:
        if then is None:
            says = say("config.yaml of commit {commit} cannot be read", commit=commit[:12])
            return Verified(VerifyResult.DIFFERS, says, slug=_only(named), claimed=claim)
        found = _compare(then, exhibit, claim, say("commit {commit}", commit=commit[:12]))
        return _with_origin(then, found, config.root, commit)


def _compare(config: Config, exhibit: _Exhibit, claim: Provenance, where: str) -> Verified:
    slugs = [*steps_of(config.root), *discover(config.root)]  # the mail of a step does not name it
    likely = _named(exhibit, slugs)
    named, rebuilt = _only(likely), None
    for slug in likely or slugs:
        edition = proofread(config, slug).edition
        if edition is None:
            continue
        rebuilt = edition.digest
        mailed = {f"{slug} ({one.name})": one.edition for one in edition.variants if exhibit.message is not None}
        for name, one in (mailed or {slug: edition}).items():
            if one.digest == claim.digest:
                verdict, says = VerifyResult.MATCH, say("this is {name} of {where}", name=name, where=where)
                if fault := _altered(config, exhibit, one):
                    verdict = VerifyResult.ALTERED
                    says = say("it claims {name} of {where}, and {fault}", name=name, where=where, fault=fault)
                return Verified(verdict, says, None, slug, claim, one.digest)
    found = say("no issue of {where} is that", where=where)
    if named and rebuilt:
        found = say("{name} of {where} is {digest}…", name=named, where=where, digest=rebuilt[:19])
    says = say("it claims {digest}…, and {found}", digest=claim.digest[:19], found=found)
    advice = say("it may have been made by another version of publisher or of a library it renders with")
    return Verified(VerifyResult.DIFFERS, says, advice, named, claim, rebuilt if named else None)


def _with_origin(then: Config, found: Verified, root: Path, revision: str) -> Verified:
    """Add the origins of text by models, if the edition was found. git is asked in ``root``."""
    issue = read_issue(then, found.slug).issue if found.verdict in _FOUND and found.slug else None
    told = []
    for where, origin, path in origins_of(issue) if issue else ():
        commit, author = git.last_change(root, revision, path)
        sources = tuple(source.url or source.name for source in origin.sources)
        told.append(TextOrigin(where, origin.by, origin.grade, origin.reviewed_by, sources, commit, author))
    return replace(found, origin=tuple(told))


def _altered(config: Config, exhibit: _Exhibit, edition: Edition) -> str | None:
    """Describe what differs from the edition; None if nothing does."""
    if exhibit.message is None:
        body = page_body(edition, config, issue_path(edition.slug))
        whole = _BLANK.sub(" ", body) in _BLANK.sub(" ", _EARLIER.sub("", exhibit.html))
        return None if whole else say("the page's words are not that edition's")
    subject = str(exhibit.message["subject"])
    if not any(_fits(MailContent.of(edition).subject, one) for one in (subject, _TEST.sub("", subject, count=1))):
        return say("its subject is not that edition's")
    mailed = {"plain": (edition.text,), "html": (edition.html, counted(edition.html, edition.clicks))}
    for kind, forms in mailed.items():
        part = exhibit.message.get_body((kind,))
        if part is None:
            return say("its {kind} part is missing", kind=kind)
        if not any(_fits(slotted, _text(part)) for slotted in forms):
            return say("its {kind} part is not that edition's", kind=kind)
    return None


_VALUES = {"text": r"[^\n]+?", "html": r"[^<>\n\"]+?", "url": r"[\w.~%-]+?"}


def _fits(slotted: Slotted, text: str) -> bool:
    """Whether the text is the edition's, with any text in the slots that contains no markup or line break."""
    text = text.replace("\r\n", "\n")
    parts = (re.escape(p.replace("\r\n", "\n")) if type(p) is str else _value(p) for p in slotted.parts)
    return re.fullmatch("".join(parts) + r"\n?", text) is not None


def _value(slot: str | AnySlot) -> str:
    return _VALUES[slot.place] if isinstance(slot, Personal) else r"[^<>\n]*?"


def _file(path: Path) -> _Exhibit:
    with refusal(say("{path} cannot be read", path=path), say("name an .eml file, or a URL of the archive")):
        data = path.read_bytes()
    if data.lstrip().startswith(b"<"):  # a page of ``build``; no header of a message begins so
        return _page(data)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("html", "plain"))
    claim = read_provenance(str(message["x-publisher-edition"] or ""))
    return _Exhibit(claim, message, _text(part) if part else "")


def _text(part: MIMEPart) -> str:
    try:
        return str(part.get_content())
    except LookupError:  # unknown encoding
        return ""


def _page(data: bytes) -> _Exhibit:
    return _Exhibit(provenance_of_page(data), None, data.decode("utf-8", "replace"))


def _only(slugs: tuple[str, ...]) -> str | None:
    return slugs[0] if len(slugs) == 1 else None


def _named(exhibit: _Exhibit, slugs: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return the issues named by archive URLs or counted links: one, or one and its translations."""
    text = exhibit.html
    if exhibit.message is None:  # a page links to other issues too; its canonical URL is its own
        found = re.search(r'<link rel="canonical" href="([^"]+)"', text)
        text = found[1] if found else ""
    text = unquote(text)
    return tuple(slug for slug in slugs if f"/{quote(issue_path(slug))}" in text or f"/r/{slug}/" in text)
