"""Postmark: the token, the message stream, the sender, the webhook.

From the API's pages "Server", "Message streams", "Domains", "Sender signatures" and "Webhooks".
"""

import os
from contextlib import closing
from typing import Any

from publisher.config.model import Config
from publisher.providers.postmark.transport import ACCOUNT_TOKEN, OWN_UNSUBSCRIBE, ask, make_client, stream_path
from publisher.providers.provider import PATIENCE, Finding, fault, ok, skipped, warning


def token(_config: Config) -> Finding:
    """Is the token valid, and does its server mail anybody?"""
    server = _get("/server", "the server cannot be asked")
    if server.get("DeliveryType") == "Sandbox":
        return fault("the token is a sandbox server's: nobody gets mail", "use a live server's token")
    return ok(f"the token is that of the server {server.get('Name', '')}")


def stream(config: Config) -> Finding:
    """Is there such a stream, for broadcasts, with our own unsubscribe link?"""
    name = config.delivery.postmark.stream
    found = _get(stream_path(name), f"the message stream {name}")
    kind = found.get("MessageStreamType")
    if found.get("ArchivedAt"):
        return fault(f"the message stream {name} is archived", "restore it, or name another")
    if kind != "Broadcasts":
        message = f"the message stream {name} is of type {kind}; Postmark wants newsletters in one of type Broadcasts"
        return fault(message, "set delivery.postmark.stream to a broadcast stream")
    handling = (found.get("SubscriptionManagementConfiguration") or {}).get("UnsubscribeHandlingType")
    if handling != "Custom":
        action = "ask Postmark's support to let you manage unsubscribes on your own, then choose so in the stream"
        return warning(OWN_UNSUBSCRIBE, action)
    return ok(f"{name} takes broadcasts, with our own unsubscribe link")


def identity(config: Config) -> Finding:
    """Is the sender's domain, or its address, confirmed? Only the account's token may ask."""
    if not (account := os.environ.get(ACCOUNT_TOKEN)):
        return skipped(f"Postmark tells senders to {ACCOUNT_TOKEN} only, and it is not set")
    headers = {"X-Postmark-Account-Token": account}
    everything = {"count": 500, "offset": 0}
    domain, address = config.newsletter.domain, config.newsletter.sender[1].lower()
    for found in _get("/domains", "the domains", headers=headers, params=everything).get("Domains", ()):
        if str(found.get("Name", "")).lower() == domain:
            if found.get("DKIMVerified"):
                return ok(f"messages are signed as {domain}")
            return fault(f"DKIM of {domain} is not verified", "publish the records Postmark shows for it")
    for found in _get("/senders", "the senders", headers=headers, params=everything).get("SenderSignatures", ()):
        if str(found.get("EmailAddress", "")).lower() == address and found.get("Confirmed"):
            return warning("the sender's address is confirmed, its domain is not", "add the domain as well")
    return fault(f"Postmark knows neither {domain} nor the address of newsletter.from", "add the domain")


def events(config: Config) -> Finding:
    """Do bounces and complaints come back to us?"""
    name = config.delivery.postmark.stream
    if not os.environ.get("PUBLISHER_POSTMARK_WEBHOOK"):
        action = "set PUBLISHER_POSTMARK_WEBHOOK=user:password where publisher serve runs"
        return warning("nothing here takes in Postmark's events", action)
    found = _get("/webhooks", "the webhooks", params={"MessageStream": name}).get("Webhooks", ())
    ours = [hook for hook in found if str(hook.get("Url", "")).rstrip("/").endswith("/webhooks/postmark")]
    action = (
        f"add {config.service.url or 'https://…/'}webhooks/postmark to the stream, for all kinds but Open and Click"
    )
    if not ours:
        return fault(f"the stream {name} has no webhook of ours", action)
    on = {kind for hook in ours for kind, how in (hook.get("Triggers") or {}).items() if how.get("Enabled")}
    if missing := {"Bounce", "SpamComplaint"} - on:
        return fault(f"the webhook tells of no {' and no '.join(sorted(missing))}", action)
    if missing := {"Delivery", "SubscriptionChange"} - on:
        return warning(f"the webhook tells of no {' and no '.join(sorted(missing))}", action)
    return ok("bounces, complaints and deliveries come back")


def _get(path: str, what: str, **more: Any) -> dict[str, Any]:
    with closing(make_client(seconds=PATIENCE)) as client:
        answer: dict[str, Any] = ask(client, "GET", path, what, **more)
    return answer


QUESTIONS = (token, stream, identity, events)
