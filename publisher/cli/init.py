"""``publisher init``: a new newsletter repository."""

from __future__ import annotations

import shlex
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from publisher.cli.console import console


class Language(StrEnum):
    """The languages a repository can begin in."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        epilog="Example:  publisher init my-newsletter --language en",
    )
    def init(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; made where it does not exist.")],
        language: Annotated[
            Language, typer.Option(help="Language of the newsletter and of its sample issue.")
        ] = Language.CHINESE,
        ci: Annotated[
            Literal["github", "gitlab", "none"] | None,
            typer.Option(
                help="Whose CI shall check and publish; guessed from git remote otherwise.", show_default=False
            ),
        ] = None,
    ) -> None:
        """Make a newsletter repository: config, theme, a sample issue, CI. Nothing is ever overwritten.

        In a newsletter that is there already, --ci adds the CI.
        """
        from publisher.authoring.repository import make_repository

        made = make_repository(folder, language.value, ci)
        if made.new:
            git = ", in a git repository of its own" if made.git == "begun" else ""
            console.print(f"Made a newsletter in {folder}: {len(made.written)} files{git}.", markup=False)
        for line in _remarks(made):
            console.print(line, markup=False)
        if made.new:
            _next_steps(folder)


def _next_steps(folder: Path) -> None:
    cd = f"cd {shlex.quote(str(folder))} && " if folder.resolve() != Path.cwd() else ""
    today = datetime.now().astimezone().date()
    console.print("\nNow type:\n")
    for step in (f"{cd}publisher preview", f"publisher new {today}-weekly", "publisher check"):
        console.print(f"  {step}", markup=False)
    console.print("\nconfig.yaml has the name and the addresses to change; README.md goes on from here.")


def _remarks(made: Any) -> list[str]:
    """What somebody has to know of the repository that was made, a line each."""
    said = [f"Kept your {name}." for name in made.kept]
    if ".gitignore" in made.kept:
        said.append("Add these lines to it: /.publisher/ /dist/ /outbox/ *.csv *.eml")
    if made.forge == "gitlab" and made.ci[0] in made.kept:
        said.append("Add this line to it: include: { local: .gitlab/publisher.gitlab-ci.yml }")
    if made.forge != "none":
        guessed = ", as git remote says" if made.guessed else ""
        said.append(f"CI of {made.forge}{guessed}: {', '.join(made.ci)}. Its first lines say what it needs to publish.")
    elif made.guessed:
        said.append(
            "No CI, for no git remote names GitHub or GitLab: --ci github or --ci gitlab adds it, later as well."
        )
    if made.git == "missing":
        said.append("No git repository was begun: git is missing, or refused. Type git init here once it is there.")
    return said
