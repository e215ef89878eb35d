"""``publisher plan`` and ``publish``: show what is due, and publish it once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from publisher.cli.frame import CacheFolder, Format, app, config_of, examples
from publisher.cli.output import echo, ignore_closed_output


@app.command(epilog=examples(
    "publisher plan",
    "publisher plan --base origin/main",
    "publisher plan --base origin/main --format markdown --pictures pictures",
))  # fmt: skip
def plan(
    context: typer.Context,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Show what would change for readers since this revision.")
    ] = None,
    format: Annotated[
        Literal["text", "json", "markdown"], typer.Option(help="markdown is meant for comments on pull requests.")
    ] = "text",
    cache: CacheFolder = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write pictures of what changed: phone, desktop, light, dark.")
    ] = None,
) -> int:
    """Show what publish would do now and, with --base, how a change affects each edition.

    Writes only the cache and needs no subscribers; recipients are counted if a database is available. Exit status: 0,
    or 1 if a changed issue has errors.
    """
    from publisher.publishing.plan.make import make_plan
    from publisher.publishing.plan.markdown import render_markdown
    from publisher.publishing.plan.model import ChangeKind
    from publisher.publishing.plan.render import render_json, render_text

    made = make_plan(config_of(context), base=base, pictures=pictures, cache=cache)
    if format == "text":
        for line in render_text(made).splitlines():
            echo(line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))
    else:
        typer.echo(render_json(made) if format == "json" else render_markdown(made), nl=False)
    return int(any(change.how is ChangeKind.BROKEN for change in made.changes))


@app.command(epilog=examples(
    "publisher publish",
    "publisher publish --mailed all     a newsletter that moved here: its old issues were mailed elsewhere",
))  # fmt: skip
def publish(
    context: typer.Context,
    out: Annotated[str, typer.Option(metavar="DIR", help="The output folder, relative to --root.")] = "dist",
    accept_history: Annotated[
        bool,
        typer.Option("--accept-history", help="Publish this commit even if the published one is not its ancestor."),
    ] = False,
    mailed: Annotated[
        list[str] | None,
        typer.Option(metavar="ISSUE", help="Never mail ISSUE (or: all), which readers got by other means."),
    ] = None,
    unmailed: Annotated[
        list[str] | None, typer.Option(metavar="ISSUE", help="Nobody got ISSUE (or: all that is late); continue.")
    ] = None,
    cache: CacheFolder = None,
    format: Format = "text",
) -> int:
    """Publish what is due: check, build, deploy the archive, verify its pages, send, print the account.

    Safe to run again at any time, several times at once, and after a crash: it continues where it stopped, and nobody
    is mailed twice. publisher plan shows beforehand what it would do. Exit status: 0 success; 1 something needs
    attention; 2 it could not run.
    """
    from publisher.cli.publishing import run
    from publisher.publishing.publish import PublishOptions

    ignore_closed_output()
    options = PublishOptions(out, accept_history, tuple(mailed or ()), tuple(unmailed or ()), cache=cache)
    return run(context, options, as_json=format == "json")
