"""The CloudFormation templates are valid, and grant no more than they say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "deploy" / "aws").glob("*.yaml"))


class Loader(yaml.SafeLoader):
    """Reads the short forms (``!Ref x``) as ``{"Ref": "x"}``."""


def _short(loader: yaml.Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    raise AssertionError(node)


Loader.add_multi_constructor("!", _short)


def resources(name: str) -> dict[str, Any]:
    text = (ROOT / "deploy" / "aws" / name).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Loader)["Resources"]
    return found


def test_cfn_lint_finds_nothing() -> None:
    tool = Path(sys.executable).parent / "cfn-lint"
    run = subprocess.run([tool, *TEMPLATES], capture_output=True, text=True, check=False)
    assert run.stdout == ""
    assert run.returncode == 0, run.stderr


def test_roles_name_what_they_touch() -> None:
    wide = []
    for name, role in resources("ci.yaml").items():
        for policy in role["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert [a for a in actions if "*" in a] == []
                if statement["Resource"] == "*":
                    wide += [(name, a) for a in actions]
    assert set(wide) == {("PublishRole", "ses:GetAccount"), ("DoctorRole", "ses:GetAccount")}


def test_only_the_environments_of_the_repository_get_a_role() -> None:
    for name, role in resources("ci.yaml").items():
        if role["Type"] != "AWS::IAM::Role":
            continue
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        asked = statement["Condition"]["StringEquals"]
        assert asked["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        assert asked["token.actions.githubusercontent.com:sub"]["Sub"].startswith("repo:${Repository}:environment:"), (
            name
        )


def test_the_events_reach_the_queue_as_they_are_and_are_never_dropped() -> None:
    email = resources("email.yaml")
    subscription = email["EventSubscription"]["Properties"]
    assert subscription["RawMessageDelivery"] is True
    assert subscription["RedrivePolicy"]
    assert email["EventQueue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == {"GetAtt": "DeadLetters.Arn"}
    kinds = email["EventDestination"]["Properties"]["EventDestination"]["MatchingEventTypes"]
    assert {"send", "delivery", "bounce", "complaint", "renderingFailure"} <= set(kinds)
    assert not {"open", "click"} & set(kinds)


REWRITE = """
const handler = new Function(process.argv[1] + '; return handler;')();
const ask = (uri) => {
  const answer = handler({ request: { uri } });
  return answer.statusCode ? [answer.statusCode, answer.headers.location.value] : answer.uri;
};
process.stdout.write(JSON.stringify(JSON.parse(process.argv[2]).map(ask)));
"""


@pytest.mark.node
def test_folder_addresses_become_their_index(node_tools: Path) -> None:
    code = resources("archive.yaml")["Addresses"]["Properties"]["FunctionCode"]
    asked = ["/", "/issues/2024-12-29-ai/", "/issues/2024-12-29-ai", "/feed.xml", "//evil", "/\\evil", "///evil/x"]
    run = subprocess.run(
        ["node", "-e", REWRITE, code, json.dumps(asked)], capture_output=True, text=True, check=True, cwd=node_tools
    )
    root, folder, bare, file, *hostile = json.loads(run.stdout)
    assert root == "/index.html"
    assert folder == "/issues/2024-12-29-ai/index.html"
    assert bare == [301, "/issues/2024-12-29-ai/"]
    assert file == "/feed.xml"
    assert [status for status, _ in hostile] == [301, 301, 301]
    assert [to for _, to in hostile if re.match(r"[/\\]{2}", to)] == []  # never another site
