"""``/webhooks/sns`` of the real service on a loopback port."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa

from publisher.audience.suppressions import all_suppressions
from publisher.config.model import Config
from publisher.providers.ses import sns as sns_module
from publisher.providers.ses.sns import Certificates
from publisher.web.app import create_app
from publisher.web.service import Service
from tests.feedback import shapes
from tests.feedback.test_sns import ARN, Sns
from tests.web.conftest import hook

__all__ = ["hook"]

ANN = "ann@example.com"


@pytest.fixture
def sns() -> Sns:
    return Sns(rsa.generate_private_key(public_exponent=65537, key_size=2048), [])


@pytest.fixture
def service(
    tmp_path: Path, sns: Sns, hook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Service, httpx.Client]]:
    made = Certificates(sns.fetch)
    monkeypatch.setattr(sns_module, "Certificates", lambda: made)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    newsletter = {"name": "Weekly", "url": "https://news.example.com/", "from": "W <w@news.example.com>"}
    alarmed, _ = hook
    values = {"newsletter": newsletter, "service": {"url": url, "sns_topics": [ARN]}, "alerts": {"webhook": alarmed}}
    config = Config.model_validate(values)
    opened = Service.open(config.model_copy(update={"root": tmp_path}))
    server = uvicorn.Server(uvicorn.Config(create_app(opened), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    with httpx.Client(base_url=url, timeout=20) as client:
        yield opened, client
    server.should_exit = True
    thread.join()


def suppressed(service: Service) -> list[str]:
    with service.database.connect() as connection:
        return [found.mailbox_key for found in all_suppressions(connection)]


def test_only_what_sns_signed_is_taken_in(service: tuple[Service, httpx.Client], sns: Sns) -> None:
    opened, client = service
    stamp = datetime.now(UTC).isoformat()
    bounce = shapes.notification("Bounce", shapes.mail("m"), shapes.bounce(ANN))
    message = sns.message(Message=bounce, Timestamp=stamp)
    # SNS posts JSON as text/plain
    post = {"headers": {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"}}
    forged = json.dumps(message | {"Message": bounce.replace(ANN, "ben@example.org")})
    elsewhere = json.dumps(sns.message(Timestamp=stamp, SigningCertURL="https://evil.example/x.pem"))
    for body, status in ((forged, 403), (elsewhere, 403), ("{}", 400), (bounce, 400)):
        answer = client.post("webhooks/sns", content=body, **post)
        assert (answer.status_code, "@" in answer.text) == (status, False)
    with contextlib.suppress(httpx.TransportError):  # the answer may come before all of the body was written
        assert client.post("webhooks/sns", content=json.dumps(message) + " " * 2_000_000, **post).status_code == 413
    assert suppressed(opened) == []
    for _ in range(2):
        assert client.post("webhooks/sns", content=json.dumps(message), **post).status_code == 200
    assert suppressed(opened) == [ANN]
    assert client.get("webhooks/sns").status_code == 405


def test_a_content_fault_is_reported_to_the_alarms_webhook_once(
    service: tuple[Service, httpx.Client], sns: Sns, hook: tuple[str, list[dict[str, Any]]]
) -> None:
    _, client = service
    _, heard = hook
    for number in range(3):
        body = shapes.notification(
            "Bounce", shapes.mail(f"m{number}"), shapes.bounce(ANN, type="Transient", subtype="ContentRejected")
        )
        message = sns.message(Message=body, MessageId=f"id-{number}", Timestamp=datetime.now(UTC).isoformat())
        assert client.post("webhooks/sns", content=json.dumps(message)).status_code == 200
    for _ in range(100):
        if heard:
            break
        time.sleep(0.05)
    assert [[trip["name"] for trip in told["tripwires"]] for told in heard] == [["content-refused"]]
    assert "@" not in json.dumps(heard)
