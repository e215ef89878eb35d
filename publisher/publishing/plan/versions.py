"""An issue as it is, and as it was at another revision."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from publisher.config import Config, read_config
from publisher.diagnostics import Diagnostic, Severity
from publisher.edition.model import Edition
from publisher.edition.proof import proofread
from publisher.publishing import git


@dataclass(frozen=True, slots=True)
class Version:
    """An issue at one revision: rendered, or not for its errors. Drafts are rendered too."""

    edition: Edition | None = None
    findings: tuple[Diagnostic, ...] = ()
    draft: bool = False

    @property
    def broken(self) -> bool:
        """Whether an error keeps it from being built."""
        return any(found.severity is Severity.ERROR for found in self.findings)


def version(config: Config, slug: str) -> Version | None:
    """The issue below ``config.root``; None where there is none."""
    if not os.path.lexists(config.root / "issues" / slug):
        return None
    proof = proofread(config, slug)
    return Version(proof.edition, tuple(proof.diagnostics(config)), proof.draft)


@contextmanager
def at_revision(config: Config, commit: str, slugs: tuple[str, ...]) -> Iterator[Config | None]:
    """The newsletter as it was: its config, its theme and those issues, in a folder that goes away again.

    None where its config could not be read then.
    """
    with tempfile.TemporaryDirectory(prefix="publisher-base-") as folder:
        root = Path(folder)
        git.export(config.root, commit, root, "config.yaml", config.templates, *(f"issues/{slug}" for slug in slugs))
        before, _findings = read_config(root)
        if before is not None and before.templates != config.templates:
            git.export(config.root, commit, root, before.templates)
        yield before
