"""The SES client, and what ``GetAccount`` says. boto3 may never retry: its retries sent twice in every trial."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.exceptions as aws
from botocore.config import Config as ClientConfig

from publisher.config.model import SesTransport
from publisher.errors import TransportError
from publisher.mail.message import Composed
from publisher.providers.outcomes import Verdict, in_words
from publisher.providers.ses import TABLE
from publisher.providers.ses.outcomes import of_exception
from publisher.providers.transport import Quota

CONNECT_SECONDS = 10
READ_SECONDS = 30
MOST_HEADERS = 15  # SES: custom headers of a message
LONGEST_HEADER = 995  # SES: characters of one, name and value


def make_client(config: SesTransport, parallel: int) -> Any:
    """A client for threads to share. ``AWS_ENDPOINT_URL_SESV2`` and the usual chain of credentials work.

    Raises TransportError where no region is known or the region cannot be one.
    """
    settings = ClientConfig(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=parallel + 1,
        parameter_validation=False,  # our own call, checked in the tests; a third of the CPU time
        tcp_keepalive=True,
    )
    try:
        return boto3.Session().client("sesv2", region_name=config.region, config=settings)
    except aws.BotoCoreError as error:
        raise unusable(error, config) from error


def read_quota(client: Any, config: SesTransport) -> Quota:
    """What the account allows just now. Raises TransportError."""
    try:
        answer = client.get_account()
    except (aws.BotoCoreError, aws.ClientError) as error:
        raise unusable(error, config) from error
    quota = answer.get("SendQuota", {})
    # -1 is SES's word for "no limit"
    rate = float(quota.get("MaxSendRate", -1))
    daily, sent = float(quota.get("Max24HourSend", -1)), float(quota.get("SentLast24Hours", 0))
    sandbox = answer.get("ProductionAccessEnabled") is False
    return Quota(
        rate if rate > 0 else None,
        int(max(0.0, daily - sent)) if daily >= 0 else None,
        "the SES account is in the sandbox: only verified addresses get mail" if sandbox else "",
        paused=answer.get("SendingEnabled") is False and answer.get("EnforcementStatus") != "SHUTDOWN",
        shutdown=answer.get("EnforcementStatus") == "SHUTDOWN",
        sandbox=sandbox,
    )


def unusable(error: Exception, config: SesTransport) -> TransportError:
    """The one line for an account that cannot be asked."""
    where = config.region or "the configured region"
    said = error.response.get("Error", {}) if isinstance(error, aws.ClientError) else {}
    code = said.get("Code", "")
    for name in (type(error).__name__, code):
        if explained := TABLE.explanations.get(name):
            means, action = explained
            return TransportError(f"SES in {where}: {means}", help=action)
    outcome = of_exception(error)
    if outcome.verdict is Verdict.THROTTLED:
        return TransportError("SES throttles GetAccount", help="run the command again in a minute")
    words = in_words(code or outcome.code, said.get("Message", ""))
    return TransportError(f"SES in {where} cannot be used: {words}", help="see the SES console in that region")


def check_headers(composed: Composed) -> None:
    """Raise TransportError where SES would refuse the headers."""
    headers = [*composed.headers, ("List-Unsubscribe", "")]
    if len(headers) > MOST_HEADERS:
        raise TransportError(f"SES takes {MOST_HEADERS} headers of our own, and there are {len(headers)}")
    for name, value in headers:
        if len(name) + len(value) + 2 > LONGEST_HEADER or not (value.isascii() and value.isprintable()):
            raise TransportError(f"SES refuses the header {name}", help="shorten what it is made from in config.yaml")
