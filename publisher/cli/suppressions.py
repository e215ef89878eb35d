"""``publisher suppressions``: addresses that are never mailed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.frame import Format, app, opened
from publisher.cli.output import echo, emit
from publisher.cli.subscribers import Person
from publisher.diagnostics import rendered, say
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.providers import Provider
    from publisher.providers.provider import SuppressionList

commands = typer.Typer(no_args_is_help=True, help="Manage the addresses that are never mailed.")
app.add_typer(commands, name="suppressions")


@commands.command("list")
def list_(context: typer.Context, format: Format = "text") -> None:
    """List the suppressed addresses with their reasons, oldest first."""
    from publisher.audience.suppressions import all_suppressions
    from publisher.delivery.states import word

    with opened(context) as (_, database), database.connect() as connection:
        found = all_suppressions(connection)
        if format == "json":
            emit({"email": s.mailbox_key, "reason": s.reason.value, "detail": s.detail, "at": s.at.isoformat()}
                 for s in found)  # fmt: skip
            return
        for s in found:
            reason = rendered(word(s.reason))
            echo(f"{s.mailbox_key}  {reason}  {s.at.isoformat(timespec='seconds')}  {s.detail}".rstrip())


@commands.command()
def add(
    context: typer.Context,
    address: Person,
    note: Annotated[str, typer.Option(help="The reason, for later reference.")] = "",
) -> None:
    """Suppress an address: it is never mailed."""
    from publisher.audience.suppressions import Reason, suppress

    with opened(context) as (_, database), database.begin() as connection:
        new = suppress(connection, address.mailbox_key, Reason.MANUAL, note)
    echo(say("suppressed") if new else say("was suppressed already"))


@commands.command()
def remove(context: typer.Context, address: Person) -> None:
    """Allow mail to an address again. Its consent does not change."""
    from publisher.audience.model import ConsentSource
    from publisher.audience.store import find
    from publisher.audience.suppressions import end_silence, release

    with opened(context) as (_, database), database.begin() as connection:
        person = find(connection, address)
        silent = person is not None and end_silence(connection, person, ConsentSource.COMMAND)
        if not (silent or release(connection, address.mailbox_key)):
            raise UsageError(say("the address is not suppressed"), help=say("publisher suppressions list shows who is"))
    echo(say("released"))


@commands.command()
def pull(context: typer.Context) -> None:
    """Import the provider's suppression list: that of Amazon SES, unless another provider with a list is in use."""
    with opened(context) as (config, database):
        theirs, title = _theirs(config)
        seen, new = theirs.pull(database, title)
    echo(say("{n} on the list of {title}, {new} of them new here", n=seen, title=title, new=new))


@commands.command()
def push(context: typer.Context) -> None:
    """Add addresses that bounced or complained to the provider's list; Amazon SES takes about one per second."""
    with opened(context) as (config, database):
        theirs, title = _theirs(config)
        echo(say("{n} told to {title}", n=theirs.push(database), title=title))


def _theirs(config: Config) -> tuple[SuppressionList, str]:
    """The suppression list of the configured provider, or of the first that has one: a relay may use SES."""
    from publisher.providers import first

    def ask(provider: Provider) -> tuple[SuppressionList, str] | None:
        theirs = provider.suppression_list()
        return (theirs, provider.title) if theirs else None

    found = first(config, ask)
    assert found is not None  # SES has one
    return found
