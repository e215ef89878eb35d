"""Evidence about an issue outside the database: its page, its messages in a folder, and ``state.json``.

``state.json`` is stored beside the issue's page where the archive is served. It names the mailing of the issue that
began; it is written after the freeze and before the first message, and again when all recipients have been handled. A
ledger that does not know that mailing was restored, created anew, or is not the one that mailed. The file is public, so
it holds no number of readers.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Self

import httpx
from pydantic import AwareDatetime, TypeAdapter
from selectolax.lexbor import LexborHTMLParser

from publisher.config import Config
from publisher.database import Database
from publisher.delivery import mailings
from publisher.delivery.lock import how_to_settle
from publisher.delivery.send import Options, Sent, Started, send
from publisher.diagnostics import say
from publisher.edition.model import Edition
from publisher.errors import PublisherError, ServiceError, UsageError
from publisher.issue.folder import SERIES
from publisher.mail.message import MailContent
from publisher.providers import open_provider
from publisher.publishing import store
from publisher.publishing.archive import ArchiveRun
from publisher.publishing.due import Mailed, unknown_here
from publisher.publishing.store import Publication
from publisher.site.deploy.model import ChangedMeanwhileError, Destination
from publisher.site.paths import issue_path, url_of

_RECIPIENT = re.compile(r"[0-9a-f]{8}-\d+\.eml")


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """Contents of ``state.json``: reference of the mailing, time of writing, number of senders, the last sender."""

    mailing: str
    digest: str
    at: AwareDatetime
    runs: int
    finished: bool = False
    run: str = ""  # as in mailings.runs(); older versions wrote none


_ARCHIVE_STATE = TypeAdapter(ArchiveState)


@dataclass(frozen=True)
class Witness:
    """Reads and writes the evidence in the archive."""

    archive: ArchiveRun

    @classmethod
    def open(cls, config: Config) -> Self:
        """Return the witness for the archive that config.yaml describes. Raises UsageError, DeployError."""
        return cls(ArchiveRun.open(config, config.root / "dist"))

    def state(self, slug: str) -> ArchiveState | None:
        """Read ``state.json``; None if there is none. Raises DeployError, UsageError (it cannot be read)."""
        path, place = _path(slug), self.archive.place
        content = place.read(path)
        if content is None:
            return None
        try:
            return _ARCHIVE_STATE.validate_json(content)
        except ValueError as error:
            message = say("{where}: {path} cannot be read", where=place.name, path=path)
            advice = say("see docs/backup.md; delete it once you know who was mailed")
            raise UsageError(message, help=advice) from error

    def readers_have(self, slug: str) -> str | None:
        """Return where readers have an issue: ``the archive`` (a deployed page), ``the outbox`` (messages), or None.

        An archive served from its build folder is no evidence, because ``publisher build`` writes there too.
        """
        html = None if self.archive.in_place else self.archive.place.read(issue_path(slug) + "index.html")
        if html is not None and provenance_of_page(html):
            return say("the archive")
        folder = open_provider(self.archive.config).written(slug)
        if folder and folder.is_dir():
            # send --test writes there too, with other file names
            return say("the outbox") if any(_RECIPIENT.fullmatch(file.name) for file in folder.iterdir()) else None
        return None

    def contradiction(self, publication: Publication, mailed: Mailed | None, references: frozenset[str]) -> str | None:
        """Describe what ``state.json`` records of a mailing that the ledger lacks; None if nothing.

        ``mailed`` is the issue's newest mailing, ``references`` are those of all mailings in the ledger.
        """
        state = self.state(publication.slug)
        if state is None:
            return None
        if publication.settled_how == "unmailed" and publication.settled_at and publication.settled_at > state.at:
            return None
        if state.mailing not in references:
            when = f"{state.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            known = {"mailing": state.mailing, "when": when}
            return say("its mailing {mailing} went out {when}, and this database knows nothing of it", **known)
        if mailed and mailed.reference == state.mailing:
            strange = state.run and state.run not in mailed.runs  # a sender on a copy of this database
            behind = strange or len(mailed.runs) < state.runs or (state.finished and not mailed.finished)
            told = say("its mailing {mailing} came further than this database knows", mailing=state.mailing)
            return told if behind else None
        return None

    def write_state(self, database: Database, mailing: mailings.Mailing, *, finished: bool = False) -> None:
        """Write the ledger's state of a mailing to ``state.json``.

        Raises UsageError if the archive knows more than the ledger (another database mails the issue), DeployError;
        a run that gets either may not submit anything.
        """
        if mailing.slug.startswith(f"{SERIES}/"):
            return  # a step has no page, and its mailing never ends
        if self.archive.in_place and not (self.archive.site / issue_path(mailing.slug)).is_dir():
            return
        with database.connect() as connection:
            runs = mailings.runs(connection, mailing.id).get(mailing.id) or [""]
        now = datetime.now(UTC)
        for last in (False, False, True):
            # the archive may have changed while pages were deployed and awaited
            publication, _ = self.refuse(database, mailing.slug)
            at = max(now, publication.settled_at or now)  # not before the decision, on whatever machine that was
            state = ArchiveState(mailing.reference, mailing.digest, at, len(runs), finished, runs[-1])
            try:
                self.archive.place.note(_path(mailing.slug), _ARCHIVE_STATE.dump_json(state) + b"\n")
                return
            except ChangedMeanwhileError:
                if last:
                    raise

    def refuse(self, database: Database, slug: str) -> tuple[Publication, Mailed | None]:
        """Return the ledger's records of an issue. Raises UsageError if the archive knows more, DeployError."""
        with database.connect() as connection:
            publication = store.publication(connection, slug)
            mailed = store.mailed(connection, slug).get(slug)
            references = mailings.references(connection)
        if fault := self.contradiction(publication, mailed, references):
            message = say("{slug}: {fault}: was it restored? Nothing was sent", slug=slug, fault=fault)
            raise UsageError(message, help=how_to_settle(slug))
        return publication, mailed


