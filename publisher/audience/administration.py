"""What an operator does to one subscriber by hand."""

from __future__ import annotations

from collections.abc import Iterable

from publisher.audience import store
from publisher.audience.address import Address
from publisher.audience.columns import language_tag
from publisher.audience.forgetting import forgotten_among
from publisher.audience.model import ConsentSource, ConsentState, Subscriber
from publisher.audience.suppressions import suppression
from publisher.database import Database
from publisher.errors import UsageError


def add(
    database: Database,
    address: Address,
    *,
    name: str = "",
    language: str | None = None,
    topics: Iterable[str] = (),
    pending: bool = False,
) -> Subscriber:
    """Enter one person. Raises UsageError for who is there, has left, is suppressed or was erased."""
    tag = None
    if language and (tag := language_tag(language)) is None:
        raise UsageError("the language is not a BCP 47 tag", help="write zh-CN, en or ja")
    with database.begin() as connection:
        if held := suppression(connection, address.mailbox_key):
            raise UsageError(
                f"the address is suppressed ({held.reason.value})", help="publisher suppressions remove takes it back"
            )
        if forgotten_among(connection, [address.mailbox_key]):
            raise UsageError("this person asked to be forgotten", help="they can subscribe by the form themselves")
        if known := store.find(connection, address):
            if known.state is ConsentState.UNSUBSCRIBED:
                raise UsageError("this person has unsubscribed", help="they can subscribe by the form themselves")
            if known.address_key == address.address_key:
                raise UsageError("this person is a subscriber already", help="publisher subscribers show tells more")
        state = ConsentState.PENDING if pending else ConsentState.CONFIRMED
        return store.add(
            connection, address, how=ConsentSource.COMMAND, state=state, name=name.strip(), language=tag, topics=topics
        )
