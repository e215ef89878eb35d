"""``publisher suppressions``: who is never mailed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from publisher.cli.console import console

if TYPE_CHECKING:
    from publisher.providers import Provider
    from publisher.providers.provider import SuppressionList

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="json is for machines.")]
Mailbox = Annotated[str, typer.Argument(metavar="ADDRESS", help="An email address.")]

commands = typer.Typer(no_args_is_help=True, help="Who is never mailed, and why.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="suppressions")


@commands.command("list")
def list_(context: typer.Context, format: Format = "text") -> None:
    """Every suppressed address with its reason, oldest first."""
    from publisher.audience.suppressions import all_suppressions

    with _database(context).connect() as connection:
        found = all_suppressions(connection)
        if format == "json":
            rows = (
                {"email": s.mailbox_key, "reason": s.reason.value, "detail": s.detail, "at": s.at.isoformat()}
                for s in found
            )
            sys.stdout.write(json.dumps(list(rows), ensure_ascii=False, indent=2) + "\n")
            return
        for s in found:
            when = s.at.isoformat(timespec="seconds")
            console.print(f"{s.mailbox_key}  {s.reason.value}  {when}  {s.detail}".rstrip(), markup=False)


@commands.command("add")
def add(
    context: typer.Context,
    address: Mailbox,
    note: Annotated[str, typer.Option(help="Why, for whoever looks later.")] = "",
) -> None:
    """Never mail this address."""
    from publisher.audience.suppressions import Reason, suppress

    key = _key(address)
    with _database(context).begin() as connection:
        new = suppress(connection, key, Reason.MANUAL, note)
    console.print("suppressed" if new else "was suppressed already")


@commands.command("remove")
def remove(context: typer.Context, address: Mailbox) -> None:
    """Allow mail to this address again. Consent is another matter: it stays as it is."""
    from publisher.audience.suppressions import release
    from publisher.errors import UsageError

    key = _key(address)
    with _database(context).begin() as connection:
        if not release(connection, key):
            raise UsageError("the address is not suppressed", help="publisher suppressions list shows who is")
    console.print("released")


@commands.command("pull")
def pull(context: typer.Context) -> None:
    """Suppress here whom the provider suppresses for the account: Amazon SES, unless another with a list is in use."""
    from publisher.providers import suppression_list

    theirs, title = _theirs(context)
    seen, new = suppression_list.pull(_database(context), theirs, title)
    console.print(f"{seen} on the list of {title}, {new} of them new here")


@commands.command("push")
def push(context: typer.Context) -> None:
    """Put whoever bounced or complained here on the provider's list; Amazon SES takes about one a second."""
    from publisher.providers import suppression_list

    theirs, title = _theirs(context)
    console.print(f"{suppression_list.push(_database(context), theirs)} told to {title}")


def _theirs(context: typer.Context) -> tuple[SuppressionList, str]:
    """The list of the provider in use, or of the first that has one: a relay may hand on to SES."""
    from publisher.config import load_config
    from publisher.providers import first

    def ask(provider: Provider) -> tuple[SuppressionList, str] | None:
        theirs = provider.suppression_list()
        return (theirs, provider.title) if theirs else None

    found = first(load_config(context.obj), ask)
    assert found is not None  # SES has one
    return found


def _database(context: typer.Context) -> Any:
    from publisher.config import load_config
    from publisher.database import open_database

    return open_database(load_config(context.obj))


def _key(text: str) -> str:
    from publisher.audience.address import AddressError, read_address
    from publisher.errors import UsageError

    try:
        return read_address(text).mailbox_key
    except AddressError as error:
        raise UsageError(str(error), help="write an address such as reader@example.com") from None
