"""``publisher init``: a repository without findings, made without changing existing files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from publisher.authoring.bundled import schema_files
from publisher.authoring.repository import make_repository
from publisher.checks.engine import check_issue
from publisher.cli.app import application
from publisher.config import load_config
from publisher.errors import UsageError
from publisher.issue.folder import discover
from publisher.language import Locale
from publisher.proofing.checking import check_repository

ROOT = Path(__file__).resolve().parents[2]


def status_of(*words: str) -> int:
    """The status that the command gives back; of a runner in standalone mode it would be 0 whatever that is."""
    ran = CliRunner().invoke(application(), list(words), standalone_mode=False)
    return ran.return_value or ran.exit_code


@pytest.mark.parametrize(("language", "name"), [("zh-CN", "AI 周报"), ("en", "AI Weekly")])
def test_a_new_repository_checks_clean(tmp_path: Path, language: str, name: str) -> None:
    made = make_repository(tmp_path / "made", language)
    config = load_config(made.root)
    assert (config.newsletter.name, config.newsletter.language) == (name, language)
    (slug,) = discover(made.root)
    issue, findings = check_issue(config, slug)
    assert [d for d in findings if d.severity != "info"] == []
    assert issue
    assert issue.language == language


@pytest.mark.parametrize("language", ["zh-TW", "pt", "ar", "en-GB"])
def test_init_speaks_every_language_that_there_are_words_in(tmp_path: Path, language: str) -> None:
    made = make_repository(tmp_path / "made", language)
    config, locale = load_config(made.root), Locale.of(language, {})
    assert config.newsletter.language == language
    assert (config.newsletter.name, config.newsletter.timezone) == (
        locale.word("starter", "newsletter_name"),
        locale.timezone,
    )
    assert config.newsletter.sender[0] == config.newsletter.name
    (slug,) = discover(made.root)
    assert [found for found in check_repository(config).diagnostics if found.severity != "info"] == []
    issue, _ = check_issue(config, slug)
    assert issue is not None
    if language == "zh-TW":
        assert issue.title == "在這裡寫標題"


@pytest.mark.parametrize("language", ["sv", "no language", "zh_TW.UTF-8"])
def test_a_language_without_words_is_refused_with_those_there_are(tmp_path: Path, language: str) -> None:
    with pytest.raises(UsageError, match=language) as refused:
        make_repository(tmp_path / "made", language)
    assert "zh-Hant" in str(refused.value.help)
    assert not (tmp_path / "made").exists()


def test_an_english_config_keeps_no_chinese(tmp_path: Path) -> None:
    text = (make_repository(tmp_path, "en").root / "config.yaml").read_text(encoding="utf-8")
    assert [c for c in text if "\u3400" <= c <= "\u9fff"] == []


def test_the_sample_is_this_repositorys_own_and_no_template_is_written(tmp_path: Path) -> None:
    make_repository(tmp_path)
    for folder in (f"issues/{discover(tmp_path)[0]}",):
        ours = {p.relative_to(ROOT): p.read_bytes() for p in (ROOT / folder).rglob("*") if p.is_file()}
        theirs = {p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / folder).rglob("*") if p.is_file()}
        for name in theirs:
            if name.name == "issue.yaml":  # nobody is mailed the sample by surprise
                assert b"status: draft" in theirs[name]
                theirs[name] = theirs[name].replace(b"status: draft", b"status: ready")
        assert ours == theirs


def test_each_command_of_the_new_readme_works(tmp_path: Path) -> None:
    text = (make_repository(tmp_path, "en").root / "README.md").read_text(encoding="utf-8")
    calls = re.findall(r"^ {4}publisher (\S.*?)(?: {3}|$)", text, re.MULTILINE)
    assert len(calls) == 6
    for call in calls:
        if call != "preview":  # which does not end
            assert status_of("--root", str(tmp_path), *call.split()) == 0, call


def test_subscribers_and_products_stay_out_of_git(tmp_path: Path) -> None:
    make_repository(tmp_path)
    assert {"/.publisher/", "/dist/", "/outbox/"} <= set((tmp_path / ".gitignore").read_text().splitlines())
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in (
        "people.csv",
        "old/people.csv",
        "events.jsonl",
        "mail.eml",
        ".env",
        "publisher.db",
        "publisher.db-wal",
    ):
        ignored = subprocess.run(["git", "-C", tmp_path, "check-ignore", "-q", name], check=False)
        assert ignored.returncode == 0, name


def test_other_files_may_be_there_and_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("mine")
    made = make_repository(tmp_path)
    assert made.kept == (".gitignore", "README.md")
    assert {(tmp_path / name).read_text() for name in ("notes.txt", "README.md", ".gitignore")} == {"mine"}


def test_a_second_init_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    make_repository(tmp_path)
    (tmp_path / "README.md").unlink()
    with pytest.raises(UsageError, match="newsletter repository already"):
        make_repository(tmp_path)
    assert not (tmp_path / "README.md").exists()


def test_a_file_in_the_way_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "issue.json").write_text("mine")
    with pytest.raises(UsageError, match=r"schema/issue\.json"):
        make_repository(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["schema"]


@pytest.mark.parametrize("way", ["file", "file/below", "issues-is-a-file"])
def test_a_file_where_a_folder_should_be_is_one_clear_line(tmp_path: Path, way: str) -> None:
    (tmp_path / "file").write_text("mine")
    if way == "issues-is-a-file":
        (tmp_path / way).mkdir()
        (tmp_path / way / "issues").write_text("mine")
    ran = CliRunner().invoke(application(), ["init", str(tmp_path / way)])
    assert isinstance(ran.exception, UsageError)
    assert not (tmp_path / way / "config.yaml").exists()


def test_init_ends_with_the_next_three_things_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(application(), ["init", "my news", "--language", "en"]).stdout
    steps = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert len(steps) == 3
    assert steps[0] == "cd 'my news' && publisher preview"
    for step in steps[1:]:  # they do what they say
        assert status_of("--root", "my news", *step.split()[1:]) == 0, step


def test_the_schemas_of_this_repository_are_those_of_the_program() -> None:
    stale = [name for name, content in schema_files().items() if (ROOT / name).read_bytes() != content]
    assert stale == [], "for k in issue item config; do publisher schema $k > schema/$k.json; done"
