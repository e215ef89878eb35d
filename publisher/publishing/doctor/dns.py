"""SPF and DMARC of the sender's domain (RFC 7208, RFC 7489)."""

from __future__ import annotations

import re

from publisher.providers.findings import Finding, fault, ok, skipped, warning
from publisher.publishing.doctor.probes import Probes


def spf(probes: Probes) -> Finding:
    """Does the envelope's domain allow the sender?"""
    provider = probes.provider
    domain = provider.envelope_domain(probes.config.newsletter.domain)
    if domain is None:
        return skipped("spf", f"bounces go to a domain of {provider.title}, which has its own SPF record")
    records = [text for text in probes.dns(domain, "TXT") if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]
    if not records:
        return warning("spf", f"{domain} has no SPF record", f'publish {domain} TXT "v=spf1 {provider.spf} ~all"')
    if len(records) > 1:
        return fault("spf", f"{domain} has {len(records)} SPF records, which receivers treat as an error", "keep one")
    if provider.spf.startswith("include:") and provider.spf not in records[0].lower():
        message = f"the SPF record of {domain} does not name {provider.title}"
        return warning("spf", message, f"add {provider.spf} to it")
    if records[0].rstrip().lower().endswith(("+all", " all")):
        return fault("spf", f"the SPF record of {domain} lets anybody send", "end it with ~all")
    return ok("spf", f"{domain}: {records[0]}")


def dmarc(probes: Probes) -> Finding:
    """Is there a DMARC policy? Gmail and Yahoo ask it of whoever sends 5,000 a day."""
    domain = probes.config.newsletter.domain
    labels = domain.split(".")
    for name in [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]:
        records = [t for t in probes.dns(f"_dmarc.{name}", "TXT") if t.replace(" ", "").lower().startswith("v=dmarc1")]
        if len(records) > 1:
            return fault("dmarc", f"_dmarc.{name} has {len(records)} records, which count as none", "keep one")
        if records:
            return _policy(name, records[0], inherited=name != domain)
    return fault(
        "dmarc",
        f"{domain} has no DMARC policy: Gmail and Yahoo refuse bulk mail without one",
        f'publish _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"',
    )


def _policy(name: str, record: str, *, inherited: bool) -> Finding:
    tags = {key.strip().lower(): value.strip() for key, _, value in (t.partition("=") for t in record.split(";"))}
    policy = (tags.get("sp") if inherited else None) or tags.get("p", "")
    if policy.lower() not in {"none", "quarantine", "reject"}:
        return fault("dmarc", f"the DMARC record of {name} has no policy: {record}", "begin it with v=DMARC1; p=none")
    if policy.lower() == "none" and "rua" not in tags:
        return warning("dmarc", f"{name}: p=none and nobody reads the reports", "add rua=mailto:… to the DMARC record")
    return ok("dmarc", f"{name}: p={policy}")
