"""What installs the package installs ours: its name, its extras, and all that a build needs."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import publisher
from tools.release import hashed, notes

ROOT = Path(__file__).resolve().parents[2]
FILE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = FILE["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
WORKFLOWS = [*sorted((ROOT / ".github/workflows").glob("*.yml")), ROOT / "action.yml"]


def texts() -> list[Path]:
    """Every file of the repository that may give advice."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    kinds = {".py", ".md", ".yml", ".yaml", ".toml", ".html", ".j2", ""}
    paths = (ROOT / name for name in tracked.stdout.splitlines() if not name.startswith("tests/fuzz/corpus/"))
    return [path for path in paths if path.suffix in kinds and path.is_file() and path != Path(__file__)]


def test_no_advice_installs_the_stranger_called_publisher() -> None:
    stranger = re.compile(r"""(?:install|tool|add|uvx)\s+(?:-\S+\s+)*['"]?publisher(?:[\[=<>~'"\s]|$)""")
    extra = re.compile(r"(?<!newsletter-)\bpublisher\[")
    found = [
        (path.relative_to(ROOT).as_posix(), line)
        for path in texts()
        for line in path.read_text(encoding="utf-8").splitlines()
        if stranger.search(line) or extra.search(line)
    ]
    assert found == []


def test_every_extra_that_is_named_exists() -> None:
    named = {
        (path.relative_to(ROOT).as_posix(), extra)
        for path in texts()
        for group in re.findall(r"newsletter-publisher\[([\w,-]+)\]", path.read_text(encoding="utf-8"))
        for extra in group.split(",")
    }
    assert {(path, extra) for path, extra in named if extra not in EXTRAS} == set()
    assert named


def test_the_action_and_the_gitlab_template_install_extras_that_exist() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(action["inputs"]["extras"]["default"].split(",")) <= EXTRAS
    gitlab = yaml.safe_load((ROOT / "deploy/gitlab/publisher.gitlab-ci.yml").read_text(encoding="utf-8"))
    source = re.fullmatch(r"\.\[([\w,]+)\]", gitlab["variables"]["PUBLISHER_SOURCE"])
    assert source
    assert set(source[1].split(",")) <= EXTRAS


def test_workflows_give_the_action_inputs_that_it_has() -> None:
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"])
    for path in WORKFLOWS[:-1]:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                if step.get("uses") == "./":
                    assert set(step.get("with", {})) <= inputs


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, ROOT / "deploy/gitlab/publisher.gitlab-ci.yml"], ids=lambda path: path.name
)
def test_each_command_that_ci_runs_exists(path: Path) -> None:
    from typer.main import get_command

    from publisher.cli.app import application

    commands = get_command(application()).commands  # type: ignore[attr-defined]
    text = path.read_text(encoding="utf-8")
    said = re.findall(
        r"^\s*(?:run: |- |\$\{.*?\} )?(?:/\S+/)?publisher (?:--root \S+ )?([a-z][a-z-]*)", text, re.MULTILINE
    )
    assert {command for command in said if command not in commands} == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_say_their_version(path: Path) -> None:
    uses = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    loose = [
        (name, note)
        for name, note in uses
        if name != "./" and not (re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) and re.match(r" # v\d+\.\d+\.\d+", note))
    ]
    assert loose == []


def test_zizmor_finds_nothing_in_the_workflows() -> None:
    checker = Path(sys.executable).with_name("zizmor")
    arguments = ["--offline", "--no-progress", "--min-severity", "low", "--config", ".github/zizmor.yml"]
    done = subprocess.run(
        [checker, *arguments, ".github", "action.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_looking_gets_no_signing_keys() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8"))["jobs"]
    assert "PUBLISHER_SECRET_KEYS" not in str(jobs["look"])
    assert "PUBLISHER_SECRET_KEYS" in str(jobs["publish"])


def test_what_the_dockerfile_copies_is_enough_to_build_the_wheel(tmp_path: Path) -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            to = tmp_path / target / (source if target == "./" else "")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, to)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "out").glob("newsletter_publisher-*.whl"))


def test_a_release_carries_hashes_and_the_action_installs_nothing_without() -> None:
    release = (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    action = (ROOT / "action.yml").read_text("utf-8")
    assert "--generate-hashes" in release
    assert "hashed/requirements.txt" in release
    assert "--require-hashes" in action
    assert "releases/download/$REF/requirements.txt" in action


def test_a_release_lists_its_parts_and_has_none_with_a_known_fault() -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))["jobs"]["build"]["steps"]
    words = " ".join(step["run"] for step in steps if "run" in step)
    audited, wheel_added, listed = (
        words.index(call)
        for call in ("pip-audit --strict", "cat wheel.txt >> hashed/", "--output-file hashed/sbom.cdx.json")
    )
    assert audited < wheel_added < listed  # PyPI does not know the wheel yet, and the list has it
    tools = FILE["dependency-groups"]["release"]
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    assert {tool.partition(">=")[0] for tool in tools} == {"cyclonedx-bom", "pip-audit"} <= pinned


def test_the_line_of_a_wheel_is_what_pip_demands(tmp_path: Path) -> None:
    (wheel := tmp_path / "newsletter_publisher-9.9.9-py3-none-any.whl").write_bytes(b"wheel")
    line = hashed(wheel)
    assert line.startswith("newsletter-publisher==9.9.9 --hash=sha256:")
    assert hashlib.sha256(b"wheel").hexdigest() in line


def test_a_release_names_one_version_everywhere() -> None:
    assert PROJECT["version"] == publisher.__version__
    assert "newsletter-publisher" in notes(f"v{publisher.__version__}")
    with pytest.raises(ValueError, match="one version"):
        notes("v9.9.9")
