"""Read config.yaml into a :class:`Config`, with every problem at its place, and find placeholders of ``init`` that
would reach readers: real mail is refused until they are changed. No network access.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from publisher.config.model import Config
from publisher.config.names import unsupported_language, wrong_names
from publisher.config.theme_findings import not_there, theme_findings
from publisher.diagnostics import Diagnostic, Fault, Place, Severity, Span, define, in_order, listed, say
from publisher.documents import Mapping, find, parse_mapping, read_text, validate
from publisher.documents.validate import BAD_VALUE, UNKNOWN_KEY, Rules
from publisher.errors import ConfigError, UsageError

NAME = "config.yaml"

MISSING = define("config-missing", Severity.ERROR, fixed=True)
NO_SERVICE = define("service-url-missing", Severity.ERROR, fixed=True)
PLACEHOLDER = define("placeholder-config", Severity.WARNING)
WEBHOOK = define("alerts-webhook", Severity.WARNING, secret=True)
# Reserved for documentation: RFC 2606, sections 2 and 3.
_EXAMPLE = re.compile(r"(?:.*\.)?example(?:\.(?:com|net|org))?\.?", re.IGNORECASE)
_ADDRESSES = re.compile(r"示例路|示例街|example (?:street|road|st\b)", re.IGNORECASE)


def load_config(root: Path) -> Config:
    """Load the config of the repository at ``root``. Raises :class:`ConfigError` with every finding."""
    config, findings = read_config(root)
    if config is None:
        raise ConfigError(findings, root=root)
    return config


def read_config(root: Path) -> tuple[Config | None, list[Diagnostic]]:
    """The config or ``None``, and the findings. ``config.root`` is the resolved root.

    Findings quote the file; of a file elsewhere, where a link can lead from a pull request, they say nothing.
    """
    config, findings = _read_config(root)
    file = (root / NAME).absolute()
    if config is None and file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(root.resolve()):
        message = say("{name} is a link out of the repository, to a file that is no config", name=NAME)
        findings = [BAD_VALUE.at(Place(NAME), message, help=say("copy it in"))]
    return config, findings


def _read_config(root: Path) -> tuple[Config | None, list[Diagnostic]]:
    node, findings = read_nodes(root)
    if node is None or findings:
        return None, findings
    for hidden in filter(None, (node.entry("root"), node.entry("rule_files"))):
        message = say("the key {key} is unknown", key=hidden.key.text)
        findings.append(UNKNOWN_KEY.at(Place(NAME, hidden.key.span), message, help=say("delete it")))
    config, wrong, _ = validate(Config, node, NAME, Rules(own_empty=frozenset({BAD_VALUE}), start=Span.point(1)))
    findings += wrong
    if config is None or findings:
        return None, in_order(findings)
    there = [path for path in dict.fromkeys(config.checks.rules) if os.path.lexists(root / path)]
    for number, path in enumerate(config.checks.rules):
        if path not in there and (found := find(node, ("checks", "rules", number))):
            findings.append(not_there(path, Place(NAME, found.span)))
    read = [read_text(root, path) for path in there]
    findings += [found for _, wrong in read for found in wrong]
    files = tuple(file for file, _ in read if file is not None)
    config = config.model_copy(update={"root": root.resolve(), "rule_files": files})
    findings = findings or [
        *wrong_names(NAME, node, config),
        *_readers_can_leave(config, node),
        *theme_findings(config, node, root, NAME),
    ]
    return (None, findings) if findings else (config, [])


def read_nodes(root: Path) -> tuple[Mapping | None, list[Diagnostic]]:
    """The nodes of config.yaml, for callers that need the place of a key."""
    if not os.path.lexists(root / NAME):
        message = say("there is no {name} in {root}", name=NAME, root=str(root.resolve()))
        advice = say("type publisher init DIR to make a newsletter repository, or name one with --root DIR")
        parents = root.resolve().parents
        above = next((one for one in parents if (one / NAME).is_file() and (one / "issues").is_dir()), None)
        advice = say("name the repository: --root {folder}", folder=str(above)) if above else advice
        return None, [MISSING.at(Place(NAME), message, help=advice)]
    file, findings = read_text(root, NAME)
    if file is None or findings:
        return None, findings
    node, findings = parse_mapping(file, say("config.yaml has to be a mapping"), say("begin with newsletter:"))
    return (None if findings else node), findings


def _readers_can_leave(config: Config, node: Mapping) -> list[Diagnostic]:
    if not config.delivery.leaves or config.service.url:
        return []
    transport = find(node, ("delivery", "transport"))
    named = {"transport": config.delivery.transport}
    message = say("with the transport {transport} real mail leaves, and readers could not unsubscribe", **named)
    place = Place(NAME, transport.span if transport else Span.point(1, 1))
    return [NO_SERVICE.at(place, message, help=say("add service: {url: https://letters.example.com/}"))]


def unready(config: Config) -> dict[tuple[str, str], Fault]:
    """The faults, by key, that prevent real mail (even to a catcher on loopback); empty with the folder transport."""
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
        advice = say("write the sender's postal address: the law requires it")
        found["newsletter", "postal_address"] = Fault(PLACEHOLDER, message, advice)
    return found


def refuse_placeholders(config: Config) -> None:
    """Raise UsageError if real mail would be sent with placeholders."""
    if found := unready(config):
        advice = (say("{help} in {key}", help=fault.help or "", key=".".join(key)) for key, fault in found.items())
        faults = listed((fault.message for fault in found.values()), say("{one}; {other}"))
        ways = listed(dict.fromkeys(advice), say("{one}; {other}"))
        raise UsageError(say("nothing was sent: {faults}", faults=faults), help=ways)


def config_warnings(config: Config) -> list[Diagnostic]:
    """Warnings at keys of config.yaml: placeholders, a language without a catalog, a secret webhook address."""
    found = unready(config)
    if config.alerts.webhook:
        advice = say("set PUBLISHER_ALERTS_WEBHOOK to it instead, delete the key, and make a new address")
        found["alerts", "webhook"] = Fault(WEBHOOK, say("the address of alerts.webhook is a secret"), advice)
    if told := unsupported_language(config.newsletter.language, config):
        found["newsletter", "language"] = told
    node = read_nodes(config.root)[0] if found else None
    values = {key: find(node, key) if node else None for key in found}
    return [
        fault.at(Place(NAME, value.span if (value := values[key]) else Span.point(1))) for key, fault in found.items()
    ]
