"""What all commands share: the application, common arguments and options, config and database.

A command returns its exit status; None is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from publisher.diagnostics import say
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.database import Database

app = typer.Typer(
    name="publisher",
    help="A newsletter publishing pipeline: from committed files to one message per inbox and a web archive.",
    no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def examples(*lines: str) -> str:
    """Example calls as the epilog of ``--help``, one per line."""
    return f"Example: {lines[0]}" if len(lines) == 1 else "\n\n".join(("Examples:", *lines))


def moment_back(option: str, span: str) -> datetime:
    """The moment ``span`` (an option's value) before now. Raises UsageError."""
    from publisher.audience.model import shifted

    try:
        return shifted(datetime.now(UTC), span, -1)
    except ValueError as error:
        advice = say("write a number and d, w, m (months) or y, such as 12m")
        raise UsageError(say("{slug}: {told}", slug=option, told=error), help=advice) from None


def config_of(context: typer.Context) -> Config:
    """Load the config of the newsletter at ``--root``. Raises ConfigError."""
    from publisher.config import load_config

    return load_config(context.obj)


@contextmanager
def opened(
    context: typer.Context, config: Config | None = None, *, mails: bool = False
) -> Iterator[tuple[Config, Database]]:
    """The config, loaded unless given, and the database, closed after the block. Raises ConfigError, DatabaseError.

    With ``mails``, raises UsageError if the config still has the sample's values.
    """
    from publisher.config.load import refuse_placeholders
    from publisher.database import open_database

    config = config or config_of(context)
    if mails:
        refuse_placeholders(config)
    with closing(open_database(config)) as database:
        yield config, database


@contextmanager
def needs_extra(extra: str, package: str) -> Iterator[None]:
    """Context for imports of a package that an extra installs. Raises UsageError if it is missing."""
    try:
        yield
    except ImportError as error:  # also raised if an older release of the package is installed
        if (error.name or "").startswith("publisher"):
            raise
        message = say("this needs {package}", package=package)
        raise UsageError(message, help=f"pip install 'newsletter-publisher[{extra}]'") from error


def slug_of(name: str | None) -> str | None:
    """Callback of arguments: the slug in ``issues/SLUG/``, as shells complete it. Does not check that it exists."""
    parts = Path(name).parts if name else ()
    if "issues" in parts[:-1]:
        return parts[len(parts) - 1 - parts[::-1].index("issues") + 1]
    return parts[0] if len(parts) == 1 else name


def chosen_slugs(root: Path, named: Sequence[str] | None) -> list[str] | None:
    """The slugs of the issues ``named`` as ``SLUG``, ``issues/SLUG`` or a file in it; ``None`` if none is named.

    Raises ``UsageError`` for one that does not exist, listing those that do.
    """
    from publisher.issue.folder import discover, is_file, is_folder, leads_inside
    from publisher.issue.series import steps_of

    if not named:
        return None
    known = [*discover(root), *steps_of(root)]
    slugs = list(dict.fromkeys(slug_in(root, name) for name in named))
    if strange := next((slug for slug in slugs if slug not in known), None):
        if leads_inside(root, root / strange) and (is_file(root / strange) or is_folder(root / strange)):
            whole = say("name an issue; publisher check without a name looks at every file")
            raise UsageError(say("{path} is no issue", path=strange), help=whole)
        from publisher.proofing.proof import no_issue

        raise no_issue(strange, known)
    return slugs


def chosen_slug(root: Path, name: str) -> str:
    """The slug of the one issue ``name``. Raises ``UsageError``."""
    return (chosen_slugs(root, [name]) or [name])[0]


def slug_in(root: Path, name: str) -> str:
    """The folder's name in ``name``, a slug or a path from the root or the current folder; it need not exist."""
    if (slug := slug_of(name)) and slug != name:
        return slug
    from publisher.issue.series import slug_of_path

    top, path = root.resolve(), Path(name).resolve()
    inner = str(path.relative_to(top)) if len(Path(name).parts) > 1 and path.is_relative_to(top) else ""
    return slug_of_path(name) or slug_of_path(inner) or name


Format = Annotated[Literal["text", "json"], typer.Option("--format", help="json is meant for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Issue = Annotated[str, typer.Argument(metavar="ISSUE", callback=slug_of, help="The issue's folder name.")]
OneIssue = Annotated[str | None, typer.Argument(metavar="ISSUE", callback=slug_of, help="One issue; by default, all.")]
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", metavar="FOLDER", help="Cache what is rendered in this folder, which CI can keep."),
]
