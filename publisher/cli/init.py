"""``publisher init``: a new newsletter repository."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
    ) -> None:
        """Make a newsletter repository: config, theme and a sample issue. Nothing is ever overwritten."""
        from publisher.scaffold import make_repository

        made = make_repository(folder, language.value)
        console.print(f"Made a newsletter in {folder}: {len(made.written)} files.", markup=False)
        for name in made.kept:
            console.print(f"Kept your {name}.", markup=False)
        if ".gitignore" in made.kept:
            console.print("Add these lines to it: /.publisher/ /dist/ /outbox/ *.csv *.eml", markup=False)
        steps = (
            *([f"cd {folder}"] if folder.resolve() != Path.cwd() else []),
            "publisher check",
            "publisher build",
            "publisher subscribers add ada@example.com",
            f"publisher send {made.slug}",
        )
        console.print("\nNow type:\n")
        for step in steps:
            console.print(f"  {step}", markup=False)
        console.print("\nThe archive is then in dist/site, the mail in outbox. config.yaml has the name to change.")
