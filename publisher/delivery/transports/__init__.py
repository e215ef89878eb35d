"""Transports hand messages to a provider: a folder, an SMTP relay, Amazon SES."""

from __future__ import annotations

from publisher.config.model import Config
from publisher.delivery.transports.base import Quota, Transport

__all__ = ["Quota", "Transport", "open_transport"]


def open_transport(config: Config, *, single: bool = False) -> Transport:
    """The transport that ``config`` names; ``single`` asks for one that hands over whole messages, one at a time.

    A provider's library loads only when its transport is used.
    """
    delivery = config.delivery
    if delivery.transport == "folder":
        from publisher.delivery.transports.folder import FolderTransport

        return FolderTransport(config.root / delivery.folder.path)
    if delivery.transport == "smtp":
        from publisher.delivery.transports.smtp import SmtpTransport

        return SmtpTransport(delivery.smtp)
    if delivery.ses.bulk and not single:
        from publisher.delivery.transports.ses_bulk import SesBulkTransport

        return SesBulkTransport(delivery.ses)
    from publisher.delivery.transports.ses_raw import SesRawTransport

    return SesRawTransport(delivery.ses)
