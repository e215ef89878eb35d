"""A loop over ``SendBulkEmail`` with boto3 and threads only, as somebody without publisher would write it.

It sends what the sender sends: no ledger, no pace, no stored outcomes, no validation of addresses. What
is the same for all is made before the clock starts. boto3 checks no parameters here, and has a connection a thread.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config as ClientConfig

from publisher.audience.tokens import Purpose, Tokens
from publisher.config.model import Config
from publisher.mail.message import MailContent, compose
from publisher.providers.ses.template import template_of

MOST, PARALLEL = 50, 16
MAILING = "0a1b2c3d"


def send_bulk(config: Config, letter: MailContent, people: int) -> dict[str, float]:
    """Mail ``letter`` to ``reader0@example.com`` and so on; how many were accepted, and what it took."""
    retries, composed = {"total_max_attempts": 1, "mode": "standard"}, compose(config, letter)
    settings = ClientConfig(retries=retries, max_pool_connections=PARALLEL + 1, parameter_validation=False)
    client: Any = boto3.Session().client("sesv2", region_name=config.delivery.ses.region, config=settings)
    tokens = Tokens.open(config)
    template = {
        "TemplateContent": dict(template_of(letter, letter.subject).content),
        "TemplateData": "{}",
        "Headers": [{"Name": name, "Value": value} for name, value in composed.headers],
    }
    same = {
        "FromEmailAddress": composed.sender.replace("\r\n ", " "),
        "ReplyToAddresses": [composed.reply_to],
        "ConfigurationSetName": config.delivery.ses.configuration_set,
        "DefaultContent": {"Template": template},
    }

    def entry(number: int) -> dict[str, Any]:
        leave = tokens.url(Purpose.UNSUBSCRIBE, f"{number:024x}", MAILING)
        prefer = tokens.url(Purpose.PREFERENCES, f"{number:024x}", MAILING)
        data = json.dumps({"hu": leave, "tu": leave, "hp": prefer, "tp": prefer})
        tags = {"mailing": MAILING, "recipient": f"{MAILING}-{number + 1}", "attempt": "1"}
        return {
            "Destination": {"ToAddresses": [f"reader{number}@example.com"]},
            "ReplacementTags": [{"Name": name, "Value": value} for name, value in tags.items()],
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data}},
            "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": f"<{leave}>"}],
        }

    def one(start: int) -> int:
        entries = [entry(number) for number in range(start, min(start + MOST, people))]
        results = client.send_bulk_email(**same, BulkEmailEntries=entries)["BulkEmailEntryResults"]
        return sum(result["Status"] == "SUCCESS" for result in results)

    began, processor = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(PARALLEL) as pool:
        sent = sum(pool.map(one, range(0, people, MOST)))
    return {"sent": sent, "seconds": time.monotonic() - began, "processor": time.process_time() - processor}
