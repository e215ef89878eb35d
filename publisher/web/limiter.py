"""How often one network may ask, and one mailbox may be asked. Kept in memory: a restart forgives."""

from __future__ import annotations

import hashlib

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

BY_NETWORK = "30/minute;200/hour"
BY_MAILBOX = "4/day"


class Limiter:
    """Counts asks."""

    def __init__(self, by_network: str = BY_NETWORK, by_mailbox: str = BY_MAILBOX) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._network = parse_many(by_network)
        self._mailbox = parse_many(by_mailbox)

    def admits(self, network: str) -> bool:
        """Whether this network may send another subscribe form."""
        return self._hit(self._network, "network", network)

    def may_mail(self, mailbox_key: str) -> bool:
        """Whether this mailbox, however it is spelt, may get another confirmation mail today.

        ``ann+1@`` and, at some providers, ``a.nn@`` are ``ann@``: counted apart, they would flood one inbox.
        """
        local, _, domain = mailbox_key.rpartition("@")
        inbox = f"{local.partition('+')[0].replace('.', '')}@{domain}"
        return self._hit(self._mailbox, "mailbox", hashlib.sha256(inbox.encode()).hexdigest())

    def _hit(self, items: list[RateLimitItem], kind: str, key: str) -> bool:
        hits = [self._limiter.hit(item, kind, key) for item in items]  # each window counts, whatever the others say
        return all(hits)
