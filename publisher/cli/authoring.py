"""``publisher init``, ``new``, ``add`` and ``draft``: commands that write files for editors."""

from __future__ import annotations

import difflib
import re
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from publisher.cli.frame import Issue, app, chosen_slug, config_of, examples
from publisher.cli.output import echo, remark, show_findings, warn
from publisher.diagnostics import Diagnostic, counted, listed, rendered, say
from publisher.errors import UsageError, refusal

if TYPE_CHECKING:
    from publisher.authoring.repository import NewRepository

drafts = typer.Typer(help="Draft parts of an issue, for an editor to review and commit.", no_args_is_help=True)
app.add_typer(drafts, name="draft")


@app.command(epilog=examples("publisher init my-newsletter --language en"))
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; created if it does not exist.")],
    language: Annotated[
        str, typer.Option(metavar="TAG", help="Language of the newsletter and its first issue, such as zh-TW or de.")
    ] = "zh-CN",
    ci: Annotated[
        Literal["github", "gitlab", "none"] | None,
        typer.Option(help="Whose CI checks and publishes; by default, that of the git remote.", show_default=False),
    ] = None,
    accent: Annotated[str | None, typer.Option(metavar="COLOUR", help="The brand's colour, such as '#0b57d0'.")] = None,
    logo: Annotated[Path | None, typer.Option(metavar="FILE", help="The brand's logo; the file is copied.")] = None,
) -> None:
    """Create a newsletter repository: config, theme, a sample issue, CI. Never overwrites a file.

    In an existing newsletter, --ci adds the CI.
    """
    from publisher.authoring.repository import StarterBrand, make_repository

    made = make_repository(folder, language, ci, StarterBrand.of(accent, logo))
    if made.new:
        about: dict[str, str | int] = {"folder": str(folder), "n": len(made.written)}
        plain = say("Made a newsletter in {folder}: {n} files.", **about)
        begun = say("Made a newsletter in {folder}: {n} files, in a git repository of its own.", **about)
        echo(begun if made.git == "begun" else plain)
    for line in _remarks(made):
        echo(line)
    if made.new:
        cd = f"cd {shlex.quote(str(folder))} && " if folder.resolve() != Path.cwd() else ""
        today = datetime.now().astimezone().date()
        echo("")
        echo(say("Now type:"))
        echo("")
        for step in (f"{cd}publisher preview", f"publisher new {today}-weekly", "publisher check"):
            echo(f"  {step}")
        echo("")
        echo(say("config.yaml has the name and the addresses to change; README.md goes on from here."))


def _remarks(made: NewRepository) -> list[str]:
    """Remarks about the new repository, one per line."""
    said: list[str] = [say("Kept your {name}.", name=name) for name in made.kept]
    if ".gitignore" in made.kept:
        said.append(say("Add these lines to it: /.publisher/ /dist/ /outbox/ *.csv *.eml"))
    if made.forge == "gitlab" and made.ci[0] in made.kept:
        said.append(say("Add this line to it: include: { local: .gitlab/publisher.gitlab-ci.yml }"))
    if made.forge != "none":
        about = {"forge": made.forge, "files": listed(made.ci)}
        plain = say("CI of {forge}: {files}. Its first lines say what it needs to publish.", **about)
        guess = say(
            "CI of {forge}, as git remote says: {files}. Its first lines say what it needs to publish.", **about
        )
        said.append(guess if made.guessed else plain)
    elif made.guessed:
        said.append(
            say("No CI, for no git remote names GitHub or GitLab: --ci github or --ci gitlab adds it, later as well.")
        )
    if made.git == "missing":
        message = say("No git repository was begun: git is missing, or refused. Type git init here once it is there.")
        said.append(message)
    return said


@app.command(epilog=examples("publisher new 2025-01-05-weekly", "publisher new --from digest.txt"))
def new(
    context: typer.Context,
    slug: Annotated[
        str | None, typer.Argument(metavar="SLUG", help="a-z, 0-9, hyphens; usually the date first.")
    ] = None,
    pasted: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Create it from a digest, plain text or Markdown; - is standard input."
        ),
    ] = None,
) -> None:
    """Create a draft issue to fill in: issues/SLUG/issue.yaml and a first item.

    With --from, converts a digest whose first line is the title; SLUG is then optional. Text that no file took over and
    problems to fix are reported.
    """
    config, told = config_of(context), None
    findings: tuple[Diagnostic, ...] = ()
    if pasted is not None:
        from publisher.authoring.paste import paste_issue

        paste = paste_issue(config, _pasted(pasted), str(pasted), slug)
        made, told, findings = paste.made, paste.told, paste.findings
    elif slug is None:
        raise UsageError(say("new needs a slug, or a text to make the issue of"), help=say("type publisher new SLUG"))
    else:
        from publisher.authoring.issue import make_issue

        made = make_issue(config, slug)
    echo(say("Made a draft for {day}:", day=made.date.isoformat()))
    echo("")
    for name in made.files:
        echo(f"  {(context.obj / name).as_posix()}")
    echo("")
    filled = say("Read it over, with publisher preview {slug} beside you; status: ready lets it out.", slug=made.slug)
    empty = say("Fill it in, with publisher preview {slug} beside you; status: ready lets it out.", slug=made.slug)
    echo(filled if pasted else empty)
    if told:
        from publisher.diagnostics.text import printable

        remark(printable(rendered(told)))
    show_findings(findings, config.root, folded=True)


