"""docs/commands.md and ``--help`` say the same: each command, each option, both ways."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from publisher.cli.app import application

HERE = Path(__file__).resolve().parents[2]
PAGE = (HERE / "docs" / "commands.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^#{2,3} publisher(?P<name>[a-z -]*)$", re.MULTILINE)


def leaves(command: Any, name: str = "") -> dict[str, Any]:
    """Every command that does something, by its words."""
    if not hasattr(command, "commands"):
        return {name: command}
    found: dict[str, Any] = {name: command} if name and command.invoke_without_command else {}
    for word, child in command.commands.items():
        if not child.hidden:
            found |= leaves(child, f"{name} {word}".strip())
    return found


def sections() -> dict[str, str]:
    """The text under each ``publisher …`` heading, up to the next heading."""
    heads = list(HEADING.finditer(PAGE))
    return {
        head["name"].strip(): re.split(r"^#{2,3} ", PAGE[head.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        for head in heads
    }


ROOT = typer.main.get_command(application())
LEAVES = leaves(ROOT)
SECTIONS = sections()


def parameters(command: Any, kind: str) -> list[Any]:
    return [p for p in command.params if p.param_type_name == kind and not p.hidden]


def options(command: Any) -> set[str]:
    words = {w for option in parameters(command, "option") for w in (*option.opts, *option.secondary_opts)}
    return {word for word in words if word.startswith("--")} - {"--help"}


def test_the_page_has_exactly_the_commands_there_are() -> None:
    assert set(SECTIONS) - {""} == set(LEAVES)


@pytest.mark.parametrize("name", ["", *sorted(LEAVES)])
def test_a_section_names_exactly_the_options_of_its_command(name: str) -> None:
    written = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", SECTIONS.get(name, "")))
    assert written - {"--help"} == options(LEAVES[name] if name else ROOT)


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_a_section_names_the_values_that_an_option_can_have(name: str) -> None:
    for option in parameters(LEAVES[name], "option"):
        new = hasattr(option, "type_descriptor")  # of typer
        choices = get_args(option.type_descriptor.annotation) if new else getattr(option.type, "choices", ())
        values = "|".join(value for value in choices if isinstance(value, str))
        written = re.findall(rf"{option.opts[0]} ([a-z]+(?:\|[a-z]+)+)", SECTIONS[name])
        assert set(written) <= {values}, option.name


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_a_section_shows_the_call_with_its_arguments(name: str) -> None:
    lines = [line for line in SECTIONS[name].splitlines() if line.startswith(f"    publisher {name}")]
    assert lines, "no indented line shows the call"
    wanted = {(argument.metavar or argument.name).strip("…. ") for argument in parameters(LEAVES[name], "argument")}
    assert {word for word in wanted if word not in lines[0]} == set(), "or the usage line of --help has other words"


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_a_command_and_each_option_has_help(name: str) -> None:
    assert LEAVES[name].help
    assert [option.name for option in parameters(LEAVES[name], "option") if not option.help] == []


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_examples_stand_at_the_end_of_help_and_are_calls_that_there_are(name: str) -> None:
    assert "Example" not in LEAVES[name].help
    for call in re.findall(r"publisher ([a-z].*)", LEAVES[name].epilog or ""):
        assert call.startswith(name)
        assert set(re.findall(r"(?<!\S)--[a-z-]+", call)) <= options(LEAVES[name])


def test_the_page_names_every_variable_that_is_read() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (HERE / "publisher").rglob("*.py"))
    read = set(re.findall(r"\"(PUBLISHER_[A-Z_]+)\"", code))
    assert read <= set(re.findall(r"PUBLISHER_[A-Z_]+", PAGE[PAGE.index("## Environment") :]))


CALL = re.compile(r"(?<![\w/.@{-])publisher((?: +[a-z][a-z-]*)+)((?: +[^\n`;|)\"]*)?)")
TEXTS = [
    path
    for places in ("*.md", "docs/**/*.md", "editors/**/*.md", "publisher/**/*.py", "publisher/authoring/files/**/*")
    for path in sorted(HERE.glob(places))
    if path.is_file() and path.name != "CHANGELOG.md"
]


def test_every_call_in_a_page_or_a_message_is_one_there_is() -> None:
    """Of a call whose first words are a command: each of its options; ``make`` with a target of the Makefile."""
    targets = re.findall(r"^([a-z][\w-]*):", (HERE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    seen, wrong = 0, []
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        for call in CALL.finditer(text):
            words = call[1].split()
            name = next((one for n in (2, 1) if (one := " ".join(words[:n])) in LEAVES), None)
            given = re.split(r"publisher |,", call[2])[0]  # what follows may be another call
            bad = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", given)) - options(ROOT) - {"--help"}
            if name:
                seen += 1
                bad -= options(LEAVES[name])
                wrong += [f"{path.relative_to(HERE)}: publisher {name} {one}" for one in bad]
        for target in re.findall(r"(?:^|`| {4})make ([a-z][\w-]*)", text, re.MULTILINE):
            seen += 1
            wrong += [f"{path.relative_to(HERE)}: make {target}"] * (target not in targets)
    assert wrong == []
    assert seen > 500
