"""``publisher theme``: list themes, and copy files of one to change them."""

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.frame import Format, app, chosen_slug, config_of, examples
from publisher.cli.output import echo, emit, remark
from publisher.diagnostics import listed, rendered, say
from publisher.errors import UsageError

commands = typer.Typer(no_args_is_help=True, help="Manage the newsletter's themes and their files.")
app.add_typer(commands, name="theme")

_OUT = Path("dist/themes")
File = Annotated[str | None, typer.Argument(metavar="FILE", help="A file of the theme; by default, all.")]


@commands.command("list")
def list_(context: typer.Context, format: Format = "text") -> None:
    """List the themes, one per line; the one in use is marked."""
    from publisher.authoring.theme_files import themes

    found = themes(config_of(context))
    if format == "json":
        emit([{"name": name, "description": sentence, "active": used} for name, sentence, used in found])
        return
    for name, sentence, used in found:
        echo(f"{'*' if used else ' '} {name}  {rendered(sentence)}")


@commands.command(epilog=examples("publisher theme eject email/_footer.mjml.j2"))
def eject(
    context: typer.Context,
    file: File = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing copy.")] = False,
) -> int:
    """Copy a file of the theme into templates/, where your copy is used instead."""
    from publisher.authoring.theme_files import eject as copy

    config = config_of(context)
    written, taken = copy(config, file, force=force)
    for path in written:
        echo(path.relative_to(config.root).as_posix())
    for path in taken:
        remark(say("{path} is there already; --force replaces it", path=path.relative_to(config.root).as_posix()))
    return 1 if taken else 0


@commands.command(epilog=examples("publisher theme preview", "publisher theme preview magazine"))
def preview(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A theme; by default, all.")] = None,
    issue: Annotated[str | None, typer.Option(metavar="SLUG", help="The issue; newest by default.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The output folder, relative to --root.")] = _OUT,
) -> None:
    """Show an issue in each theme: mail and pages, light and dark, side by side. Prints the page's path."""
    from publisher.authoring.theme_files import preview_themes, themes
    from publisher.issue.folder import discover

    config = config_of(context)
    known = [one for one, _, _ in themes(config)]
    if name is not None and name not in known:
        advice = say("take one of {known}", known=listed(known))
        raise UsageError(say("there is no theme {name}", name=name), help=advice)
    slugs = discover(config.root)
    if not slugs:
        raise UsageError(say("there is no issue to show"), help=say("publisher new SLUG makes one"))
    slug = chosen_slug(config.root, issue) if issue else slugs[-1]
    page = preview_themes(config, slug, [name] if name else known, config.root / out)
    echo(page.relative_to(config.root).as_posix() if page.is_relative_to(config.root) else page.as_posix())


@commands.command()
def diff(context: typer.Context, file: File = None) -> int:
    """Compare your copies with the theme, as a unified diff; after an upgrade it includes the theme's changes."""
    from publisher.authoring.theme_files import differences

    lines = list(differences(config_of(context), file))
    for line in lines:
        echo(line)
    return 1 if lines else 0