def _pasted(file: Path) -> bytes:
    """The content of a file or of standard input, at most one byte more than the maximum size."""
    from publisher.documents.text import MAX_BYTES

    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with (
        refusal(say("{path} cannot be read", path=str(file)), say("name a file with the digest")),
        file.open("rb") as opened,
    ):
        return opened.read(MAX_BYTES + 1)


@drafts.command(epilog=examples("publisher draft key-points 2024-12-29-ai-weekly -n 4"))
def key_points(
    context: typer.Context,
    issue: Issue,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=12, help="The number of points.")] = 5,
    replace: Annotated[bool, typer.Option("--replace", help="Replace existing key points.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change without writing it.")] = False,
) -> None:
    """Draft the key points of an issue into its issue.yaml.

    Uses the model that llm.url and llm.model in config.yaml name (key: PUBLISHER_LLM_API_KEY). Without one, extracts
    the most telling sentences offline. The numbers in the draft are checked against the items at once.
    """
    from publisher.authoring.draft import draft_key_points

    config = config_of(context)
    slug = chosen_slug(config.root, issue)
    draft = draft_key_points(config, slug, count=count, replace=replace)
    before, after = draft.before.splitlines(), draft.after.splitlines()
    for line in list(difflib.unified_diff(before, after, draft.path, draft.path, lineterm=""))[2:]:
        echo(line, {"+": "green", "-": "red"}.get(line[:1], "dim"))
    if dry_run:
        return
    draft.write(config)
    remark(counted(
        "{path}: {n} point by {by}; read and mend it", "{path}: {n} points by {by}; read and mend them",
        len(draft.texts), path=draft.path, by=draft.by,
    ))  # fmt: skip
    show_findings(draft.doubts(config, slug), config.root)


@drafts.command(epilog=examples("publisher draft headline 2024-12-29-ai-weekly openai-pbc.md --write"))
def headline(
    context: typer.Context,
    issue: Issue,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item's file name or anchor.")],
    write: Annotated[bool, typer.Option("--write", help="Write it into the item's file, marked as drafted.")] = False,
) -> None:
    """Draft the headline of an item from its body, with the model set in config.yaml.

    Prints the headline; --write puts it into the item's file with its origin, and checks it against the body.
    """
    from publisher.authoring.draft import draft_headline
    from publisher.diagnostics.text import printable

    config = config_of(context)
    slug = chosen_slug(config.root, issue)
    draft = draft_headline(config, slug, item, write=write)
    echo(printable(draft.texts[0]))
    if write:
        draft.write(config)
        remark(say("{path}: a headline by {by}; read and mend it", path=draft.path, by=draft.by))
        show_findings(draft.doubts(config, slug), config.root)


@drafts.command(epilog=examples("publisher draft translation 2024-12-29-ai-weekly en"))
def translation(
    context: typer.Context,
    issue: Issue,
    language: Annotated[str, typer.Argument(metavar="LANGUAGE", help="Translate into this, such as zh-TW.")],
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", help="Default: the issue's and the language.")] = None,
) -> int:
    """Draft a translation of an issue, item by item, with the model set in config.yaml.

    Nothing is overwritten. If the model's answer does not preserve a text, the original stays, and exit status is 1.
    """
    from publisher.authoring.translate import draft_translation
    from publisher.checks.engine import check_issue
    from publisher.diagnostics.text import printable

    config = config_of(context)
    drafted = draft_translation(config, chosen_slug(config.root, issue), language, slug)
    for name in drafted.made.files:
        echo((context.obj / name).as_posix())
    for name, why in drafted.left.items():
        warn(printable(rendered(say("{name} is not translated: {why}", name=name, why=why))))
    show_findings(check_issue(config, drafted.made.slug)[1], config.root)
    return int(bool(drafted.left))


_LINK = re.compile(r"https?://[^\s<>\"'`|\\^{}）】」』]+", re.IGNORECASE)


@app.command(epilog=examples("publisher add https://example.com/story", "publisher add - < submission.txt"))
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The page; - takes the first link on standard input.")],
    issue: Annotated[str | None, typer.Argument(metavar="ISSUE", help="The issue; newest draft by default.")] = None,
) -> None:
    """Create an item from a link: its headline and source, and text to fill in. Prints the file's path.

    Title, site, author, date and picture come from the page's metadata; the article's text is never copied.
    """
    from publisher.authoring.add import add_item, remarks
    from publisher.diagnostics.text import printable

    config = config_of(context)
    if url == "-":
        found = _LINK.search(sys.stdin.buffer.read(1_000_000).decode("utf-8", "replace"))
        if not found:
            raise UsageError(say("there is no link on standard input"), help=say("pipe in a text that holds one"))
        url = found[0].rstrip(").,;!?。，；！？")
    added = add_item(config, url, chosen_slug(config.root, issue) if issue else None)
    sys.stdout.write(f"{(context.obj / added.path).as_posix()}\n")
    for told in remarks(config, added):
        warn(printable(rendered(told)))
