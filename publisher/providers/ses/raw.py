"""Amazon SES one message a call: ``SendEmail`` with the whole message, where bulk cannot serve, and for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions as aws

from publisher.config.model import SesTransport
from publisher.errors import TransportError
from publisher.mail.headers import addr_spec
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.ses.bulk import in_sandbox, tags
from publisher.providers.ses.client import make_client, read_quota
from publisher.providers.ses.outcomes import of_exception, of_single_answer
from publisher.providers.transport import Quota


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
        """See :class:`~publisher.providers.transport.Transport`."""
        self._client = make_client(self._config, self.parallel)
        self._composed = composed
        if self._config.configuration_set:
            self._common = {"ConfigurationSetName": self._config.configuration_set}
        return self.quota()

    def quota(self) -> Quota:
        """See :class:`~publisher.providers.transport.Transport`."""
        quota = read_quota(self._client, self._config)
        self._sandbox = quota.sandbox
        return quota

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.providers.transport.Transport`."""
        return [in_sandbox(self._submit(envelope), sandbox=self._sandbox) for envelope in envelopes]

    def close(self) -> None:
        """See :class:`~publisher.providers.transport.Transport`."""
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
