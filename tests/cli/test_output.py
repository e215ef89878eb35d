"""Commands print texts unchanged: no characters are taken for colours or emoji."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.cli import output
from tests.acceptance.conftest import CONFIG
from tests.warm import ROOT, clean_environment, command

SLUG = "2023-01-01-weekly"
NAME = "安 é \N{GRINNING FACE}"
JSON = (("schema", "issue"), ("subscribers", "list", "--format", "json"))
TEXT = "Rust :heart: [bold]Python[/] :tada: {x}"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_words_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.echo(TEXT)
    output.remark(TEXT)
    output.warn(TEXT)
    output.print_error(TEXT, TEXT)
    said = capsys.readouterr()
    assert said.out == f"{TEXT}\n"
    assert said.err == f"{TEXT}\nwarning: {TEXT}\nerror: {TEXT}\nhelp: {TEXT}\n"


@pytest.mark.parametrize(
    ("stream", "set_to", "wanted"),
    [
        (_Terminal(), {"TERM": "xterm"}, True),
        (_Terminal(), {"TERM": "dumb"}, False),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_terminals_that_have_them(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, set_to: dict[str, str], wanted: bool
) -> None:
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    assert output.styled("x", "bold red", stream) == ("\x1b[1;31mx\x1b[0m" if wanted else "x")


def test_a_table_keeps_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    output.console().print(Table(":tada:", box=None))
    assert ":tada:" in capsys.readouterr().out


def test_a_command_that_draws_nothing_loads_nothing_to_draw_with() -> None:
    code = "import sys; from publisher.cli import app, build, check, output; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def _newsletter(folder: Path) -> Path:
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "issues" / SLUG).mkdir(parents=True)
    text = f"title: {NAME}\ndate: 2023-01-01\nstatus: draft\nitems: [{{headline: 一, body: 二}}]\n"
    (folder / "issues" / SLUG / "issue.yaml").write_text(text)
    return folder


def _run(root: Path, *words: str, end: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The real process; ``end`` is what a shell would have after the command."""
    code = "from publisher.cli.app import main; main()"
    line = ["sh", "-c", f'exec "$@" {end}', "sh", sys.executable, "-c", code, "--root", str(root), *words]
    environment = clean_environment() | {"PYTHONPATH": str(ROOT)}
    del environment["PYTHONUTF8"]
    return subprocess.run(line, capture_output=True, check=False, env=environment | variables)


def test_an_output_that_lacks_a_sign_gets_its_number(tmp_path: Path) -> None:
    root = _newsletter(tmp_path)
    assert command(root, "subscribers", "add", "a@b.cc", "--name", NAME).returncode == 0
    for words in (("plan",), ("--lang", "zh", "status"), ("--lang", "zh", "theme", "list"), ("--help",)):
        done = _run(root, *words, PYTHONIOENCODING="ascii")
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
        assert done.stdout.decode("ascii")
    in_utf8 = [command(root, *words).stdout for words in JSON]
    elsewhere = [_run(root, *words, PYTHONIOENCODING="ascii").stdout.decode("ascii") for words in JSON]
    assert [json.loads(one) for one in elsewhere] == [json.loads(one) for one in in_utf8]
    assert _run(root, "subscribers", "export", PYTHONIOENCODING="ascii").stdout.decode().count(NAME) == 1


def test_a_locale_without_utf_8_gives_help_and_refuses_a_name_that_it_lacks(tmp_path: Path) -> None:
    root = _newsletter(tmp_path)
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert _run(root, "--help", **bare).returncode == 0
    done = _run(root, "subscribers", "add", "a@b.cc", "--name", NAME, **bare)
    assert (done.returncode, done.stderr.decode().splitlines()[1:]) == (2, ["help: set LC_ALL=C.UTF-8"])


@pytest.mark.parametrize("end", ["<&- >&- 2>&-", "2>/dev/full"])
def test_a_stream_that_is_not_there_changes_no_exit_status(tmp_path: Path, end: str) -> None:
    root = _newsletter(tmp_path)
    assert [_run(root, *words, end=end).returncode for words in (("check",), ("status",), ("check", "no"))] == [0, 0, 2]
    done = _run(root, "reconcile", SLUG, "--release-uncertain", end=end)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
