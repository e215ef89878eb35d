"""Amazon SQS: take events from a queue, and delete them there only after our own commit.

A message that is received and not deleted comes back after its visibility time-out, so a process that dies at any
moment loses nothing; what it had committed is recognised when it comes again. The queue's own policy says who may
write to it, so what lies in it is believed, raw or wrapped by SNS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from publisher.errors import ServiceError
from publisher.providers.ses.aws import call, client

VISIBLE_AGAIN = 120
"""Seconds in which a batch has to be committed before another puller may get it."""
BATCH = 10
"""Messages a call: SQS's own limit."""
CALLS, PARALLEL = 20, 8
"""While the queue is full: calls for one commit, and how many of them at once."""
_QUEUE = re.compile(r"https?://(?:sqs[.-])?([a-z]{2}(?:-[a-z]+)+-\d{1,2})\.")


QueueMessage = Mapping[str, str]
"""A message as SQS gives it: ``Body``, and the ``ReceiptHandle`` that deletes it."""


class Queue:
    """A queue of events. All methods raise ServiceError."""

    def __init__(self, url: str, *, region: str | None = None) -> None:
        named = _QUEUE.match(url)
        self._url = url
        self._sqs: Any = client("sqs", region or (named[1] if named else None))

    def receive(self, wait: int) -> list[QueueMessage]:
        """Up to ten messages; waits as long as ``wait`` seconds (at most 20) for the first."""
        answer = call(
            "the queue of events cannot be read",
            lambda: self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=wait,
                VisibilityTimeout=VISIBLE_AGAIN,
            ),
        )
        return list(answer.get("Messages", ()))

    def delete(self, letters: Sequence[QueueMessage]) -> int:
        """Delete them; returns how many SQS would not delete: they come again, and are recognised then."""
        entries = [{"Id": str(i), "ReceiptHandle": letter["ReceiptHandle"]} for i, letter in enumerate(letters)]
        answer = call(
            "events were taken in but not deleted from the queue",
            lambda: self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries),
        )
        return len(answer.get("Failed", []))


def pull(queue: Queue, take_in: Callable[[Sequence[str]], None], *, follow: bool = False) -> Iterator[int]:
    """Take in batch after batch until the queue is empty, or, with ``follow``, for ever.

    ``take_in`` commits the bodies it is given, or raises, and then they stay in the queue. Yields the number of
    messages of each batch, 0 where a wait brought none.
    """
    stuck = 0
    with ThreadPoolExecutor(PARALLEL, "sqs") as pool:
        while True:
            letters = queue.receive(20 if follow else 2)
            if len(letters) == BATCH:  # there is more: one commit for many calls, which wait for each other's latency
                letters += [letter for more in pool.map(queue.receive, [0] * (CALLS - 1)) for letter in more]
            if letters:
                take_in([letter["Body"] for letter in letters])
                batches = [letters[i : i + BATCH] for i in range(0, len(letters), BATCH)]
                stuck = stuck + 1 if sum(pool.map(queue.delete, batches)) == len(letters) else 0
                if stuck > 5:
                    raise ServiceError(
                        "SQS deletes none of the events that were taken in", help="allow sqs:DeleteMessage on the queue"
                    )
            yield len(letters)
            if not letters and not follow:
                return
