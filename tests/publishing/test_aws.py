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


def test_the_service_may_do_what_confirmation_mail_needs() -> None:
    service = resources("service.yaml")
    (policy,) = service["Role"]["Properties"]["Policies"]
    allowed = {action for s in policy["PolicyDocument"]["Statement"] for action in _listed(s["Action"])}
    assert allowed >= {"ses:SendEmail", "ses:SendRawEmail", "ses:GetAccount"}
    assert json.loads(service["Post"]["Properties"]["Targets"][0]["Input"]) == {"publisher": "post"}
    assert service["PostPermission"]["Properties"]["Principal"] == "events.amazonaws.com"


def test_the_viewers_address_comes_with_a_secret_that_only_the_edge_and_the_service_know() -> None:
    service = resources("service.yaml")
    secret = "{{resolve:secretsmanager:${OriginSecret}:SecretString}}"
    assert service["Function"]["Properties"]["Environment"]["Variables"]["PUBLISHER_ORIGIN_SECRET"] == {"Sub": secret}
    distribution = service["Distribution"]["Properties"]["DistributionConfig"]
    (header,) = distribution["Origins"][0]["OriginCustomHeaders"]
    assert (header["HeaderName"], header["HeaderValue"]) == ("x-publisher-origin", {"Sub": secret})
    (associated,) = distribution["DefaultCacheBehavior"]["FunctionAssociations"]
    assert associated == {"EventType": "viewer-request", "FunctionARN": {"GetAtt": "Viewer.FunctionARN"}}
    assert "['x-publisher-viewer'] = {value: event.viewer.ip}" in service["Viewer"]["Properties"]["FunctionCode"]


def test_the_alarm_that_nobody_can_unsubscribe_hears_of_every_way_to_fail() -> None:
    metrics = resources("service.yaml")["ErrorAlarm"]["Properties"]["Metrics"]
    summed = next(m["Expression"] for m in metrics if "Expression" in m)
    names = {m["Id"]: m["MetricStat"]["Metric"]["MetricName"] for m in metrics if "MetricStat" in m}
    assert set(names.values()) == {"Errors", "Url5xxCount", "Throttles"}
    assert all(f"FILL({name}, 0)" in summed for name in names)


def test_the_database_is_closed_unless_opened_and_its_certificate_is_verified() -> None:
    text = (ROOT / "deploy" / "aws" / "database.yaml").read_text(encoding="utf-8")
    parameters = yaml.load(text, Loader)["Parameters"]
    assert (parameters["AllowedCidr"]["Default"], parameters["PubliclyReachable"]["Default"]) == ("", "false")
    database = resources("database.yaml")
    always, asked = database["SecurityGroup"]["Properties"]["SecurityGroupIngress"]
    assert always["SourceSecurityGroupId"] == {"Ref": "ClientSecurityGroup"}
    assert asked["If"][0] == "AllowsCidr"
    assert "sslmode=verify-full&sslrootcert=rds.pem" in database["Url"]["Properties"]["SecretString"]["Sub"]


def _listed(action: str | list[str]) -> list[str]:
    return action if isinstance(action, list) else [action]


def test_each_command_of_the_page_gives_a_stack_the_parameters_that_it_needs() -> None:
    page = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8").replace("\\\n", "")
    stacks = dict(
        re.findall(r"--template-file \$SRC/deploy/aws/(\S+) .*--parameter-overrides (.*)$", page, re.MULTILINE)
    )
    assert set(stacks) == {path.name for path in TEMPLATES}
    for path in TEMPLATES:
        known = yaml.load(path.read_text(encoding="utf-8"), Loader)["Parameters"]
        given = {pair.partition("=")[0] for pair in stacks[path.name].split()}
        assert {name for name, about in known.items() if "Default" not in about} <= given <= set(known)


def test_what_the_page_packs_for_the_function_is_in_a_new_newsletter_or_made_by_the_page(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
    (packed,) = re.findall(r"^cp -r (.*) \.\./build/", page, re.MULTILINE)
    run_init = [sys.executable, "-m", "publisher", "init", str(tmp_path / "n")]
    subprocess.run(run_init, capture_output=True, check=True)
    for name in packed.replace("$SRC", str(ROOT)).split():
        assert (tmp_path / "n" / name).exists() or f"curl -o {name} " in page, name
