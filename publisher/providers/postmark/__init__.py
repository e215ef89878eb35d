"""Postmark: batch submission to a broadcast stream, its outcome table, webhook and suppression list."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from publisher.providers.events import Event
from publisher.providers.outcomes import OutcomeTable
from publisher.providers.provider import Provider, Question, SuppressionList, Transport, Webhook, by_name

TABLE = OutcomeTable.read(Path(__file__).parent)


class Postmark(Provider):
    """Postmark's HTTP API. PUBLISHER_POSTMARK_TOKEN contains the token."""

    name = "postmark"
    title = "Postmark"
    tells = True
    endings = TABLE.explanations
    event_keys = frozenset({"RecordType"})

    def transport(self, *, single: bool = False) -> Transport:
        """See :class:`~publisher.providers.provider.Provider`. A single message is a batch of one."""
        from publisher.providers.postmark.transport import PostmarkTransport

        return PostmarkTransport(self.config.delivery.postmark, most=1 if single else None)

    def envelope_domain(self, domain: str) -> None:
        """Return None: the envelope domain is Postmark's, or an alias of it in the sender's domain."""

    def questions(self) -> Mapping[str, Question]:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.postmark.doctor import QUESTIONS

        return by_name(QUESTIONS, self.config)

    def webhook(self) -> Webhook | None:
        """Return ``/webhooks/postmark``, or None if PUBLISHER_POSTMARK_WEBHOOK (user and password) is not set."""
        if not (secret := os.environ.get("PUBLISHER_POSTMARK_WEBHOOK")):
            return None
        from publisher.providers.postmark.events import PostmarkWebhook

        return PostmarkWebhook(secret)

    def suppression_list(self) -> SuppressionList | None:
        """Return the stream's suppression list; None if Postmark is not the configured provider."""
        if self.config.delivery.transport != self.name:
            return None
        from publisher.providers.postmark.transport import PostmarkSuppressionList

        return PostmarkSuppressionList(self.config.delivery.postmark.stream)

    @classmethod
    def events_of(cls, value: Any) -> tuple[Event, ...]:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.postmark.events import events_of

        return events_of(value)


PROVIDER = Postmark
