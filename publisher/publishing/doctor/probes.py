"""What the doctor looks at: the provider, DNS, the web, the clock; each asked once, each with a time-out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from publisher.config import Config
from publisher.errors import ServiceError
from publisher.providers import Provider, open_provider
from publisher.providers.provider import PATIENCE


@dataclass
class Probes:
    """The outside. ``nameserver`` is ``host`` or ``host:port``; the system's own where there is none."""

    config: Config
    nameserver: str | None = None
    clocks: list[tuple[str, datetime, datetime]] = field(default_factory=list)  # who, its time, ours

    @cached_property
    def provider(self) -> Provider:
        """Who takes the messages."""
        return open_provider(self.config)

    def dns(self, name: str, kind: str) -> list[str]:
        """The records of a name; empty where there are none. TXT pieces are joined. Raises ServiceError."""
        import dns.exception
        import dns.resolver

        try:
            found = self._resolver.resolve(name, kind, lifetime=PATIENCE)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise ServiceError(f"DNS does not answer for {name}: {type(error).__name__}") from error
        if kind == "TXT":
            return [b"".join(record.strings).decode("utf-8", "replace") for record in found]
        return [record.to_text() for record in found]

    @cached_property
    def _resolver(self) -> Any:
        import dns.resolver

        if not self.nameserver:
            return dns.resolver.Resolver()
        resolver = dns.resolver.Resolver(configure=False)
        host, _, port = self.nameserver.partition(":")
        resolver.nameservers, resolver.port = [host], int(port or 53)
        return resolver

    def saw_clock(self, who: str, theirs: datetime, ours: datetime) -> None:
        """Keep a time that another machine told."""
        self.clocks.append((who, theirs, ours))
