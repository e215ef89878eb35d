"""``publisher add``: an item from a link."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from publisher.cli.frame import app, chosen_slug, config_of, examples, warn

_LINK = re.compile(r"https?://[^\s<>\"'`|\\^{}）】」』]+", re.IGNORECASE)


@app.command(epilog=examples("publisher add https://example.com/story", "publisher add - < submission.txt"))
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The page; - is the first link on standard input.")],
    issue: Annotated[str | None, typer.Argument(metavar="ISSUE", help="The issue; the newest draft otherwise.")] = None,
) -> None:
    """Make an item from a link: its headline and source, with texts to replace; prints the file's path.

    Title, site, author, date and picture are what the page says of itself; the article's text stays there.
    """
    from publisher.authoring.add import add_item, remarks
    from publisher.diagnostics import rendered
    from publisher.diagnostics.text import printable
    from publisher.errors import UsageError

    config = config_of(context)
    if url == "-":
        found = _LINK.search(sys.stdin.buffer.read(1_000_000).decode("utf-8", "replace"))
        if not found:
            raise UsageError("no link stands on standard input", help="pipe in a text that holds one")
        url = found[0].rstrip(").,;!?。，；！？")
    added = add_item(config, url, chosen_slug(config.root, issue) if issue else None)
    sys.stdout.write(f"{(context.obj / added.path).as_posix()}\n")
    for told in remarks(config, added):
        warn(printable(rendered(told)))