def mail(
    witness: Witness | None,
    config: Config,
    database: Database,
    edition: Edition | MailContent,
    options: Options | None = None,
) -> Sent:
    """Call :func:`publisher.delivery.send.send`, writing ``state.json`` before the first message and after the last.

    Raises DeployError if the archive cannot be written: the mailing is frozen then, and no message was sent.
    """
    options, began = options or Options(), []

    def started(begun: Started) -> None:
        if witness:
            witness.write_state(database, begun.mailing)
        began.append(begun)
        options.started(begun)

    sent = send(config, database, edition, replace(options, started=started))
    if witness and began and sent.mailing.finished_at is not None:
        with suppress(PublisherError):  # the start is recorded, which suffices to prevent a second mailing
            witness.write_state(database, sent.mailing, finished=True)
    return sent


def refuse_unknown_mail(witness: Witness, database: Database, slug: str, *, correction: bool = False) -> None:
    """Raise UsageError, for ``send``, if readers have the issue and the ledger does not know it. Raises DeployError."""
    publication, mailed = witness.refuse(database, slug)
    if mailed or correction:
        return
    if publication.settled_how == "mailed":
        advice = say("publisher publish --unmailed {slug} takes that back", slug=slug)
        raise UsageError(say("{slug}: an operator said that it was mailed", slug=slug), help=advice)
    fresh = publication.archived_at is None and publication.settled_how is None
    if fresh and (where := witness.readers_have(slug)):
        raise UsageError(say("{slug}: {told}", slug=slug, told=unknown_here(where)), help=how_to_settle(slug))


def _path(slug: str) -> str:
    return issue_path(slug) + "state.json"


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


def wait_until_live(config: Config, edition: Edition, place: Destination, late: Callable[[str], None]) -> str | None:
    """Return None once the page of ``edition`` is live; the reason if it is not by ``deploy.verify_timeout``.

    ``late`` is called once with the reason if the page is not live at once.
    """
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
    if fault := _by_url(url, edition):
        late(fault)
    while fault and time.monotonic() < deadline:
        time.sleep(min(next(pauses), max(deadline - time.monotonic(), 0.01)))
        fault = _by_url(url, edition)
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
