"""What the doctor looks at: SES, DNS, the web, the clock; each asked once, each with a time-out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from threading import RLock
from typing import Any

from publisher.config import Config
from publisher.errors import ServiceError

PATIENCE = 8.0
"""Seconds that one question may take."""


@dataclass
class World:
    """The outside. ``nameserver`` is ``host`` or ``host:port``; the system's own where there is none."""

    config: Config
    nameserver: str | None = None
    _lock: RLock = field(default_factory=RLock)
    clocks: list[tuple[str, datetime, datetime]] = field(default_factory=list)  # who, its time, ours

    @property
    def sends(self) -> bool:
        """Whether mail leaves this machine at all."""
        return self.config.delivery.transport != "folder"

    @property
    def domain(self) -> str:
        """The domain of ``newsletter.from``, in ASCII."""
        domain = self.config.newsletter.sender[1].rpartition("@")[2].lower()
        try:
            return domain.encode("idna").decode("ascii")
        except UnicodeError:
            return domain

    @cached_property
    def _ses(self) -> Any:
        from publisher.providers.ses.aws import client

        return client("sesv2", self.config.delivery.ses.region, read_seconds=PATIENCE)

    def _ask(self, what: str, method: str, **parameters: Any) -> dict[str, Any]:
        from publisher.providers.ses.aws import call

        with self._lock:
            ses = self._ses
        answer: dict[str, Any] = call(what, lambda: getattr(ses, method)(**parameters))
        return answer

    @cached_property
    def account(self) -> dict[str, Any]:
        """SES GetAccount. Raises ServiceError."""
        return self._ask("the SES account", "get_account")

    @cached_property
    def identity(self) -> tuple[str, dict[str, Any]]:
        """The verified identity that covers the sender, and GetEmailIdentity's answer. Raises ServiceError.

        SES takes an address, its domain, or a domain above it.
        """
        labels = self.domain.split(".")
        names = [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]
        for name in (self.config.newsletter.sender[1], *names):
            try:
                return name, self._ask("the identity", "get_email_identity", EmailIdentity=name)
            except ServiceError as error:
                if "NotFoundException" not in error.message:
                    raise
        raise ServiceError(
            f"SES knows neither {self.domain} nor the address of newsletter.from",
            help=f"aws sesv2 create-email-identity --email-identity {self.domain}",
        )

    @cached_property
    def configuration_set(self) -> dict[str, Any]:
        """SES GetConfigurationSet. Raises ServiceError."""
        name = self.config.delivery.ses.configuration_set
        return self._ask(f"the configuration set {name}", "get_configuration_set", ConfigurationSetName=name)

    @cached_property
    def event_destinations(self) -> list[dict[str, Any]]:
        """The event destinations that are switched on. Raises ServiceError."""
        name = self.config.delivery.ses.configuration_set
        answer = self._ask(
            f"the configuration set {name}", "get_configuration_set_event_destinations", ConfigurationSetName=name
        )
        return [found for found in answer.get("EventDestinations", ()) if found.get("Enabled")]

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
