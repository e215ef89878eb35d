"""``publisher subscribers``: manage subscribers. Addresses go to standard output only and are never logged."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, Yes, app, chosen_slug, examples, opened, slug_of
from publisher.cli.output import agreed, as_file, echo, emit, remark
from publisher.diagnostics import counted, listed, message_of, rendered, say
from publisher.errors import UsageError, refusal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.audience.address import Address
    from publisher.audience.model import Subscriber


def _address(text: str) -> Any:
    from publisher.audience.address import AddressError, read_address

    try:
        return read_address(text)
    except AddressError as error:
        raise UsageError(message_of(error), help=say("write an address such as reader@example.com")) from None


if TYPE_CHECKING:
    Person = Address
else:  # an argument, which the callback has parsed into an Address
    Person = Annotated[str, typer.Argument(metavar="ADDRESS", callback=_address, help="An email address.")]

commands = typer.Typer(no_args_is_help=True, help="Import, export and manage subscribers.")
app.add_typer(commands, name="subscribers")


@commands.command("list", epilog=examples("publisher subscribers list --of 2024-12-29-weekly --state rejected"))
def list_(
    context: typer.Context,
    of: Annotated[
        str | None, typer.Option(metavar="ISSUE", callback=slug_of, help="Who got this issue and who did not, and why.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="With --of: only this state, as in status; repeatable.")
    ] = None,
    format: Format = "text",
) -> None:
    """List all subscribers' addresses, one per line, oldest first; with --of, also who got an issue."""
    from publisher.audience.store import everybody

    if state and not of:
        raise UsageError(say("--state is of an issue"), help=say("name it with --of ISSUE"))
    with opened(context) as (_, database), database.connect() as connection:
        if of:
            _list_of(context, connection, of, state or (), format)
            return
        found = everybody(connection)
        if format == "text":
            sys.stdout.writelines(f"{person.address}\n" for person in found)
            return
        emit(
            {"email": person.address, "state": person.state.value, "name": person.name, "language": person.language,
             "topics": list(person.topics), "attributes": dict(person.attributes)}
            for person in found
        )  # fmt: skip


def _list_of(context: typer.Context, connection: Connection, issue: str, states: Sequence[str], format: str) -> None:
    from publisher.audience.store import everybody
    from publisher.delivery.states import FEEDBACK, RecipientState, word
    from publisher.insights.store import standings

    words = (*(one.value for one in RecipientState), *FEEDBACK)
    if strange := sorted(set(states) - set(words)):
        advice = say("use one of {near}", near=listed(words))
        raise UsageError(say("there is no state {name}", name=strange[0]), help=advice)
    found = standings(connection, issue)
    if not found:
        chosen_slug(context.obj, issue)
        advice = say("publisher status lists the mailings")
        raise UsageError(say("nothing of {slug} has been frozen", slug=issue), help=advice)

    def rows() -> Iterator[tuple[str | None, dict[str, str]]]:
        for person in everybody(connection):
            if person.reference in found:
                yield person.address, found.pop(person.reference)
        yield from ((None, told) for told in found.values())

    chosen = (
        (address, told)
        for address, told in rows()
        if not states or not {told["state"], told.get("feedback")}.isdisjoint(states)
    )
    if format == "json":
        emit({"email": address, "state": told["state"], "reason": told.get("reason"), "feedback": told.get("feedback")}
             for address, told in chosen)  # fmt: skip
        return
    for address, told in chosen:
        echo("  ".join([address or rendered(say("(erased)")), *(rendered(word(one)) for one in told.values())]))


@commands.command()
def count(
    context: typer.Context,
    segment: Annotated[
        str | None, typer.Option(metavar="EXPR", help='Only those who match, such as topic:weekly and city = "Rome".')
    ] = None,
    format: Format = "text",
) -> None:
    """Count the subscribers who can be mailed: confirmed, not suppressed, not paused; each mailbox once."""
    from publisher.audience.segments import segment_clause
    from publisher.config.segments import SegmentError

    with opened(context) as (config, database), database.connect() as connection:
        try:
            chosen = segment_clause(segment, config.newsletter.language) if segment is not None else None
        except SegmentError as error:
            raise UsageError(say("--segment: {error}", error=error), help=error.help) from None
        found = numbers(connection, chosen)
    if format == "text":
        print(found["mailable"])
    else:
        emit(found)


