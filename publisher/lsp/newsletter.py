"""One repository in the editor: its open documents, and its findings, renewed after each key press.

One issue is judged at a time, in a thread, the last edited one first. Findings of rules are published at once; those of
gates and of rules across issues follow when no key has been pressed for a moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from publisher.checks.engine import affected, findings_across
from publisher.config import Config, read_config
from publisher.diagnostics import Diagnostic, in_order
from publisher.diagnostics.catalogue import with_levels
from publisher.documents.text import MAX_BYTES, shadows
from publisher.edition.model import Edition
from publisher.edition.others import OtherIssues
from publisher.edition.provenance import part_of
from publisher.errors import PublisherError
from publisher.issue.folder import ISSUES, SERIES
from publisher.issue.load import read_issue
from publisher.issue.model import Issue
from publisher.issue.series import slug_of_path, steps_of
from publisher.lsp.document import Document
from publisher.preview.watch import changed_files
from publisher.proofing.archive import ArchiveFacts
from publisher.proofing.checking import surroundings
from publisher.proofing.proof import stages

log = logging.getLogger(__name__)
Findings = dict[str, list[Diagnostic]]
_FEW = 60
"""Maximum number of issues read before the first findings are published; more are read afterwards."""
_PAUSE = 0.15
"""Seconds after the last key press before an issue is rendered; until then only the rules run."""
_CONFIG = ""
"""Used as a slug for config.yaml and files outside the issues."""
_T = TypeVar("_T")


class OpenNewsletter:
    """Repository at ``root``, as the client writes it. ``tell(newsletter, path, findings)`` is called for each file
    whose findings have changed, and for each open file that was checked again.
    """

    def __init__(
        self,
        root: Path,
        encoding: str,
        tell: Callable[[OpenNewsletter, str, list[Diagnostic]], None],
        complain: Callable[[str], None],
    ) -> None:
        self.root, self.real = root, root.resolve()
        self.open: dict[str, Document] = {}  # by path relative to the root
        self.config: Config | None = None
        self.archive = ArchiveFacts()
        self.editions: dict[str, Edition] = {}
        self.ready = asyncio.Event()
        """Set when config.yaml and the archive have been read."""
        self._quiet = asyncio.Event()  # set when everything is judged
        self._encoding, self._tell, self._complain = encoding, tell, complain
        self._told: dict[str, Findings] = {}
        self._late: dict[str, tuple[Diagnostic, ...]] = {}  # last findings of gates and rules across issues, by slug
        self._waiting: dict[str, None] = {_CONFIG: None}
        self._turn = 0  # counts changes other than those of items' texts
        self._others = (-1, OtherIssues())  # with the turn in which they were read
        self._wake, self._hurry = asyncio.Event(), asyncio.Event()
        self._tasks = [asyncio.create_task(self._work())]

    def path(self, file: Path) -> str:
        """The path relative to the root, with ``/``. Raises ValueError if the file is elsewhere."""
        return file.relative_to(self.root).as_posix()

    def changed(self, path: str) -> None:
        """Queue checks after a document was opened, edited or closed, or its file has changed."""
        self._turn += not path.endswith(".md")
        slug, room = slug_of_path(path), path.partition("/")[0]
        if part_of(path) is None:
            self._waiting[_CONFIG] = None
        touched = [slug] if slug else []
        if slug is None and room not in {ISSUES, "config.yaml"}:  # the theme, or pictures of steps
            touched = [known for known in self._told if known.startswith(SERIES if room == SERIES else "") and known]
        for owner in touched:
            if owner in self._told or owner in map(slug_of_path, self.open):
                self._waiting.pop(owner, None)  # the last edited one is judged first
                self._waiting[owner] = None
            elif room == ISSUES and owner not in self.archive.unread:
                self.archive.unread.append(owner)
        self._quiet.clear()
        self._wake.set()
        self._hurry.set()

    def findings(self, path: str) -> list[Diagnostic]:
        """The last published findings of a file."""
        return in_order(finding for told in self._told.values() for finding in told.get(path, ()))

    def uri(self, path: str) -> str:
        """The URI of a file, as the client writes it."""
        return self.open[path].uri if path in self.open else (self.root / path).as_uri()

    def document(self, path: str) -> Document:
        """The open document, or the content of the file; empty if it cannot be read."""
        if path not in self.open:
            try:
                text = (self.root / path).read_bytes()[:MAX_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
            except OSError:
                text = ""
            return Document(self.uri(path), text, self._encoding)
        return self.open[path]

    async def settled(self) -> None:
        """Wait, at most ten seconds, until the findings are up to date."""
        self._hurry.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), 10)

    def issue(self, slug: str) -> Issue | None:
        """The issue in its present state, as far as it can be read."""
        config = self.config
        return self.seen(lambda: read_issue(config, slug).partial) if config else None

    def seen(self, look: Callable[[], _T]) -> _T:
        """Call ``look`` with the open documents in place of their files."""
        return _seen(self._shadows(), look)

    def _shadows(self) -> Mapping[str, bytes]:
        texts = {path: document.text.encode("utf-8", "surrogatepass") for path, document in self.open.items()}
        return {f"{self.real}/{path}": text for path, text in texts.items()}

    async def _watch(self) -> None:
        """Report files changed on disk by any program."""
        async for files in changed_files(self.real, lambda: self.config):
            for path in {file.relative_to(self.real).as_posix() for file in files}:
                self.changed(path)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            try:
                await self._next()
            except Exception as error:  # a plug-in rule failed, or a defect; the next edit may resolve it
                log.exception("a judgment failed")
                self._complain(error.message if isinstance(error, PublisherError) else f"a judgment failed: {error!r}")

    async def _next(self) -> None:
        if _CONFIG in self._waiting:
            del self._waiting[_CONFIG]
            try:
                await self._judge_surroundings()
            finally:
                self.ready.set()
        elif self._waiting:
            await self._judge(self._waiting.popitem()[0])
        elif self.archive.unread and self.config:
            self._quiet.set()
            await asyncio.to_thread(self.archive.read, self.config)
            if not self.archive.unread:
                self._waiting.update(dict.fromkeys(slug for slug in self._told if slug))
        else:
            self._quiet.set()
            self._wake.clear()

    async def _judge_surroundings(self) -> None:
        config, found = await self._in_thread(self._read_surroundings)
        if config is not None and config != self.config:
            if not self.archive.fits(config):
                await asyncio.to_thread(self.archive.open, config)
            self.config = config
            for slug in {*self._told, *map(slug_of_path, self.open)}:
                if slug:
                    self._waiting[slug] = None
            if len(self.archive.unread) <= _FEW:
                while self.archive.unread:
                    await asyncio.to_thread(self.archive.read, config)
        if len(self._tasks) == 1:
            self._tasks.append(asyncio.create_task(self._watch()))
        self._publish(_CONFIG, found, True)

    def _read_surroundings(self) -> tuple[Config | None, list[Diagnostic]]:
        config, found = read_config(self.real)
        if config is None:
            return None, found
        with suppress(PublisherError):  # issues/ is missing for a moment while git switches branches
            found += surroundings(config)
        return config, [*with_levels(config.checks.levels, found)]

    async def _judge(self, slug: str) -> None:
        if self.config is None:
            return
        with suppress(ValueError):
            self.archive.unread.remove(slug)
        first, steps = slug not in self._told, self._steps(self.config, slug, self._turn)
        known = self.archive.facts.get(slug)
        self._hurry.clear()
        while (found := await self._in_thread(lambda: next(steps, None))) is not None and not self._stale(slug):
            findings, whole = found
            if whole or not first:
                self._publish(slug, findings, first or not whole)
            if not whole and not first:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), _PAUSE)
            if self._stale(slug):
                break
        others = {other: held for other in self._told if (held := self.archive.facts.get(other)) and other != slug}
        before, after = ({slug: one} if one else {} for one in (known, self.archive.facts.get(slug)))
        if others and before != after:  # others may share a story with it
            self._waiting.update(dict.fromkeys(affected(self.config, others | before, others | after) & {*others}))

    def _stale(self, slug: str) -> bool:
        """Whether the text has changed while it was judged; then it is queued again."""
        if slug in self._waiting or _CONFIG in self._waiting:
            self._waiting[slug] = None
            self._told.setdefault(slug, {})  # from now on, publish incomplete findings too
            return True
        return False

    def _steps(self, config: Config, slug: str, turn: int) -> Iterator[tuple[list[Diagnostic], bool]]:
        """Yield the findings known so far, and whether they are complete."""
        of_series = slug.startswith(f"{SERIES}/")
        if not (slug in steps_of(self.real) if of_series else (self.real / ISSUES / slug).is_dir()):
            self.archive.forget(slug)
            self._late.pop(slug, None)
            self.editions.pop(slug, None)
            yield [], True
            return
        if self._others[0] != turn:
            self._others = turn, OtherIssues.of(config)
        judged = stages(config, slug, self._others[1])
        proof = next(judged)
        at_once = {*proof.findings}
        yield [*at_once.union(() if proof.broken else self._late.get(slug, ()))], False
        proof, held = next(judged, proof), proof
        if not of_series:
            self.archive.know(slug, held.issue, held.basis.facts)
            proof = proof.judged(config, findings_across(config, self.archive.known(), {slug}))
        self._late[slug] = tuple(finding for finding in proof.findings if finding not in at_once)
        if proof.edition:
            self.editions[slug] = proof.edition
        yield [*proof.findings], True

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(_seen, self._shadows(), call)

    def _publish(self, owner: str, found: Iterable[Diagnostic], again: bool) -> None:
        """Publish the findings of ``owner``; for open files with unchanged findings only if ``again``."""
        before, now = self._told.get(owner, {}), Findings()
        for finding in found:
            now.setdefault(finding.path, []).append(finding)
        self._told[owner] = now
        open_here = [path for path in self.open if (slug_of_path(path) or _CONFIG) == owner]
        for path in sorted({*before, *now, *open_here}):
            if (again and path in self.open) or before.get(path) != now.get(path):
                self._tell(self, path, self.findings(path))


def _seen(texts: Mapping[str, bytes], look: Callable[[], _T]) -> _T:
    token = shadows.set(texts)
    try:
        return look()
    finally:
        shadows.reset(token)
