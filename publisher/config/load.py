"""config.yaml → :class:`Config`, with every problem at its place."""

from __future__ import annotations

import os
from pathlib import Path

from publisher.config.model import Config
from publisher.config.names import wrong_names
from publisher.config.theme_findings import theme_findings
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, in_order, say
from publisher.documents import Mapping, Scalar, Sequence, find, parse_mapping, read_text, validate
from publisher.documents.validate import BAD_VALUE, UNKNOWN_KEY, Rules
from publisher.errors import ConfigError

NAME = "config.yaml"

MISSING = define("config-missing", Severity.ERROR, fixed=True)
NO_SERVICE = define("service-url-missing", Severity.ERROR, fixed=True)


def load_config(root: Path) -> Config:
    """The config of the repository at ``root``. Raises :class:`ConfigError` with every finding."""
    config, findings = read_config(root)
    if config is None:
        raise ConfigError(findings, root=root)
    return config


def read_config(root: Path) -> tuple[Config | None, list[Diagnostic]]:
    """The config, or ``None`` and why not. ``config.root`` is the resolved root."""
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
    read = [read_text(root, path) for path in dict.fromkeys(config.checks.rules)]
    findings = [found for _, wrong in read for found in wrong]
    files = tuple(file for file, _ in read if file is not None)
    config = config.model_copy(update={"root": root.resolve(), "rule_files": files})
    findings = findings or [
        *wrong_names(NAME, node, config),
        *_readers_can_leave(config, node),
        *theme_findings(config, node, root, NAME),
    ]
    return (None, findings) if findings else (config, [])


def read_nodes(root: Path) -> tuple[Mapping | None, list[Diagnostic]]:
    """config.yaml as written, for those who need the place of a key."""
    if not os.path.lexists(root / NAME):
        message = say("there is no {name} in {root}", name=NAME, root=str(root.resolve()))
        advice = say("type publisher init DIR to make a newsletter repository, or name one with --root DIR")
        return None, [MISSING.at(Place(NAME), message, help=advice)]
    file, findings = read_text(root, NAME)
    if file is None or findings:
        return None, findings
    node, findings = parse_mapping(file, say("config.yaml has to be a mapping"), say("begin with newsletter:"))
    return (None if findings else node), findings


def rule_paths(root: Path) -> list[str]:
    """The rule files that config.yaml names, whether or not they are there."""
    node, _ = read_nodes(root)
    named = find(node, ("checks", "rules")) if node is not None else None
    return [one.text for one in named.items if isinstance(one, Scalar)] if isinstance(named, Sequence) else []


def _readers_can_leave(config: Config, node: Mapping) -> list[Diagnostic]:
    if not config.delivery.leaves or config.service.url:
        return []
    transport = find(node, ("delivery", "transport"))
    message = say(
        "with the transport {transport} real mail leaves, and readers could not unsubscribe",
        transport=config.delivery.transport,
    )
    place = Place(NAME, transport.span if transport else Span.point(1, 1))
    return [NO_SERVICE.at(place, message, help=say("add service: {url: https://letters.example.com/}"))]
