"""``publisher build``: emails and archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.frame import (
    Bar,
    CacheFolder,
    Format,
    app,
    chosen_slugs,
    config_of,
    console,
    counted,
    examples,
    show_findings,
)


@app.command(
    no_args_is_help=False,
    epilog=examples(
        "publisher build                         all ready issues",
        "publisher build 2024-12-29-ai-weekly    one email, and the whole archive",
        "publisher build --drafts --out /tmp/look",
    ),
)
def build(
    context: typer.Context,
    issues: Annotated[
        list[str] | None, typer.Argument(metavar="ISSUE", help="Issues whose emails to write; all by default.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to build, below the root.")] = Path("dist"),
    drafts: Annotated[bool, typer.Option("--drafts", help="Build drafts too.")] = False,
    format: Format = "text",
    cache: CacheFolder = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Render everything anew.")] = False,
) -> int:
    """Build emails and the archive: DIR/email/ISSUE/… and DIR/site/….

    Every problem is reported. An issue with an error is not built, and what an earlier build made of it is removed; the
    others are built, and the status is 1.
    """
    from publisher.diagnostics.machines import render_json
    from publisher.diagnostics.text import printable
    from publisher.errors import ConfigError
    from publisher.site.build import build as run

    try:
        config = config_of(context)
    except ConfigError as error:
        if format == "json":
            sys.stdout.write(render_json(error.diagnostics))
        raise
    slugs = chosen_slugs(config.root, issues)
    with Bar("building") as bar:
        result = run(
            config, slugs or (), config.root / out, drafts, use_cache=not no_cache, cache=cache, progress=bar.at
        )
    status = 0 if result.ok else 1
    if format == "json":
        sys.stdout.write(render_json(result.diagnostics))
        return status
    if result.diagnostics:
        show_findings(result.diagnostics, config.root, console, folded=True)
        print()
    print(f"{result.out / 'site'}: {counted(len(result.editions), 'issue')}")
    print(f"{result.out / 'email'}: {counted(len(result.emails), 'email')}")
    if result.broken:
        print(f"not built, for their errors: {printable(', '.join(result.broken))}")
    if result.drafts:
        print(f"not built, being drafts (--drafts builds them): {', '.join(result.drafts)}")
    return status
