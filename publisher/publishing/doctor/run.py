"""All questions at once, in bounded time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import monotonic

from publisher.errors import PublisherError
from publisher.publishing.doctor import database, dns, ses, web
from publisher.publishing.doctor.model import Finding, Level, fault, skipped, warning
from publisher.publishing.doctor.world import World

Check = Callable[[World], Finding]

LONGEST = 30.0
"""Seconds that all questions together may take."""

SES: dict[str, Check] = {
    "identity": ses.identity,
    "dkim": ses.dkim,
    "mail-from": ses.mail_from,
    "quota": ses.quota,
    "sandbox": ses.sandbox,
    "configuration-set": ses.configuration_set,
    "events": ses.events,
    "tracking": ses.tracking,
}
DNS: dict[str, Check] = {"spf": dns.spf, "dmarc": dns.dmarc}
REST: dict[str, Check] = {
    "config": database.config,
    "database": database.database,
    "backup": database.backup,
    "archive": web.archive,
    "unsubscribe": web.unsubscribe,
}


def examine(world: World, only: Collection[str] | None = None) -> list[Finding]:
    """Every finding (of the questions ``only``), in their order. No exception leaves here but a defect's."""
    deadline = monotonic() + LONGEST
    asked = {name: check for name, check in (SES | DNS | REST).items() if only is None or name in only}
    pool = ThreadPoolExecutor(max_workers=6)
    try:
        running = {name: pool.submit(_answer, name, check, world) for name, check in asked.items()}
        wait(running.values(), timeout=max(deadline - monotonic(), 0))
        found = [_weighed(_result(name, future), world) for name, future in running.items()]
        return [*found, web.clock(world)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(name: str, check: Check, world: World) -> Finding:
    transport = world.config.delivery.transport
    if name in SES and transport != "ses":
        return skipped(name, f"delivery.transport is {transport}: SES is not used")
    if name in DNS and not world.sends:
        return skipped(name, "delivery.transport is folder: no mail leaves this machine")
    try:
        return check(world)
    except PublisherError as error:
        return fault(name, error.message, error.help)


def _result(name: str, future: Future[Finding]) -> Finding:
    return future.result() if future.done() else fault(name, f"no answer within {LONGEST:.0f} s", "is the network up?")


def _weighed(finding: Finding, world: World) -> Finding:
    """While mail only goes into a folder, an archive or a service that is not live yet keeps nobody from anything."""
    if finding.level is Level.FAULT and not world.sends and finding.check in {"archive", "unsubscribe"}:
        return warning(finding.check, finding.message, finding.help)
    return finding
