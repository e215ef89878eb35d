"""Postmark's webhook. Postmark signs nothing: whoever knows user and password is believed.

https://postmarkapp.com/developer/webhooks/webhooks-overview#protecting-your-webhook
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from publisher.errors import UsageError
from publisher.providers import read_events
from publisher.providers.events import EventError, unreadable
from publisher.providers.provider import Notice, WebhookRefusedError


class PostmarkWebhook:
    """``/webhooks/postmark`` with basic authentication (RFC 7617); ``secret`` is ``user:password``."""

    name = "postmark"
    limit = 1_000_000

    def __init__(self, secret: str) -> None:
        user, colon, password = secret.partition(":")
        if not (user and colon and password):
            raise UsageError(
                "PUBLISHER_POSTMARK_WEBHOOK has to be user:password",
                help="set it to those that the webhook's URL has in Postmark's console",
            )
        self._secret = secret.encode()

    def believe(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """See :class:`~publisher.providers.provider.Webhook`. A repeat changes nothing, so that no id is needed."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        try:
            told = base64.b64decode(given.strip(), validate=True) if scheme.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            told = b""
        if not hmac.compare_digest(told, self._secret):
            raise WebhookRefusedError(401, "user and password are not those of PUBLISHER_POSTMARK_WEBHOOK")
        text = body.decode("utf-8", "replace")
        try:
            return Notice(read_events(text))
        except EventError as error:
            return Notice((unreadable(text),), fault=str(error))
