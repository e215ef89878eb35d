"""SMTP relay as provider."""

from publisher.diagnostics import say
from publisher.providers.provider import Provider, Transport

_ENDINGS = {
    "smtp-login": (say("the relay refuses the login"), say("check PUBLISHER_SMTP_USERNAME and PUBLISHER_SMTP_PASSWORD"))
}


class Smtp(Provider):
    """SMTP relay, which reports delivery failures only by mail."""

    name = "smtp"
    title = "the relay"
    endings = _ENDINGS

    def transport(self, *, single: bool = False) -> Transport:  # noqa: ARG002
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.smtp.transport import SmtpTransport

        return SmtpTransport(self.config.delivery.smtp)


PROVIDER = Smtp
