"""boto3 for feedback and suppressions: clients, and their failures as one line. Imported when first used (0.2 s)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from publisher.audience.suppressions import Reason
from publisher.errors import ServiceError
from publisher.providers.outcomes import in_words
from publisher.providers.provider import SuppressionList

Answer = TypeVar("Answer")


def client(service: str, region: str | None, *, read_seconds: float = 30.0, attempts: int = 3) -> Any:
    """A client from the usual chain of credentials, for calls that are harmless to repeat.

    ``attempts`` is how often AWS is asked in all, after growing pauses. Raises ServiceError without a region.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # The standard mode stops trying when many calls in a row were throttled: SES takes a list at one entry a second.
    retries = {"total_max_attempts": attempts, "mode": "legacy"}
    options = Config(connect_timeout=5, read_timeout=read_seconds, retries=retries)
    try:
        return boto3.client(service, region_name=region, config=options)
    except (BotoCoreError, ValueError) as error:
        raise ServiceError(
            f"no client for AWS {service}: {error}", help="set delivery.ses.region in config.yaml, or AWS_REGION"
        ) from error


def call(what_failed: str, function: Callable[[], Answer]) -> Answer:
    """``function()``, with botocore's exceptions turned into a ServiceError that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        return function()
    except ClientError as error:
        said = error.response.get("Error", {})
        code = str(said.get("Code", "")).rpartition(".")[2]
        words = in_words(code or "AWS refused", str(said.get("Message", "")))
        raise ServiceError(f"{what_failed}: {words}", help=_HELP.get(code)) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise ServiceError(f"{what_failed}: no AWS credentials", help="see boto3's chain of credentials") from error
    except BotoCoreError as error:
        raise ServiceError(f"{what_failed}: {type(error).__name__}", help="is the network up?") from error


_HELP = {
    "AccessDenied": "allow this action in the policy of the credentials in use",
    "AccessDeniedException": "allow this action in the policy of the credentials in use",
    "ExpiredToken": "renew the credentials",
    "InvalidClientTokenId": "the credentials are not valid here: check AWS_ACCESS_KEY_ID and the region",
    "QueueDoesNotExist": "check delivery.ses.events_queue and its region",
    "NonExistentQueue": "check delivery.ses.events_queue and its region",
}

PAGE = 1000
"""Entries a call of the suppression list: SES's own limit."""
_REASONS = {Reason.BOUNCE: "BOUNCE", Reason.COMPLAINT: "COMPLAINT"}


class SesSuppressionList(SuppressionList):
    """See :class:`~publisher.providers.provider.SuppressionList`. SES takes about one entry a second.

    https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html. SES mails nobody on it, charges for
    the try and counts it as a bounce; so whoever is there is better never mailed from here.
    """

    def __init__(self, region: str | None) -> None:
        self._ses = client("sesv2", region, attempts=8)

    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """Whom SES suppresses after a bounce or a complaint."""
        wanted: dict[str, Any] = {"Reasons": ["BOUNCE", "COMPLAINT"], "PageSize": PAGE}
        while True:
            read = partial(self._ses.list_suppressed_destinations, **wanted)
            answer = call("SES's suppression list cannot be read", read)
            found = answer.get("SuppressedDestinationSummaries", [])
            yield [(str(entry["EmailAddress"]), str(entry.get("Reason", ""))) for entry in found]
            if not answer.get("NextToken"):
                return
            wanted["NextToken"] = answer["NextToken"]

    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Put them on the list, one after another."""
        found = list(entries)
        for address, reason in found:
            put = partial(self._ses.put_suppressed_destination, EmailAddress=address, Reason=_REASONS[reason])
            call("SES's suppression list cannot be written", put)
        return len(found)
