"""``publisher suppressions``: who is never mailed."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

import typer

from publisher.cli.console import console

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
    """Suppress here whom Amazon SES suppresses for the account."""
    from publisher.config import load_config
    from publisher.providers.ses import suppression_list

    ses = suppression_list.open_list(load_config(context.obj).delivery.ses.region)
    seen, new = suppression_list.pull(_database(context), ses)
    console.print(f"{seen} on the list of SES, {new} of them new here")


@commands.command("push")
def push(context: typer.Context) -> None:
    """Put whoever bounced or complained here on Amazon SES's list for the account, about one a second."""
    from publisher.config import load_config
    from publisher.providers.ses import suppression_list

    ses = suppression_list.open_list(load_config(context.obj).delivery.ses.region)
    console.print(f"{suppression_list.push(_database(context), ses)} told to SES")


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
