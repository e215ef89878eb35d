"""``publisher wechat``: an issue for a 公众号."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.frame import Issue, app, chosen_slug, complain, config_of, examples, opened, say, show_findings, tell


@app.command(epilog=examples("publisher wechat 2024-12-29-ai-weekly    then open index.html and copy"))
def wechat(
    context: typer.Context,
    issue: Issue,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to build, below the root.")] = Path("dist"),
    draft: Annotated[
        bool, typer.Option("--draft", help="Put it among the account's drafts too, or update the one that is there.")
    ] = False,
) -> int:
    """Write an issue for a 公众号: DIR/wechat/ISSUE/ with article.html, index.html (a page to copy it from), pictures.

    What WeChat would refuse is an error at its line; then nothing is written, and the status is 1.
    """
    from publisher.channels.wechat import write_article, write_folder
    from publisher.diagnostics import Severity
    from publisher.edition.theme import Theme
    from publisher.proofing.proof import proofread

    if draft:
        from publisher.channels.wechat_api import credentials, save_draft

        credentials()
    config = config_of(context)
    issue = chosen_slug(config.root, issue)
    proof = proofread(config, issue, commit=False)
    article, found = write_article(proof.issue, config, draft=draft) if proof.edition and proof.issue else (None, [])
    show_findings(
        [*(one for one in proof.findings if one.severity is not Severity.INFO), *found], config.root, folded=True
    )
    if article is None:
        complain(f"{issue} has errors; nothing was written", f"publisher check {issue}" if not found else None)
        return 1
    folder = config.root / out / "wechat" / issue
    write_folder(article, Theme.of(config), folder)
    say(str(folder / "index.html"))
    if draft:
        with opened(context, config) as (_, database):
            updated = save_draft(article, issue, database)
        tell(f"{issue} is {'updated' if updated else 'new'} among the drafts of the account; publish it there by hand")
    return 0
