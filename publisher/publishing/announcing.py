"""Announcements of a run of publish: after the page is live and the mailing complete, once an issue and channel."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.channels import outbox
from publisher.channels.channel import Channel, RefusedError, post_of
from publisher.channels.outbox import DOUBTFUL, Announcement, AnnouncementState
from publisher.delivery.states import Operator
from publisher.edition.model import Edition
from publisher.publishing import store
from publisher.publishing.run import Run


def announce(run: Run, channels: Mapping[str, Channel], editions: Mapping[str, Edition]) -> list[Announcement]:
    """Post what waits; the announcements that need somebody.

    Raises LeaseLostError, DatabaseError; what was posted is recorded.
    """
    configured = {one.name: one for one in run.config.channels}
    with run.begin() as connection:
        outbox.recover(connection)  # only the holder of the lease posts
        waiting = [one for one in outbox.entries(connection) if one.state is not AnnouncementState.POSTED]
        mailed = store.mailed(connection) if waiting else {}
    for one in waiting:
        mailing, edition, channel = mailed.get(one.slug), editions.get(one.slug), channels.get(one.channel)
        complete = mailing and not mailing.sendable and mailing.operator != Operator.CANCELLED
        if not complete or edition is None or channel is None or run.watch.interrupt.count:
            continue
        with run.begin() as connection:
            if not outbox.claim(connection, one):
                continue
        state, reason = AnnouncementState.POSTED, ""
        try:
            channel.post(post_of(run.config, configured[one.channel], edition))
        except RefusedError as refused:
            state, reason = AnnouncementState.REFUSED, str(refused)
        except Exception as error:  # whatever a service's library raises, nobody knows how far it had come
            state, reason = AnnouncementState.UNCERTAIN, type(error).__name__
        with run.database.begin() as connection:
            outbox.record(connection, one, state, reason)
    with run.database.connect() as connection:
        return [one for one in outbox.entries(connection) if one.state in DOUBTFUL and one.channel in channels]
