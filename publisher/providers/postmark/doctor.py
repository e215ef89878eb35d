"""Checks of Postmark: token, message stream, sender, webhook.

See the API's pages "Server", "Message streams", "Domains", "Sender signatures" and "Webhooks".
"""

import os
from contextlib import closing
from typing import Any

from publisher.config.model import Config
from publisher.diagnostics import listed, say
from publisher.providers.postmark.transport import ACCOUNT_TOKEN, OWN_UNSUBSCRIBE, ask, make_client, stream_path
from publisher.providers.provider import PATIENCE, Finding, fault, ok, skipped, warning


def token(_config: Config) -> Finding:
    """Check that the token is valid and that its server is not a sandbox."""
    server = _get("/server", say("the server cannot be asked"))
    if server.get("DeliveryType") == "Sandbox":
        return fault(say("the token is a sandbox server's: nobody gets mail"), say("use a live server's token"))
    return ok(say("the token is that of the server {name}", name=server.get("Name", "")))


def stream(config: Config) -> Finding:
    """Check that the stream exists, is for broadcasts, and leaves the unsubscribe link to us."""
    name = config.delivery.postmark.stream
    found = _get(stream_path(name), say("the message stream {name}", name=name))
    kind = found.get("MessageStreamType")
    if found.get("ArchivedAt"):
        return fault(say("the message stream {name} is archived", name=name), say("restore it, or name another"))
    if kind != "Broadcasts":
        told = say("the message stream {name} is of type {kind}", name=name, kind=kind)
        message = say("{told}; Postmark wants newsletters in one of type Broadcasts", told=told)
        return fault(message, say("set delivery.postmark.stream to a broadcast stream"))
    handling = (found.get("SubscriptionManagementConfiguration") or {}).get("UnsubscribeHandlingType")
    if handling != "Custom":
        action = say("ask Postmark's support to let you manage unsubscribes on your own, then choose so in the stream")
        return warning(OWN_UNSUBSCRIBE, action)
    return ok(say("{name} takes broadcasts, with our own unsubscribe link", name=name))


def identity(config: Config) -> Finding:
    """Check that the sender's domain or address is confirmed. Skipped without the account's token."""
    if not (account := os.environ.get(ACCOUNT_TOKEN)):
        return skipped(say("Postmark lists senders only with {name}, and it is not set", name=ACCOUNT_TOKEN))
    headers = {"X-Postmark-Account-Token": account}
    everything = {"count": 500, "offset": 0}
    domain, address = config.newsletter.domain, config.newsletter.sender[1].lower()
    for found in _get("/domains", say("the domains"), headers=headers, params=everything).get("Domains", ()):
        if str(found.get("Name", "")).lower() == domain:
            if found.get("DKIMVerified"):
                return ok(say("messages are signed as {domain}", domain=domain))
            advice = say("publish the records Postmark shows for it")
            return fault(say("DKIM of {domain} is not verified", domain=domain), advice)
    for found in _get("/senders", say("the senders"), headers=headers, params=everything).get("SenderSignatures", ()):
        if str(found.get("EmailAddress", "")).lower() == address and found.get("Confirmed"):
            return warning(say("the sender's address is confirmed, its domain is not"), say("add the domain as well"))
    advice = say("add the domain")
    return fault(say("Postmark knows neither {domain} nor the address of newsletter.from", domain=domain), advice)


def events(config: Config) -> Finding:
    """Check that the stream has a webhook that reports bounces and complaints to us."""
    name = config.delivery.postmark.stream
    if not os.environ.get("PUBLISHER_POSTMARK_WEBHOOK"):
        action = say("set PUBLISHER_POSTMARK_WEBHOOK=user:password where publisher serve runs")
        return warning(say("nothing here takes in Postmark's events"), action)
    found = _get("/webhooks", say("the webhooks"), params={"MessageStream": name}).get("Webhooks", ())
    ours = [hook for hook in found if str(hook.get("Url", "")).rstrip("/").endswith("/webhooks/postmark")]
    url = config.service.url or "https://…/"
    action = say("add {url}webhooks/postmark to the stream, for all kinds but Open and Click", url=url)
    if not ours:
        return fault(say("the stream {name} has no webhook of ours", name=name), action)
    on = {kind for hook in ours for kind, how in (hook.get("Triggers") or {}).items() if how.get("Enabled")}
    for judged, wanted in ((fault, {"Bounce", "SpamComplaint"}), (warning, {"Delivery", "SubscriptionChange"})):
        if missing := wanted - on:
            kinds = listed(sorted(missing), say("{one} and no {other}"))
            return judged(say("the webhook does not report {kinds}", kinds=kinds), action)
    return ok(say("bounces, complaints and deliveries come back"))


def _get(path: str, what: str, **more: Any) -> dict[str, Any]:
    with closing(make_client(seconds=PATIENCE)) as client:
        answer: dict[str, Any] = ask(client, "GET", path, what, **more)
    return answer


QUESTIONS = (token, stream, identity, events)
