"""A fake transport, for the tests of a newsletter or of a tool around it, and for our own."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from publisher.errors import TransportError
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict, submitted
from publisher.providers.provider import Quota


def accept(_envelope: Envelope) -> Verdict:
    """The default answer: every message is accepted."""
    return Verdict.SUBMITTED


class FakeTransport:
    """A :class:`~publisher.providers.provider.Transport` that keeps messages in memory.

    ``answer`` returns a verdict or an outcome for an envelope; its exceptions pass through ``submit``, as from a
    defective transport. ``seen`` lists all envelopes that were submitted, in order; ``accepted`` the accepted messages,
    as bytes.
    """

    name = account = "fake"

    def __init__(
        self,
        answer: Callable[[Envelope], Verdict | Outcome] = accept,
        *,
        most: int = 50,
        parallel: int = 1,
        quota: Quota | None = None,
    ) -> None:
        self.most, self.parallel = most, parallel
        self.seen: list[Envelope] = []
        self.accepted: list[bytes] = []
        self._answer, self._quota = answer, quota or Quota()
        self._composed: Composed | None = None

    @property
    def messages(self) -> list[EmailMessage]:
        """The accepted messages, parsed."""
        return [message_from_bytes(content, policy=default) for content in self.accepted]

    def open(self, composed: Composed) -> Quota:
        """See :class:`~publisher.providers.provider.Transport`."""
        self._composed = composed
        return self._quota

    def quota(self) -> Quota:
        """The quota passed to the constructor."""
        return self._quota

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Get the answer to each envelope; keep the messages that are accepted."""
        return [self._submit(envelope) for envelope in envelopes]

    def close(self) -> None:
        """Do nothing."""

    def _submit(self, envelope: Envelope) -> Outcome:
        assert self._composed is not None, "open the transport first"
        self.seen.append(envelope)
        answer = self._answer(envelope)
        outcome = answer if isinstance(answer, Outcome) else Outcome(answer, f"fake-{answer.value}")
        if outcome.verdict is not Verdict.SUBMITTED:
            return outcome
        try:
            self.accepted.append(self._composed.message(envelope, datetime.now(UTC)))
        except TransportError:
            return Outcome(Verdict.REJECTED, "unusable-address")
        return submitted(outcome.message_id or f"fake-{len(self.accepted)}")
