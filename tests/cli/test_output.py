"""What a command says stands there as it was said: no sign of a text is taken for a colour or a picture."""

import io
import subprocess
import sys

import pytest

from publisher.cli import output

TEXT = "Rust :heart: [bold]Python[/] :tada: {x}"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_words_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.put(TEXT)
    output.tell(TEXT)
    output.warn(TEXT)
    output.complain(TEXT, TEXT)
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
