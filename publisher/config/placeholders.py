"""What still stands in config.yaml as ``init`` wrote it, and would reach readers: real mail waits until it is changed.

Nothing is asked of the network. A provider that is only a catcher on loopback counts as real.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from publisher.config.languages import UNKNOWN, unspoken
from publisher.config.load import NAME, read_nodes
from publisher.config.model import Config
from publisher.diagnostics import Code, Diagnostic, Place, Sentence, Severity, Span, define, say
from publisher.documents import find
from publisher.errors import UsageError

PLACEHOLDER = define("placeholder-config", Severity.WARNING)
WEBHOOK = define("alerts-webhook", Severity.WARNING, secret=True)
# Reserved for documentation: RFC 2606, sections 2 and 3.
_EXAMPLE = re.compile(r"(?:.*\.)?example(?:\.(?:com|net|org))?\.?", re.IGNORECASE)
_ADDRESSES = re.compile(r"示例路|示例街|example (?:street|road|st\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unready:
    """One key that keeps real mail from leaving."""

    key: tuple[str, str]
    message: Sentence
    help: Sentence


def unready(config: Config) -> list[Unready]:
    """What keeps real mail from leaving; nothing under the folder transport."""
    if not config.delivery.leaves:
        return []
    newsletter, service = config.newsletter, config.service.url or ""
    hosts = {
        ("newsletter", "url"): urlsplit(newsletter.url).hostname or "",
        ("service", "url"): urlsplit(service).hostname or "",
        ("newsletter", "from"): newsletter.sender[1].rpartition("@")[2],
    }
    found = [
        Unready(
            key,
            say("{key} is still a placeholder ({host})", key=".".join(key), host=host),
            say("write the newsletter's own"),
        )
        for key, host in hosts.items()
        if _EXAMPLE.fullmatch(host)
    ]
    if urlsplit(service).scheme == "http" and not _EXAMPLE.fullmatch(hosts["service", "url"]):
        message = say("service.url begins with http://, and one-click unsubscribing asks for https (RFC 8058)")
        found.append(Unready(("service", "url"), message, say("serve it over https, and write https://…")))
    if not (newsletter.postal_address or "").strip() or _ADDRESSES.search(newsletter.postal_address or ""):
        message = say("newsletter.postal_address is missing, or still a placeholder")
        found.append(
            Unready(("newsletter", "postal_address"), message, say("write the sender's postal address: law asks"))
        )
    return found


def refuse_placeholders(config: Config) -> None:
    """Raise UsageError where real mail would leave with placeholders."""
    if found := unready(config):
        raise UsageError(
            f"nothing was sent: {'; '.join(one.message for one in found)}",
            help="; ".join(dict.fromkeys(f"{one.help} in {'.'.join(one.key)}" for one in found)),
        )


def config_warnings(config: Config) -> list[Diagnostic]:
    """The same as findings, at the keys of config.yaml; a language without words; a webhook's address: a secret."""
    found: list[tuple[Code, tuple[str, str], Sentence, Sentence]] = [
        (PLACEHOLDER, one.key, one.message, one.help) for one in unready(config)
    ]
    if config.alerts.webhook:
        advice = say("set PUBLISHER_ALERTS_WEBHOOK to it instead, delete the key, and make a new address")
        found.append((WEBHOOK, ("alerts", "webhook"), say("the address of alerts.webhook is a secret"), advice))
    if told := unspoken(config.newsletter.language, config):
        found.append((UNKNOWN, ("newsletter", "language"), *told))
    node = read_nodes(config.root)[0] if found else None
    findings = []
    for code, key, message, advice in found:
        value = find(node, key) if node else None
        findings.append(code.at(Place(NAME, value.span if value else Span.point(1)), message, help=advice))
    return findings
