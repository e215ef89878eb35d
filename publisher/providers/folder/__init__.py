"""A folder: one message a file."""

from __future__ import annotations

from pathlib import Path

from publisher.providers.provider import Provider
from publisher.providers.transport import Transport


class FolderProvider(Provider):
    """Mail that does not leave this machine: to look at, and for tests."""

    name = "folder"
    title = "the folder"

    def transport(self, *, single: bool = False) -> Transport:  # noqa: ARG002
        """See :class:`~publisher.providers.provider.Provider`."""
        from publisher.providers.folder.transport import FolderTransport

        return FolderTransport(self.written(""))

    def written(self, slug: str) -> Path:
        """Below ``delivery.folder.path``."""
        return self.config.root / self.config.delivery.folder.path / slug


PROVIDER = FolderProvider
