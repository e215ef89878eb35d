"""Amazon SES in bulk: ``SendBulkEmail``, fifty recipients a call, one inline template.

The message is put together by SES, which owns From, To, Subject, Date and Message-ID; ours are the bodies, the list
headers, the unsubscribe link of each recipient, and opaque tags by which events find the ledger's row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import botocore.exceptions as aws

from publisher.config.model import SesTransport
from publisher.mail.headers import clean
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.ses.client import check_headers, make_client, read_quota
from publisher.providers.ses.outcomes import of_bulk_answer, of_exception
from publisher.providers.ses.template import Template, template_of
from publisher.providers.transport import Quota

MOST = 50  # destinations a call (SendBulkEmail)


class SesBulkTransport:
    """One call for up to fifty recipients, each with its own outcome."""

    name = "ses"
    most = MOST
    parallel = 16

    def __init__(self, config: SesTransport) -> None:
        self.account = f"ses:{config.region or ''}"
        self._config = config
        self._client: Any = None
        self._request: dict[str, Any] = {}
        self._template: Template | None = None
        self._sandbox = False

    def open(self, composed: Composed) -> Quota:
        """See :class:`~publisher.providers.transport.Transport`."""
        check_headers(composed)
        self._client = make_client(self._config, self.parallel)
        self._template = template_of(composed.letter, clean(composed.letter.subject))
        self._request = {
            "FromEmailAddress": composed.sender.replace("\r\n ", " "),
            "DefaultContent": {
                "Template": {
                    "TemplateContent": dict(self._template.content),
                    "TemplateData": "{}",
                    "Headers": [{"Name": name, "Value": value} for name, value in composed.headers],
                }
            },
        }
        if composed.reply_to:
            self._request["ReplyToAddresses"] = [composed.reply_to]
        if self._config.configuration_set:
            self._request["ConfigurationSetName"] = self._config.configuration_set
        return self.quota()

    def quota(self) -> Quota:
        """See :class:`~publisher.providers.transport.Transport`."""
        quota = read_quota(self._client, self._config)
        self._sandbox = quota.sandbox
        return quota

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.providers.transport.Transport`.

        A call that is refused for the sake of one recipient is halved until that one is found: about log2(50) calls,
        and one more for those set aside.
        """
        outcomes = self._call(envelopes)
        if not _refused(outcomes) or len(envelopes) == 1:
            return outcomes
        found: dict[int, Outcome] = {}
        suspects, aside = list(range(len(envelopes))), list[int]()
        while len(suspects) > 1:
            half, rest = suspects[: len(suspects) // 2], suspects[len(suspects) // 2 :]
            outcomes = self._call([envelopes[n] for n in half])
            if _refused(outcomes):
                suspects, aside = half, aside + rest
            else:
                found |= zip(half, outcomes, strict=True)
                suspects = rest
        found |= zip(suspects, self._call([envelopes[n] for n in suspects]), strict=True)
        if aside:
            found |= zip(aside, self._others([envelopes[n] for n in aside], found), strict=True)
        return [found[n] for n in range(len(envelopes))]

    def _others(self, envelopes: Sequence[Envelope], found: dict[int, Outcome]) -> list[Outcome]:
        """The outcomes of those set aside: searched again where somebody of the batch was accepted."""
        if any(outcome.verdict is Verdict.SUBMITTED for outcome in found.values()):
            return self.submit(envelopes)
        outcomes = self._call(envelopes)
        # Nobody is accepted so far. These wait for the next round; the run ends where nothing else is accepted either.
        return [Outcome(Verdict.RETRY, o.code) if o.verdict is Verdict.REFUSED else o for o in outcomes]

    def _call(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        entries = [self._entry(envelope) for envelope in envelopes]
        try:
            answer = self._client.send_bulk_email(**self._request, BulkEmailEntries=entries)
        except (aws.BotoCoreError, aws.ClientError, aws.HTTPClientError, ValueError, KeyError) as error:
            # ValueError, KeyError: a truncated or foreign 200 that botocore cannot read
            outcome = in_sandbox(of_exception(error), sandbox=self._sandbox)
            return [outcome] * len(envelopes)
        return [in_sandbox(o, sandbox=self._sandbox) for o in of_bulk_answer(answer, len(envelopes))]

    def close(self) -> None:
        """See :class:`~publisher.providers.transport.Transport`."""
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()

    def _entry(self, envelope: Envelope) -> dict[str, Any]:
        assert self._template is not None
        return {
            "Destination": {"ToAddresses": [envelope.address]},
            "ReplacementTags": tags(envelope),
            "ReplacementEmailContent": {
                "ReplacementTemplate": {"ReplacementTemplateData": self._template.data(envelope)}
            },
            "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": f"<{clean(envelope.unsubscribe_url)}>"}],
        }


def _refused(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.verdict is Verdict.REFUSED for outcome in outcomes)


def tags(envelope: Envelope) -> list[dict[str, str]]:
    """The opaque tags that come back with every event."""
    return [
        {"Name": "mailing", "Value": envelope.mailing},
        {"Name": "recipient", "Value": envelope.recipient},
        {"Name": "attempt", "Value": str(envelope.attempt)},
    ]


def in_sandbox(outcome: Outcome, *, sandbox: bool) -> Outcome:
    """The outcome, with the code that says why an address is not verified where that is the sandbox."""
    return Outcome(Verdict.STOP, "sandbox") if sandbox and outcome.code == "identity-not-verified" else outcome
