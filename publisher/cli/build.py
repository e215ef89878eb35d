"""``publisher build``: emails and archive; ``wechat``: an issue as an article for WeChat."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.frame import CacheFolder, Format, Issue, app, chosen_slug, chosen_slugs, config_of, examples, opened
from publisher.cli.output import Bar, echo, print_error, remark, show_findings
from publisher.diagnostics import Severity, counted, listed, say
from publisher.errors import ConfigError


@app.command(epilog=examples(
    "publisher build                         all ready issues",
    "publisher build 2024-12-29-ai-weekly    one email, and the whole archive",
    "publisher build --drafts --out /tmp/look",
))  # fmt: skip
def build(
    context: typer.Context,
    issues: Annotated[
        list[str] | None, typer.Argument(metavar="ISSUE", help="Issues whose emails are written; by default, all.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The output folder, relative to --root.")] = Path("dist"),
    drafts: Annotated[bool, typer.Option("--drafts", help="Also build drafts.")] = False,
    format: Format = "text",
    cache: CacheFolder = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Render everything again.")] = False,
) -> int:
    """Build the emails (DIR/email/ISSUE/…) and the archive (DIR/site/…).

    Reports every problem. An issue with an error is not built, and its earlier build is removed; the others are built,
    and the exit status is 1.
    """
    from publisher.diagnostics.machines import render_json
    from publisher.diagnostics.text import printable
    from publisher.site.build import build as run

    try:
        config = config_of(context)
        slugs = chosen_slugs(config.root, issues)
        with Bar(say("building")) as bar:
            result = run(
                config, slugs or (), config.root / out, drafts, use_cache=not no_cache, cache=cache, progress=bar.at
            )
    except ConfigError as error:
        if format == "json":
            sys.stdout.write(render_json(error.diagnostics))
        raise
    status = 0 if result.ok else 1
    if format == "json":
        sys.stdout.write(render_json(result.diagnostics))
        return status
    if result.diagnostics:
        show_findings(result.diagnostics, config.root, sys.stdout, folded=True)
        print()
    site, email = str(result.out / "site"), str(result.out / "email")
    echo(counted("{folder}: {n:,} issue", "{folder}: {n:,} issues", len(result.editions), folder=site))
    echo(counted("{folder}: {n:,} email", "{folder}: {n:,} emails", len(result.emails), folder=email))
    if result.broken:
        echo(say("not built, for their errors: {slugs}", slugs=listed(map(printable, result.broken))))
    if result.drafts:
        echo(say("not built, being drafts (--drafts builds them): {slugs}", slugs=listed(result.drafts)))
    return status


@app.command(epilog=examples("publisher wechat 2024-12-29-ai-weekly    then open index.html and copy"))
def wechat(
    context: typer.Context,
    issue: Issue,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The output folder, relative to --root.")] = Path("dist"),
    draft: Annotated[
        bool, typer.Option("--draft", help="Also upload it to the account's drafts, or update the draft there.")
    ] = False,
) -> int:
    """Write an issue for a 公众号 (WeChat official account).

    Creates DIR/wechat/ISSUE/ with article.html, pictures, and index.html, a page to copy it from. Anything that WeChat
    would refuse is an error with its line; then nothing is written, and the exit status is 1.
    """
    from publisher.channels.wechat import write_article, write_folder
    from publisher.edition.theme import Theme
    from publisher.proofing.proof import proofread
    from publisher.site.build import refuse_among_inputs

    if draft:
        from publisher.channels.wechat_api import credentials, save_draft

        credentials()
    config = config_of(context)
    refuse_among_inputs(config.root, config.root / out)
    issue = chosen_slug(config.root, issue)
    proof = proofread(config, issue, commit=False)
    article, found = write_article(proof.issue, config, draft=draft) if proof.edition and proof.issue else (None, [])
    show_findings(
        [*(one for one in proof.findings if one.severity is not Severity.INFO), *found], config.root, folded=True
    )
    if article is None:
        message = say("{slug} has errors; nothing was written", slug=issue)
        print_error(message, None if found else f"publisher check {issue}")
        return 1
    folder = config.root / out / "wechat" / issue
    write_folder(article, Theme.of(config), folder)
    echo(str(folder / "index.html"))
    if draft:
        with opened(context, config) as (_, database):
            updated = save_draft(article, issue, database)
        new = say("{slug} is new among the drafts of the account; publish it there by hand", slug=issue)
        again = say("{slug} is updated among the drafts of the account; publish it there by hand", slug=issue)
        remark(again if updated else new)
    return 0
