"""Check that everything is ready to send: one function per check, each with a finding and a remedy."""

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

from publisher.diagnostics import say
from publisher.errors import PublisherError
from publisher.providers.provider import Finding, Level, Question, by_name, fault, skipped
from publisher.publishing.doctor import questions
from publisher.publishing.doctor.gmail import NOT_ASKED, TOKEN, gmail
from publisher.publishing.doctor.questions import Probes

__all__ = ["NOT_ASKED", "Finding", "Level", "examine"]

LONGEST = 30.0  # seconds for all checks together

OURS = (
    questions.spf, questions.dmarc, questions.config, questions.database, questions.backup, questions.receivers,
    questions.archive, questions.unsubscribe,
)  # fmt: skip


def examine(probes: Probes, only: Collection[str] | None = None) -> list[Finding]:
    """Return the findings of all checks, or of those in ``only``, in order. A PublisherError becomes a finding."""
    ours = (*OURS, gmail) if os.environ.get(TOKEN, "").strip() else OURS
    every = {**probes.provider.questions(), **by_name(ours, probes)}
    asked = {name: question for name, question in every.items() if only is None or name in only}
    pool = ThreadPoolExecutor(max_workers=6)
    try:
        running = {name: pool.submit(_answer, name, question, probes) for name, question in asked.items()}
        wait(running.values(), timeout=LONGEST)
        silent = fault(say("no answer within {n:.0f} s", n=LONGEST), say("is the network up?"))
        answers = {name: future.result() if future.done() else silent for name, future in running.items()}
        found = {name: _weighed(name, answer, probes) for name, answer in answers.items()}
        found["clock"] = questions.clock(probes)
        return [replace(finding, check=name) for name, finding in found.items()]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(name: str, question: Question, probes: Probes) -> Finding:
    if name in {"spf", "dmarc", "gmail"} and not probes.config.delivery.leaves:
        return skipped(say("delivery.transport is folder: no mail leaves this machine"))
    try:
        return question()
    except PublisherError as error:
        return fault(error.message, error.help)


def _weighed(name: str, finding: Finding, probes: Probes) -> Finding:
    """Turn a fault of archive or service into a warning while the folder transport is in use, which mails nobody."""
    harmless = not probes.config.delivery.leaves and name in {"archive", "unsubscribe"}
    return replace(finding, level=Level.WARNING) if harmless and finding.level is Level.FAULT else finding
