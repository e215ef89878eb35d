"""SPF and DMARC of the sender's domain (RFC 7208, RFC 7489)."""

from __future__ import annotations

import re

from publisher.errors import ServiceError
from publisher.publishing.doctor.model import Finding, fault, ok, warning
from publisher.publishing.doctor.world import World


def spf(world: World) -> Finding:
    """Does the envelope's domain allow the sender?"""
    domain = _envelope_domain(world)
    records = [text for text in world.dns(domain, "TXT") if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]
    ses = world.config.delivery.transport == "ses"
    wanted = f'{domain} TXT "v=spf1 include:amazonses.com ~all"' if ses else f'{domain} TXT "v=spf1 a mx ~all"'
    if not records:
        return warning("spf", f"{domain} has no SPF record", f"publish {wanted}")
    if len(records) > 1:
        return fault("spf", f"{domain} has {len(records)} SPF records, which receivers treat as an error", "keep one")
    if ses and "include:amazonses.com" not in records[0].lower():
        return warning("spf", f"the SPF record of {domain} does not name SES", "add include:amazonses.com to it")
    if records[0].rstrip().lower().endswith(("+all", " all")):
        return fault("spf", f"the SPF record of {domain} lets anybody send", "end it with ~all")
    return ok("spf", f"{domain}: {records[0]}")


def dmarc(world: World) -> Finding:
    """Is there a DMARC policy? Gmail and Yahoo ask it of whoever sends 5,000 a day."""
    labels = world.domain.split(".")
    for name in [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]:
        records = [t for t in world.dns(f"_dmarc.{name}", "TXT") if t.replace(" ", "").lower().startswith("v=dmarc1")]
        if len(records) > 1:
            return fault("dmarc", f"_dmarc.{name} has {len(records)} records, which count as none", "keep one")
        if records:
            return _policy(name, records[0], inherited=name != world.domain)
    return fault(
        "dmarc",
        f"{world.domain} has no DMARC policy: Gmail and Yahoo refuse bulk mail without one",
        f'publish _dmarc.{world.domain} TXT "v=DMARC1; p=none; rua=mailto:dmarc@{world.domain}"',
    )


def _policy(name: str, record: str, *, inherited: bool) -> Finding:
    tags = {key.strip().lower(): value.strip() for key, _, value in (t.partition("=") for t in record.split(";"))}
    policy = (tags.get("sp") if inherited else None) or tags.get("p", "")
    if policy.lower() not in {"none", "quarantine", "reject"}:
        return fault("dmarc", f"the DMARC record of {name} has no policy: {record}", "begin it with v=DMARC1; p=none")
    if policy.lower() == "none" and "rua" not in tags:
        return warning("dmarc", f"{name}: p=none and nobody reads the reports", "add rua=mailto:… to the DMARC record")
    return ok("dmarc", f"{name}: p={policy}")


def _envelope_domain(world: World) -> str:
    """The custom MAIL FROM domain where SES has one, else the sender's."""
    if world.config.delivery.transport == "ses":
        try:
            found = world.identity[1].get("MailFromAttributes", {}).get("MailFromDomain")
        except ServiceError:
            found = None
        if found:
            return str(found)
    return world.domain
