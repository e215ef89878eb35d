"""All questions at once, in bounded time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from time import monotonic

from publisher.errors import PublisherError
from publisher.providers.findings import Finding, Level, fault, skipped, warning
from publisher.providers.provider import Question
from publisher.publishing.doctor import database, dns, web
from publisher.publishing.doctor.probes import Probes

Check = Callable[[Probes], Finding]

LONGEST = 30.0
"""Seconds that all questions together may take."""

DNS: dict[str, Check] = {"spf": dns.spf, "dmarc": dns.dmarc}
REST: dict[str, Check] = {
    "config": database.config,
    "database": database.database,
    "backup": database.backup,
    "archive": web.archive,
    "unsubscribe": web.unsubscribe,
}


def examine(probes: Probes, only: Collection[str] | None = None) -> list[Finding]:
    """Every finding (of the questions ``only``), in their order. No exception leaves here but a defect's."""
    deadline = monotonic() + LONGEST
    asked = dict(probes.provider.questions())
    asked |= {name: partial(check, probes) for name, check in (DNS | REST).items()}
    asked = {name: question for name, question in asked.items() if only is None or name in only}
    pool = ThreadPoolExecutor(max_workers=6)
    try:
        running = {name: pool.submit(_answer, name, question, probes) for name, question in asked.items()}
        wait(running.values(), timeout=max(deadline - monotonic(), 0))
        found = [_weighed(_result(name, future), probes) for name, future in running.items()]
        return [*found, web.clock(probes)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(name: str, question: Question, probes: Probes) -> Finding:
    if name in DNS and not probes.config.delivery.leaves:
        return skipped(name, "delivery.transport is folder: no mail leaves this machine")
    try:
        return question()
    except PublisherError as error:
        return fault(name, error.message, error.help)


def _result(name: str, future: Future[Finding]) -> Finding:
    return future.result() if future.done() else fault(name, f"no answer within {LONGEST:.0f} s", "is the network up?")


def _weighed(finding: Finding, probes: Probes) -> Finding:
    """While mail only goes into a folder, an archive or a service that is not live yet keeps nobody from anything."""
    if (
        finding.level is Level.FAULT
        and not probes.config.delivery.leaves
        and finding.check in {"archive", "unsubscribe"}
    ):
        return warning(finding.check, finding.message, finding.help)
    return finding
