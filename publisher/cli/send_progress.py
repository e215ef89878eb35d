"""Progress of ``send``: a bar on standard error, or JSON lines on standard output."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from publisher.cli.output import Bar, remark, warn
from publisher.delivery.send import Started
from publisher.delivery.sender import SendProgress as Step
from publisher.delivery.states import numbered
from publisher.diagnostics import counted, rendered, say


def json_line(**row: Any) -> None:
    """Print one JSON object on a line of standard output."""
    print(json.dumps(row), flush=True)


class JsonLines(nullcontext[None]):
    """Progress as JSON lines."""

    def started(self, started: Started) -> None:
        """Called before the first call to the provider."""
        mailing, account = started.mailing, started.account
        json_line(
            event="start", issue=mailing.slug, digest=mailing.digest, audience=account.audience,
            pending=account.pending, frozen=started.frozen, recovered=started.recovered, transport=started.transport,
        )  # fmt: skip

    def progress(self, step: Step) -> None:
        """Called after each call."""
        counts = ("submitted", "rejected", "uncertain", "throttled", "in_flight")
        json_line(event="progress", **{name: getattr(step, name) for name in counts})


class SendBar(Bar):
    """A progress bar on standard error, with the account so far."""

    def __init__(self, issue: str) -> None:
        super().__init__(rendered(say("Sending")))
        self._issue = issue
        self._stopping = False

    def started(self, started: Started) -> None:
        """Called before the first call to the provider."""
        account = started.account
        about: dict[str, Any] = {"slug": self._issue, "excluded": account.excluded, "transport": started.transport}
        frozen = counted(
            "{slug} frozen for {n:,} recipient, {excluded:,} excluded ({transport})",
            "{slug} frozen for {n:,} recipients, {excluded:,} excluded ({transport})", account.pending, **about,
        )  # fmt: skip
        going = counted(
            "{slug} carries on: {n:,} recipient, {excluded:,} excluded ({transport})",
            "{slug} carries on: {n:,} recipients, {excluded:,} excluded ({transport})", account.pending, **about,
        )  # fmt: skip
        remark(frozen if started.frozen else going)
        for note in _notes(started):
            warn(note)
        self.begin(say("Sending"), account.pending)

    def progress(self, step: Step) -> None:
        """Called after each call."""
        done = step.submitted + step.rejected + step.uncertain + step.excluded
        bad = ((name, getattr(step, name)) for name in ("rejected", "uncertain"))
        self.at(done, notes=[rendered(numbered({name: n})) for name, n in bad if n])
        if step.ending is not None and step.in_flight and not self._stopping:
            self._stopping = True
            remark(say("stopping: waiting for the calls in flight (once more to stop at once)"))


def _notes(started: Started) -> Sequence[str]:
    notes = [started.quota.note] if started.quota.note else []
    if started.recovered:
        notes.append(counted(
            "an earlier run died: {n:,} recipient is uncertain; publisher reconcile {slug} settles it",
            "an earlier run died: {n:,} recipients are uncertain; publisher reconcile {slug} settles them",
            started.recovered, slug=started.mailing.slug,
        ))  # fmt: skip
    left = started.quota.left_today
    if left is not None and left < started.account.pending:
        about = {"left": left, "n": started.account.pending}
        notes.append(say("today's quota has room for {left:,} of {n:,}; send again when it has more", **about))
    return notes
