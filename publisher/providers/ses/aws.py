"""boto3 clients for feedback and suppressions, with errors as one line. boto3 is imported on first use (0.2 s)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from publisher.audience.suppressions import Reason
from publisher.diagnostics import say
from publisher.errors import ServiceError
from publisher.providers.outcomes import in_words
from publisher.providers.provider import SuppressionList

Answer = TypeVar("Answer")


def client(service: str, region: str | None, *, read_seconds: float = 30.0, attempts: int = 3) -> Any:
    """Return a client with boto3's usual credential chain, for calls that are safe to repeat.

    ``attempts`` is the total number of tries, with growing pauses. Raises ServiceError if there is no region.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # "standard" mode stops retrying after many throttled calls in a row; SES takes one list entry per second.
    retries = {"total_max_attempts": attempts, "mode": "legacy"}
    options = Config(connect_timeout=5, read_timeout=read_seconds, retries=retries)
    try:
        return boto3.client(service, region_name=region, config=options)
    except (BotoCoreError, ValueError) as error:
        message = say("no client for AWS {service}: {error}", service=service, error=error)
        raise ServiceError(message, help=say("set delivery.ses.region in config.yaml, or AWS_REGION")) from error


def call(what_failed: str, function: Callable[[], Answer]) -> Answer:
    """Return ``function()``; botocore's exceptions become a ServiceError that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        return function()
    except ClientError as error:
        said = error.response.get("Error", {})
        code = str(said.get("Code", "")).rpartition(".")[2]
        words = in_words(code or say("AWS refused"), str(said.get("Message", "")))
        raise ServiceError(say("{what}: {reason}", what=what_failed, reason=words), help=_HELP.get(code)) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        advice = say("see boto3's chain of credentials")
        raise ServiceError(say("{what}: no AWS credentials", what=what_failed), help=advice) from error
    except BotoCoreError as error:
        message = say("{what}: {reason}", what=what_failed, reason=type(error).__name__)
        raise ServiceError(message, help=say("is the network up?")) from error


_INVALID = say("the credentials are not valid here: check AWS_ACCESS_KEY_ID and the region")
_ALLOW = say("allow this action in the policy of the credentials in use")
_HELP = {  # the codes differ between SES's API (JSON) and those of SQS and STS (query)
    **dict.fromkeys(("AccessDenied", "AccessDeniedException"), _ALLOW),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException"), say("renew the credentials")),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException"), _INVALID),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException"), _INVALID),
    **dict.fromkeys(("QueueDoesNotExist", "NonExistentQueue"), say("check delivery.ses.events_queue and its region")),
}

PAGE = 1000
"""Entries per call of the suppression list: SES's limit."""
_REASONS = {Reason.BOUNCE: "BOUNCE", Reason.COMPLAINT: "COMPLAINT"}


class SesSuppressionList(SuppressionList):
    """See :class:`~publisher.providers.provider.SuppressionList`. SES takes about one entry per second.

    https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html. SES does not mail the listed
    addresses, but charges for each attempt and counts it as a bounce, so they should not be mailed from here.
    """

    def __init__(self, region: str | None) -> None:
        self._ses = client("sesv2", region, attempts=8)

    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """Yield pages of the addresses that SES suppresses after a bounce or a complaint."""
        wanted: dict[str, Any] = {"Reasons": ["BOUNCE", "COMPLAINT"], "PageSize": PAGE}
        while True:
            read = partial(self._ses.list_suppressed_destinations, **wanted)
            answer = call(say("SES's suppression list cannot be read"), read)
            found = answer.get("SuppressedDestinationSummaries", [])
            yield [(str(entry["EmailAddress"]), str(entry.get("Reason", ""))) for entry in found]
            if not answer.get("NextToken"):
                return
            wanted["NextToken"] = answer["NextToken"]

    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Add addresses one by one."""
        found = list(entries)
        for address, reason in found:
            put = partial(self._ses.put_suppressed_destination, EmailAddress=address, Reason=_REASONS[reason])
            call(say("SES's suppression list cannot be written"), put)
        return len(found)


VISIBLE_AGAIN = 120
"""Seconds within which a batch must be committed before another process may receive it."""
BATCH = 10
"""Messages per call: SQS's limit."""
CALLS, PARALLEL = 20, 8
"""While the queue is full: receive calls per commit, and how many of them run concurrently."""
_QUEUE = re.compile(r"https?://(?:sqs[.-])?([a-z]{2}(?:-[a-z]+)+-\d{1,2})\.")

QueueMessage = Mapping[str, str]
"""SQS message: ``Body``, and the ``ReceiptHandle`` that deletes it."""


class Queue:
    """SQS queue of events. All methods raise ServiceError."""

    def __init__(self, url: str, *, region: str | None = None) -> None:
        named = _QUEUE.match(url)
        self._url = url
        self._sqs: Any = client("sqs", region or (named[1] if named else None))

    def receive(self, wait: int) -> list[QueueMessage]:
        """Return up to ten messages; wait up to ``wait`` seconds (at most 20) for the first."""
        limits = {"MaxNumberOfMessages": BATCH, "WaitTimeSeconds": wait, "VisibilityTimeout": VISIBLE_AGAIN}
        read = partial(self._sqs.receive_message, QueueUrl=self._url, **limits)
        return list(call(say("the queue of events cannot be read"), read).get("Messages", ()))

    def delete(self, letters: Sequence[QueueMessage]) -> int:
        """Delete messages. Return how many SQS did not delete: they come again and are then recognised as repeats."""
        entries = [{"Id": str(i), "ReceiptHandle": letter["ReceiptHandle"]} for i, letter in enumerate(letters)]
        delete = partial(self._sqs.delete_message_batch, QueueUrl=self._url, Entries=entries)
        return len(call(say("events were taken in but not deleted from the queue"), delete).get("Failed", []))


def pull(queue: Queue, take_in: Callable[[Sequence[str]], None], *, follow: bool = False) -> Iterator[int]:
    """Apply batch after batch until the queue is empty, or endlessly with ``follow``.

    ``take_in`` commits the given bodies; if it raises, they stay in the queue. Yields the number of messages in
    each batch, 0 if none arrived within the wait.
    """
    stuck = 0
    with ThreadPoolExecutor(PARALLEL, "sqs") as pool:
        while True:
            letters = queue.receive(20 if follow else 2)
            if len(letters) == BATCH:  # more are waiting: concurrent calls for one commit, to hide latency
                letters += [letter for more in pool.map(queue.receive, [0] * (CALLS - 1)) for letter in more]
            if letters:
                take_in([letter["Body"] for letter in letters])
                batches = [letters[i : i + BATCH] for i in range(0, len(letters), BATCH)]
                stuck = stuck + 1 if sum(pool.map(queue.delete, batches)) == len(letters) else 0
                if stuck > 5:
                    message = say("SQS deletes none of the events that were taken in")
                    raise ServiceError(message, help=say("allow sqs:DeleteMessage on the queue"))
            yield len(letters)
            if not letters and not follow:
                return
