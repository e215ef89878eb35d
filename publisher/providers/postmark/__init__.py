"""Postmark: batches of messages into a broadcast stream, its outcome table, its webhook, its suppression list."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from publisher.providers.events import Event
from publisher.providers.provider import Provider, Question, SuppressionList, Webhook
from publisher.providers.transport import Transport

_TOKEN = ("Postmark refuses the token", "set PUBLISHER_POSTMARK_TOKEN to the server's API token")
_SENDER = ("Postmark has not confirmed the sender", "confirm the domain of newsletter.from; publisher doctor")
_APPROVAL = ("Postmark has not approved the account yet", "ask for approval in Postmark's console")
_STREAM = ("Postmark does not know the message stream", "correct delivery.postmark.stream in config.yaml")
_ENDINGS = {
    "postmark-10": _TOKEN,
    "http-401": _TOKEN,
    "postmark-400": _SENDER,
    "postmark-401": _SENDER,
    "postmark-405": ("Postmark's credits are used up, or the server may not send", "see the account in its console"),
    "postmark-412": _APPROVAL,
    "postmark-413": _APPROVAL,
    "postmark-1221": _STREAM,
    "postmark-1226": _STREAM,
    "postmark-1235": _STREAM,
}


class Postmark(Provider):
    """Postmark's HTTP API. The token comes from PUBLISHER_POSTMARK_TOKEN."""

    name = "postmark"
    title = "Postmark"
    tells = True
    endings = _ENDINGS
    event_keys = frozenset({"RecordType"})

    def transport(self, *, single: bool = False) -> Transport:
        """See :class:`~publisher.providers.provider.Provider`. A single message is a batch of one."""
        from publisher.providers.postmark.transport import PostmarkTransport

        return PostmarkTransport(self.config.delivery.postmark, most=1 if single else None)

    def envelope_domain(self, domain: str) -> None:
        """Postmark's own, or a name of the sender's that is an alias of it."""

    def questions(self) -> Mapping[str, Question]:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.postmark.doctor import questions

        return questions(self.config)

    def webhook(self) -> Webhook | None:
        """``/webhooks/postmark``, where PUBLISHER_POSTMARK_WEBHOOK has user and password."""
        if not (secret := os.environ.get("PUBLISHER_POSTMARK_WEBHOOK")):
            return None
        from publisher.providers.postmark.webhook import PostmarkWebhook

        return PostmarkWebhook(secret)

    def suppression_list(self) -> SuppressionList | None:
        """The stream's; None where Postmark is not in use."""
        if self.config.delivery.transport != self.name:
            return None
        from publisher.providers.postmark.suppression_list import PostmarkSuppressionList

        return PostmarkSuppressionList(self.config.delivery.postmark.stream)

    @classmethod
    def events_of(cls, value: Any) -> tuple[Event, ...]:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.postmark.events import events_of

        return events_of(value)


PROVIDER = Postmark
