"""An issue as it is, and as it was at another revision."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.config import Config, read_config
from publisher.proofing import Proof, proofread
from publisher.publishing import git


def version(config: Config, slug: str) -> Proof | None:
    """The issue below ``config.root``; None where there is none."""
    return proofread(config, slug) if os.path.lexists(config.root / "issues" / slug) else None


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
