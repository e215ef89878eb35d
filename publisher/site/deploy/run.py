"""One deployment: compare, put what changed, remove what is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from publisher.config import Config
from publisher.errors import DeployError, UsageError
from publisher.site.deploy.folder import Folder
from publisher.site.deploy.model import Deployed, Destination
from publisher.site.deploy.plan import uploads


def deploy(config: Config, site: Path, *, progress: Callable[[int, int], None] = lambda *_: None) -> Deployed:
    """Bring the built archive ``site`` to where ``deploy`` in config.yaml says.

    ``progress(done, total)`` is called for each file. Raises :class:`UsageError` where the config or the folder is
    unfit and :class:`DeployError` where the place refuses; a deployment that failed is simply run again.
    """
    if not (site / "index.html").is_file():
        raise UsageError(f"there is no archive in {site}", help="run publisher build first")
    return deploy_to(destination(config, site), site, progress=progress)


def destination(config: Config, site: Path) -> Destination:
    """The place that config.yaml names."""
    if config.deploy.to != "folder":
        raise DeployError(f"deploy.to: {config.deploy.to} is not known here", help="set deploy.to: folder")
    if not config.deploy.path:
        raise UsageError("deploy.path is not set", help="add deploy: {to: folder, path: …} to config.yaml")
    root = (config.root / config.deploy.path).resolve()
    if root.is_relative_to(site.resolve()) or site.resolve().is_relative_to(root):
        raise UsageError(f"deploy.path {root} and the built archive {site} overlap", help="choose a folder apart")
    return Folder(root)


def deploy_to(place: Destination, site: Path, *, progress: Callable[[int, int], None] = lambda *_: None) -> Deployed:
    """Assets first, then issue pages, then what lists them; deletions last, when nothing points at them any more."""
    held = place.held()
    wanted = list(uploads(site))
    changed = [upload for upload in wanted if held.get(upload.path) != upload.digest]
    place.prepare(changed)
    for done, upload in enumerate(changed, 1):
        place.put(upload)
        progress(done, len(changed))
    digests = {upload.path: upload.digest for upload in wanted}
    removed = sorted(path for path in held if path not in digests)
    for path in removed:
        place.remove(path)
    place.record(digests)
    written = tuple(upload.path for upload in changed)
    return Deployed(place.name, written, tuple(sorted(digests.keys() - set(written))), tuple(removed))
