"""Amazon SES: bulk and raw submission, its outcome table, events by SNS and SQS, and its suppression list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.errors import ServiceError
from publisher.providers.events import Event
from publisher.providers.outcomes import OutcomeTable
from publisher.providers.provider import Provider, Pull, Question, SuppressionList, Transport, Webhook, by_name

if TYPE_CHECKING:
    from publisher.providers.ses.doctor import SesAccount

TABLE = OutcomeTable.read(Path(__file__).parent)


class Ses(Provider):
    """Amazon SES, API v2. Queue, topics and suppression list also work for an SMTP relay that submits to SES."""

    name = "ses"
    title = "SES"
    tells = True
    spf = "include:amazonses.com"
    endings = TABLE.explanations
    event_keys = frozenset({"eventType", "notificationType", "TopicArn", "detail-type"})

    def transport(self, *, single: bool = False) -> Transport:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.ses.transport import SesBulkTransport, SesRawTransport

        settings = self.config.delivery.ses
        return (SesBulkTransport if settings.bulk and not single else SesRawTransport)(settings)

    @cached_property
    def _account(self) -> SesAccount:
        from publisher.providers.ses.doctor import SesAccount

        return SesAccount(self.config)

    def envelope_domain(self, domain: str) -> str:
        """Return the custom MAIL FROM domain if there is one, otherwise the sender's domain."""
        try:
            return str(self._account.identity[1].get("MailFromAttributes", {}).get("MailFromDomain") or domain)
        except ServiceError:
            return domain

    def questions(self) -> Mapping[str, Question]:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.ses.doctor import QUESTIONS

        return by_name(QUESTIONS, self._account)

    def webhook(self) -> Webhook | None:
        """Return the SNS webhook; None if ``service.sns_topics`` is empty."""
        if not self.config.service.sns_topics:
            return None
        from publisher.providers.ses.sns import SnsWebhook

        return SnsWebhook(self.config.service.sns_topics)

    def queue(self, url: str | None = None) -> Pull | None:
        """Return the SQS queue at ``url`` or ``delivery.ses.events_queue``; None if neither is set."""
        settings = self.config.delivery.ses
        if not (url := url or settings.events_queue):
            return None
        from publisher.providers.ses.aws import Queue, pull

        return lambda take_in, follow: pull(Queue(url, region=settings.region), take_in, follow=follow)

    def suppression_list(self) -> SuppressionList:
        """Return the account's suppression list."""
        from publisher.providers.ses.aws import SesSuppressionList

        return SesSuppressionList(self.config.delivery.ses.region)

    @classmethod
    def events_of(cls, value: Any) -> tuple[Event, ...]:
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.ses.events import events_of

        return events_of(value)


PROVIDER = Ses
