"""Amazon SES one message a call: ``SendEmail`` with the whole message, where bulk cannot serve, and for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions as aws

from publisher.config.model import SesTransport
from publisher.delivery.headers import addr_spec
from publisher.delivery.message import Composed, Envelope
from publisher.delivery.outcomes import Outcome, Verdict
from publisher.delivery.transports.base import Quota
from publisher.delivery.transports.ses_bulk import in_sandbox, tags
from publisher.delivery.transports.ses_client import make_client, read_quota
from publisher.delivery.transports.ses_outcomes import of_exception, of_single_answer
from publisher.errors import TransportError


class SesRawTransport:
    """One call a recipient."""

    name = "ses"
    most = 1
    parallel = 16

    def __init__(self, config: SesTransport) -> None:
        self.account = f"ses:{config.region or ''}"
        self._config = config
        self._client: Any = None
        self._composed: Composed | None = None
        self._common: dict[str, Any] = {}
        self._sandbox = False

    def open(self, composed: Composed) -> Quota:
        """See :class:`~publisher.delivery.transports.base.Transport`."""
        self._client = make_client(self._config, self.parallel)
        self._composed = composed
        if self._config.configuration_set:
            self._common = {"ConfigurationSetName": self._config.configuration_set}
        return self.quota()

    def quota(self) -> Quota:
        """See :class:`~publisher.delivery.transports.base.Transport`."""
        quota = read_quota(self._client, self._config)
        self._sandbox = quota.sandbox
        return quota

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.delivery.transports.base.Transport`."""
        return [in_sandbox(self._submit(envelope), sandbox=self._sandbox) for envelope in envelopes]

    def close(self) -> None:
        """See :class:`~publisher.delivery.transports.base.Transport`."""
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()

    def _submit(self, envelope: Envelope) -> Outcome:
        assert self._composed is not None
        try:
            message, to = self._composed.message(envelope, datetime.now(UTC)), addr_spec(envelope.address)
        except TransportError:
            return Outcome(Verdict.REJECTED, "unusable-address")
        try:
            answer = self._client.send_email(
                **self._common,
                FromEmailAddress=self._composed.sender.replace("\r\n ", " "),
                Destination={"ToAddresses": [to]},
                Content={"Raw": {"Data": message}},
                EmailTags=tags(envelope),
            )
        except (aws.BotoCoreError, aws.ClientError, aws.HTTPClientError, ValueError, KeyError) as error:
            return of_exception(error)
        return of_single_answer(answer)
