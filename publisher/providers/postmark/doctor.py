"""Postmark: the token, the message stream, the sender, the webhook.

From the API's pages "Server", "Message streams", "Domains", "Sender signatures" and "Webhooks".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Any

from publisher.config.model import Config
from publisher.providers.findings import PATIENCE, Finding, fault, ok, skipped, warning
from publisher.providers.postmark.api import ACCOUNT_TOKEN, ask, make_client, stream_path
from publisher.providers.postmark.transport import OWN_UNSUBSCRIBE


def token(_config: Config) -> Finding:
    """Is the token valid, and does its server mail anybody?"""
    server = _get("/server", "the server cannot be asked")
    if server.get("DeliveryType") == "Sandbox":
        return fault("token", "the token is a sandbox server's: nobody gets mail", "use a live server's token")
    return ok("token", f"the token is that of the server {server.get('Name', '')}")


def stream(config: Config) -> Finding:
    """Is there such a stream, for broadcasts, with our own unsubscribe link?"""
    name = config.delivery.postmark.stream
    found = _get(stream_path(name), f"the message stream {name}")
    kind = found.get("MessageStreamType")
    if found.get("ArchivedAt"):
        return fault("stream", f"the message stream {name} is archived", "restore it, or name another")
    if kind != "Broadcasts":
        message = f"the message stream {name} is of type {kind}; Postmark wants newsletters in one of type Broadcasts"
        return fault("stream", message, "set delivery.postmark.stream to a broadcast stream")
    handling = (found.get("SubscriptionManagementConfiguration") or {}).get("UnsubscribeHandlingType")
    if handling != "Custom":
        action = "ask Postmark's support to let you manage unsubscribes on your own, then choose so in the stream"
        return warning("stream", OWN_UNSUBSCRIBE, action)
    return ok("stream", f"{name} takes broadcasts, with our own unsubscribe link")


def identity(config: Config) -> Finding:
    """Is the sender's domain, or its address, confirmed? Only the account's token may ask."""
    if not (account := os.environ.get(ACCOUNT_TOKEN)):
        return skipped("identity", f"Postmark tells senders to {ACCOUNT_TOKEN} only, and it is not set")
    headers = {"X-Postmark-Account-Token": account}
    everything = {"count": 500, "offset": 0}
    domain, address = config.newsletter.domain, config.newsletter.sender[1].lower()
    for found in _get("/domains", "the domains", headers=headers, params=everything).get("Domains", ()):
        if str(found.get("Name", "")).lower() == domain:
            if found.get("DKIMVerified"):
                return ok("identity", f"messages are signed as {domain}")
            return fault("identity", f"DKIM of {domain} is not verified", "publish the records Postmark shows for it")
    for found in _get("/senders", "the senders", headers=headers, params=everything).get("SenderSignatures", ()):
        if str(found.get("EmailAddress", "")).lower() == address and found.get("Confirmed"):
            return warning("identity", "the sender's address is confirmed, its domain is not", "add the domain as well")
    return fault("identity", f"Postmark knows neither {domain} nor the address of newsletter.from", "add the domain")


def events(config: Config) -> Finding:
    """Do bounces and complaints come back to us?"""
    name = config.delivery.postmark.stream
    if not os.environ.get("PUBLISHER_POSTMARK_WEBHOOK"):
        action = "set PUBLISHER_POSTMARK_WEBHOOK=user:password where publisher serve runs"
        return warning("events", "nothing here takes in Postmark's events", action)
    found = _get("/webhooks", "the webhooks", params={"MessageStream": name}).get("Webhooks", ())
    ours = [hook for hook in found if str(hook.get("Url", "")).rstrip("/").endswith("/webhooks/postmark")]
    action = (
        f"add {config.service.url or 'https://…/'}webhooks/postmark to the stream, for all kinds but Open and Click"
    )
    if not ours:
        return fault("events", f"the stream {name} has no webhook of ours", action)
    on = {kind for hook in ours for kind, how in (hook.get("Triggers") or {}).items() if how.get("Enabled")}
    if missing := {"Bounce", "SpamComplaint"} - on:
        return fault("events", f"the webhook tells of no {' and no '.join(sorted(missing))}", action)
    if missing := {"Delivery", "SubscriptionChange"} - on:
        return warning("events", f"the webhook tells of no {' and no '.join(sorted(missing))}", action)
    return ok("events", "bounces, complaints and deliveries come back")


def questions(config: Config) -> Mapping[str, Callable[[], Finding]]:
    """By name."""
    return {question.__name__: partial(question, config) for question in (token, stream, identity, events)}


def _get(path: str, what: str, **more: Any) -> dict[str, Any]:
    with closing(make_client(seconds=PATIENCE)) as client:
        answer: dict[str, Any] = ask(client, "GET", path, what, **more)
    return answer
