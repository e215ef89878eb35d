"""The readers' service as an AWS Lambda function, behind a function URL or an API gateway: ``lambda_handler.handler``.

Needs ``pip install 'newsletter-publisher[lambda,postgres]'``, the newsletter's config.yaml and templates beside this
file (or at PUBLISHER_ROOT), and two variables: PUBLISHER_DATABASE_URL (PostgreSQL: a function has no disk that lasts)
and PUBLISHER_SECRET_KEYS (the same keys as where issues are sent from).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mangum import Mangum

from publisher.config import load_config
from publisher.errors import UsageError
from publisher.web.app import create_app
from publisher.web.service import Service

for _name in ("PUBLISHER_DATABASE_URL", "PUBLISHER_SECRET_KEYS"):
    if not os.environ.get(_name):
        raise UsageError(f"{_name} is not set", help="a Lambda function keeps neither database nor key: set both")

_service = Service.open(load_config(Path(os.environ.get("PUBLISHER_ROOT", Path(__file__).parent))))

POST_SECONDS = 20.0
"""With one call to SES under way, this stays below the function's time-out of a minute."""

# One service for the life of the environment: without a lifespan, it is not closed after each call.
_answer = Mangum(create_app(_service), lifespan="off")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; or, as the schedule of service.yaml asks each minute, send the confirmation mail that waits.

    A request cannot be such an event: what a client sends stands inside of it. What fails here fails loudly, so that
    the alarm rings although no reader came by.
    """
    if event.get("publisher") == "post":
        _service.postman.deliver(POST_SECONDS)
        return {}
    answer: dict[str, Any] = _answer(event, context)
    return answer
