"""``publisher theme``: which themes there are, and how to own a file of one."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.frame import Format, app, config_of, emit, examples, say, tell

commands = typer.Typer(no_args_is_help=True, help="How the newsletter looks: its themes and their files.")
app.add_typer(commands, name="theme")

File = Annotated[str | None, typer.Argument(metavar="[FILE]", help="A file of the theme; all where none is named.")]


@commands.command("list")
def list_(context: typer.Context, format: Format = "text") -> None:
    """The themes, a line each; the one in use is marked."""
    from publisher.authoring.theme_files import themes

    found = themes(config_of(context))
    if format == "json":
        emit([{"name": name, "description": sentence, "active": used} for name, sentence, used in found])
        return
    for name, sentence, used in found:
        say(f"{'*' if used else ' '} {name}  {sentence}")


@commands.command(epilog=examples("publisher theme eject email/_footer.mjml.j2"))
def eject(
    context: typer.Context,
    file: File = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a copy that is there.")] = False,
) -> int:
    """Copy a file of the theme into templates/, where your copy wins."""
    from publisher.authoring.theme_files import eject as copy

    config = config_of(context)
    written, taken = copy(config, file, force=force)
    for path in written:
        say(path.relative_to(config.root).as_posix())
    for path in taken:
        tell(f"{path.relative_to(config.root).as_posix()} is there already; --force replaces it")
    return 1 if taken else 0


@commands.command()
def diff(context: typer.Context, file: File = None) -> int:
    """What your copies change of the theme, as a unified diff: after an upgrade, what the theme changed too."""
    from publisher.authoring.theme_files import differences

    lines = list(differences(config_of(context), file))
    for line in lines:
        say(line)
    return 1 if lines else 0
