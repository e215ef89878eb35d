"""The hierarchy of exceptions: faults of the environment.

A mistake in an editor's content is a :class:`publisher.diagnostics.Diagnostic`; only the library raises it. The
outcome for one recipient is a value in the ledger and is never raised. Everything else is a fault of the environment::

    PublisherError
    ├── UsageError        the call is wrong: an unknown issue, an impossible option
    ├── ConfigError       config.yaml cannot be used; carries its diagnostics
    ├── ContentError      the requested issue has errors; carries its diagnostics
    ├── DatabaseError     unreachable, read-only, full, from a newer version, locked by another sender
    │   └── ConflictError     another process changed the same rows at the same time (PostgreSQL)
    ├── TransportError    the provider cannot be used at all: credentials, identity, pause, network
    ├── DeployError       the archive cannot be written or is not live
    ├── ThemeError        a template of the theme is faulty (:mod:`publisher.edition.model`); carries its diagnostic
    ├── PluginError       the code of another package cannot be loaded, or failed
    └── ServiceError      another service (SQS, a link target, a model's endpoint) failed
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.diagnostics import Diagnostic


def without_addresses(text: str) -> str:
    """Make a line from outside safe to print: each word that may hold an address is replaced by ``(address)``."""
    return re.sub(r"\S*@\S*", "(address)", " ".join(text.split()))


class PublisherError(Exception):
    """Base class. ``message`` says in one line what happened; ``help`` says what to do about it.

    Neither may hold a subscriber's address or a secret, because both are printed and logged. ``diagnostics`` give the
    places if files are faulty.
    """

    def __init__(self, message: str, *, help: str | None = None, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.diagnostics = tuple(diagnostics)


class UsageError(PublisherError):
    """The call is wrong."""


class ConfigError(PublisherError):
    """config.yaml cannot be used; ``root`` is its folder."""

    def __init__(self, diagnostics: Sequence[Diagnostic], *, root: Path | None = None) -> None:
        from publisher.diagnostics.sentences import say

        super().__init__(say("config.yaml cannot be used"), diagnostics=diagnostics)
        self.root = root


class ContentError(PublisherError):
    """An issue has errors. ``diagnostics`` are all of its findings."""


class DatabaseError(PublisherError):
    """The database cannot be used."""


class ConflictError(DatabaseError):
    """Another process changed the same rows at the same time; the whole transaction may be tried again."""


class TransportError(PublisherError):
    """The transport cannot be used at all; no message is known to be lost."""


class DeployError(PublisherError):
    """The archive could not be written, or the live archive differs from the built one."""


@contextmanager
def refusal(what: str, help: str, raises: type[PublisherError] = UsageError) -> Iterator[None]:
    """Turn an OSError in the block into ``raises`` with the message ``what`` and the system's reason."""
    try:
        yield
    except OSError as error:
        from publisher.diagnostics.sentences import reason_of, say

        raise raises(say("{what}: {reason}", what=what, reason=reason_of(error)), help=help) from error


class PluginError(PublisherError):
    """A provider or rule of another package cannot be loaded, or failed."""


class ServiceError(PublisherError):
    """Another service failed."""
