"""Transports hand messages to a provider: a folder, an SMTP relay, Amazon SES."""

from __future__ import annotations

from publisher.config.model import Config
from publisher.providers.transport import Quota, Transport

__all__ = ["Quota", "Transport", "open_transport"]


def open_transport(config: Config, *, single: bool = False) -> Transport:
    """The transport that ``config`` names; ``single`` asks for one that hands over whole messages, one at a time.

    A provider's library loads only when its transport is used.
    """
    delivery = config.delivery
    if delivery.transport == "folder":
        from publisher.providers.folder.transport import FolderTransport

        return FolderTransport(config.root / delivery.folder.path)
    if delivery.transport == "smtp":
        from publisher.providers.smtp.transport import SmtpTransport

        return SmtpTransport(delivery.smtp)
    if delivery.ses.bulk and not single:
        from publisher.providers.ses.bulk import SesBulkTransport

        return SesBulkTransport(delivery.ses)
    from publisher.providers.ses.raw import SesRawTransport

    return SesRawTransport(delivery.ses)