def numbers(connection: Connection, chosen: Any = None) -> dict[str, int]:
    """Subscribers by state, the paused and the suppressed (in their state as well), and the mailable."""
    from publisher.audience import store
    from publisher.delivery import freeze

    return store.counts(connection, chosen) | {"mailable": sum(freeze.preview(connection, "", chosen)[0])}


@commands.command()
def export(
    context: typer.Context,
    out: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="Default: standard output.")] = None,
) -> None:
    """Export all subscribers as CSV, oldest first; safe to open in a spreadsheet."""
    from io import TextIOWrapper

    from publisher.audience.own import export as write
    from publisher.documents.atomic import replacing

    with opened(context) as (_, database), database.connect() as connection:
        if out is None:
            write(connection, as_file())
            return
        with (
            refusal(say("{target} cannot be written", target=out), say("name a file in a folder")),
            replacing(out.absolute()) as file,
            TextIOWrapper(file, "utf-8", newline="") as text,
        ):
            number = write(connection, text)
    remark(counted("{n:,} subscriber written to {file}", "{n:,} subscribers written to {file}", number, file=out))


@commands.command()
def remove(context: typer.Context, address: Person) -> None:
    """Unsubscribe one person. The record is kept, so that no import adds them again."""
    from publisher.audience import store
    from publisher.audience.model import ConsentSource

    with opened(context) as (_, database), database.begin() as connection:
        subscriber = _found(connection, address)
        changed = store.unsubscribe(connection, subscriber, ConsentSource.COMMAND)
    echo(say("unsubscribed") if changed else say("was unsubscribed already"))


@commands.command()
def show(context: typer.Context, address: Person, format: Format = "text") -> None:
    """Show everything that is stored about one person."""
    from publisher.audience.own import record
    from publisher.delivery.states import standing, word
    from publisher.diagnostics.width import display_width
    from publisher.insights.store import mailings_of

    with opened(context) as (_, database), database.connect() as connection:
        subscriber = _found(connection, address)
        data = record(connection, subscriber) | {"mailings": mailings_of(connection, subscriber.reference)}
    if format == "json":
        emit(data)
        return
    past, mailings = data.pop("history"), data.pop("mailings")
    for key, value in data.items():
        if value not in (None, "", [], {}):
            label = rendered(word(key))
            told = rendered(standing(value)) if key == "state" else _plain(value)
            echo(f"{label}{' ' * (14 - display_width(label))}{told}")
    echo(say("history"))
    for entry in past:
        about = {"at": entry["at"], "change": word(entry["change"]), "how": word(entry["how"])}
        echo(say("  {at}  {change} by {how}  {why}", **about, why=_plain(entry["evidence"])))
    if mailings:
        echo(say("mailings"))
    for mailing in mailings:
        slug, said = mailing.pop("issue"), {key: word(mailing[key]) for key in ("state", "reason") if key in mailing}
        parts = (say("{key}: {value}", key=word(key), value=_plain(one)) for key, one in (mailing | said).items())
        echo(say("  {slug}  {told}", slug=slug, told=listed(parts)))


@commands.command()
def erase(context: typer.Context, address: Person, yes: Yes = False) -> int:
    """Erase one person: only a salted hash remains, which keeps imports from adding them again."""
    from publisher.audience.suppressions import erase as forget

    with opened(context) as (_, database):
        if not agreed(say("Forget this person? It cannot be undone"), yes):
            return 1
        with database.begin() as connection:
            gone = forget(connection, address)
    echo(say("erased") if gone else say("nothing was stored; the address will not be imported"))
    return 0


def _found(connection: Connection, address: Person) -> Subscriber:
    from publisher.audience import store

    subscriber = store.find(connection, address)
    if subscriber is None:
        advice = say("publisher subscribers export lists everybody")
        raise UsageError(say("nobody with this address is stored"), help=advice)
    return subscriber


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(part)}" for key, part in value.items())
    return str(value)
