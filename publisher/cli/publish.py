"""``publisher plan`` and ``publish``: show what is due, and publish it once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from publisher.cli.frame import CacheFolder, Format, app, config_of, examples
from publisher.cli.output import put, work_on_unheard


@app.command(
    epilog=examples(
        "publisher plan",
        "publisher plan --base origin/main",
        "publisher plan --base origin/main --format markdown --pictures pictures",
    )
)
def plan(
    context: typer.Context,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Compare with this revision: what would change for readers.")
    ] = None,
    format: Annotated[
        Literal["text", "json", "markdown"], typer.Option(help="markdown is made for a pull request's comment.")
    ] = "text",
    cache: CacheFolder = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures of what changed: phone, desktop, light, dark.")
    ] = None,
) -> int:
    """Say what publish would do now, and with --base what a change does to each edition.

    Writes nothing but the cache and needs no subscriber; numbers of recipients are shown where a database is at hand.
    Exit status: 0, or 1 where a touched issue has errors.
    """
    from publisher.publishing.plan.make import make_plan
    from publisher.publishing.plan.markdown import render_markdown
    from publisher.publishing.plan.model import ChangeKind
    from publisher.publishing.plan.render import render_json, render_text

    made = make_plan(config_of(context), base=base, pictures=pictures, cache=cache)
    if format == "text":
        for line in render_text(made).splitlines():
            put(line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))
    else:
        typer.echo(render_json(made) if format == "json" else render_markdown(made), nl=False)
    return int(any(change.how is ChangeKind.BROKEN for change in made.changes))


@app.command(
    epilog=examples(
        "publisher publish",
        "publisher publish --mailed all     a newsletter that moved here: its old issues were mailed elsewhere",
    )
)
def publish(
    context: typer.Context,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where to build, below the root.")] = "dist",
    accept_history: Annotated[
        bool,
        typer.Option("--accept-history", help="Publish this commit although the published one does not lead to it."),
    ] = False,
    mailed: Annotated[
        list[str] | None,
        typer.Option(metavar="ISSUE", help="Readers got ISSUE (or: all) by other means; never mail it."),
    ] = None,
    unmailed: Annotated[
        list[str] | None, typer.Option(metavar="ISSUE", help="Nobody was mailed ISSUE (or: all that is late); go on.")
    ] = None,
    cache: CacheFolder = None,
    format: Format = "text",
) -> int:
    """Publish what is due: check, build, deploy the archive, see each page live, send, account.

    Safe to run again at any time, by several at once, and after a crash: it goes on where it stopped, and nobody is
    mailed twice. publisher plan says beforehand what it would do. Exit status: 0 fine; 1 something needs somebody; 2 it
    could not run.
    """
    from publisher.cli.publishing import run
    from publisher.publishing.publish import PublishOptions

    work_on_unheard()
    options = PublishOptions(out, accept_history, tuple(mailed or ()), tuple(unmailed or ()), cache=cache)
    return run(context, options, as_json=format == "json")
