"""``publisher publish``: what is due goes out, once."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.frame import Format, app, examples


@app.command(
    epilog=examples(
        "publisher publish",
        "publisher publish --mailed all     a newsletter that moved here: its old issues were mailed elsewhere",
    )
)
def publish(
    context: typer.Context,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where to build, below the root.")] = "dist",
    accept_history: Annotated[
        bool,
        typer.Option("--accept-history", help="Publish this commit although the published one does not lead to it."),
    ] = False,
    mailed: Annotated[
        list[str] | None,
        typer.Option("--mailed", metavar="ISSUE", help="Readers got ISSUE (or: all) by other means; never mail it."),
    ] = None,
    unmailed: Annotated[
        list[str] | None,
        typer.Option("--unmailed", metavar="ISSUE", help="Nobody was mailed ISSUE (or: all that is late); go on."),
    ] = None,
    format: Format = "text",
) -> int:
    """Publish what is due: check, build, deploy the archive, see each page live, send, account.

    Safe to run again at any time, by several at once, and after a crash: it goes on where it stopped, and nobody is
    mailed twice. publisher plan says beforehand what it would do. Exit status: 0 fine; 1 something needs somebody; 2 it
    could not run.
    """
    from publisher.cli.publishing import run
    from publisher.publishing.publish import PublishOptions

    options = PublishOptions(out, accept_history, tuple(mailed or ()), tuple(unmailed or ()))
    return run(context, options, as_json=format == "json")
