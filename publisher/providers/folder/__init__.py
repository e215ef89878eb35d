"""Folder provider: mail stays on this machine, one message per file. For trials and tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from publisher.diagnostics import say
from publisher.documents.atomic import write_file
from publisher.errors import TransportError, refusal
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict, submitted
from publisher.providers.provider import Provider, Quota, Transport


class FolderTransport(Transport):
    """Transport that writes each message atomically to ``<folder>/<slug>/<recipient id>.eml``."""

    name = "folder"
    most = 50
    parallel = 1
    _composed: Composed
    _into: Path

    def __init__(self, folder: Path) -> None:
        self.account = f"folder:{folder}"
        self._folder = folder

    def open(self, composed: Composed) -> Quota:
        """See :class:`~publisher.providers.provider.Transport`."""
        self._composed = composed
        self._into = self._folder / _folder(composed.letter.slug)
        advice = say("make it writable, or set delivery.folder.path in config.yaml")
        with refusal(say("the folder {path} cannot be made", path=self._into), advice, TransportError):
            self._into.mkdir(mode=0o700, parents=True, exist_ok=True)  # 0o700: the messages contain addresses
        return Quota()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Write the messages. A message that cannot be written was not sent."""
        return [self._write(envelope) for envelope in envelopes]

    def _write(self, envelope: Envelope) -> Outcome:
        path = self._into / f"{envelope.recipient}.eml"
        try:
            write_file(path, self._composed.message(envelope, datetime.now(UTC)))
        except TransportError:
            return Outcome(Verdict.REJECTED, "unusable-address")
        except OSError as error:
            return Outcome(Verdict.STOP, f"folder: {error.strerror}")
        return submitted(None)


class FolderProvider(Provider):
    """Provider that writes to ``delivery.folder.path``."""

    name = "folder"
    title = "the folder"

    def transport(self, *, single: bool = False) -> Transport:  # noqa: ARG002
        """See :class:`~publisher.providers.provider.Provider`."""
        return FolderTransport(self.written(""))

    def written(self, slug: str) -> Path:
        """Return the folder of an issue's messages, below ``delivery.folder.path``."""
        return self.config.root / self.config.delivery.folder.path / _folder(slug)


def _folder(slug: str) -> str:
    """Return a folder name for a mailing, without the slashes of its slug."""
    return slug.replace("/", "-")


PROVIDER = FolderProvider
