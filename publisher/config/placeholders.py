"""What still stands in config.yaml as ``init`` wrote it, and would reach readers: real mail waits until it is changed.

Nothing is asked of the network. A provider that is only a catcher on loopback counts as real.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from publisher.config.load import NAME, read_nodes
from publisher.config.model import Config
from publisher.config.names import unspoken
from publisher.diagnostics import Diagnostic, Fault, Place, Severity, Span, define, say
from publisher.documents import find
from publisher.errors import UsageError

PLACEHOLDER = define("placeholder-config", Severity.WARNING)
WEBHOOK = define("alerts-webhook", Severity.WARNING, secret=True)
# Reserved for documentation: RFC 2606, sections 2 and 3.
_EXAMPLE = re.compile(r"(?:.*\.)?example(?:\.(?:com|net|org))?\.?", re.IGNORECASE)
_ADDRESSES = re.compile(r"示例路|示例街|example (?:street|road|st\b)", re.IGNORECASE)


def unready(config: Config) -> dict[tuple[str, str], Fault]:
    """What keeps real mail from leaving, by key; nothing under the folder transport."""
    if not config.delivery.leaves:
        return {}
    newsletter, service = config.newsletter, config.service.url or ""
    hosts = {
        ("newsletter", "url"): urlsplit(newsletter.url).hostname or "",
        ("service", "url"): urlsplit(service).hostname or "",
        ("newsletter", "from"): newsletter.sender[1].rpartition("@")[2],
    }
    found = {}
    for key, host in hosts.items():
        if _EXAMPLE.fullmatch(host):
            message = say("{key} is still a placeholder ({host})", key=".".join(key), host=host)
            found[key] = Fault(PLACEHOLDER, message, say("write the newsletter's own"))
    if urlsplit(service).scheme == "http" and ("service", "url") not in found:
        message = say("service.url begins with http://, and one-click unsubscribing asks for https (RFC 8058)")
        found["service", "url"] = Fault(PLACEHOLDER, message, say("serve it over https, and write https://…"))
    if not (newsletter.postal_address or "").strip() or _ADDRESSES.search(newsletter.postal_address or ""):
        message = say("newsletter.postal_address is missing, or still a placeholder")
        advice = say("write the sender's postal address: law asks")
        found["newsletter", "postal_address"] = Fault(PLACEHOLDER, message, advice)
    return found


def refuse_placeholders(config: Config) -> None:
    """Raise UsageError where real mail would leave with placeholders."""
    if found := unready(config):
        advice = "; ".join(dict.fromkeys(f"{fault.help} in {'.'.join(key)}" for key, fault in found.items()))
        raise UsageError(f"nothing was sent: {'; '.join(fault.message for fault in found.values())}", help=advice)


def config_warnings(config: Config) -> list[Diagnostic]:
    """The same as findings, at the keys of config.yaml; a language without words; a webhook's address: a secret."""
    found = unready(config)
    if config.alerts.webhook:
        advice = say("set PUBLISHER_ALERTS_WEBHOOK to it instead, delete the key, and make a new address")
        found["alerts", "webhook"] = Fault(WEBHOOK, say("the address of alerts.webhook is a secret"), advice)
    if told := unspoken(config.newsletter.language, config):
        found["newsletter", "language"] = told
    node = read_nodes(config.root)[0] if found else None
    values = {key: find(node, key) if node else None for key in found}
    return [
        fault.at(Place(NAME, value.span if (value := values[key]) else Span.point(1))) for key, fault in found.items()
    ]
