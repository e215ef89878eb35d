"""Deploy a built archive: only changes, in an order in which no page ever refers to a missing file."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import groupby
from pathlib import Path

from publisher.config import Config
from publisher.diagnostics import say
from publisher.errors import UsageError
from publisher.site.deploy.folder import FolderDestination
from publisher.site.deploy.model import Destination, Difference, Upload, Wave, uploads, wave_of
from publisher.site.model import WriteResult


def destination(config: Config, site: Path) -> Destination:
    """Open the destination that config.yaml names."""
    if config.deploy.to == "s3":
        from publisher.site.deploy.s3 import S3Destination

        return S3Destination.open(config.deploy)
    if not config.deploy.path:
        raise UsageError(say("deploy.path is not set"), help=say("add deploy: {to: folder, path: …} to config.yaml"))
    root = (config.root / config.deploy.path).resolve()
    if root.is_relative_to(site.resolve()) or site.resolve().is_relative_to(root):
        message = say("deploy.path {root} and the built archive {site} overlap", root=root, site=site)
        raise UsageError(message, help=say("choose a folder apart"))
    return FolderDestination(root)


def compare(place: Destination, site: Path) -> Difference:
    """Compare a destination with the built archive; nothing is written."""
    held = place.held()
    wanted = tuple(uploads(site))
    digests = {upload.path: upload.digest for upload in wanted}
    # Pictures are kept permanently: mails in inboxes show them, even if the page is gone.
    kept = {path: digest for path, digest in held.items() if digest and wave_of(path) is Wave.ASSETS} | digests
    return Difference(
        tuple(upload for upload in wanted if held.get(upload.path) != upload.digest),
        tuple(sorted(path for path in held if path not in kept)),
        kept,
        tuple(sorted(upload.path for upload in wanted if held.get(upload.path) == upload.digest)),
    )


def apply(
    place: Destination, difference: Difference, *, progress: Callable[[int, int], None] = lambda *_: None
) -> WriteResult:
    """Upload assets, then issue pages, then pages that list them; delete last, when nothing refers to a file."""
    place.prepare(difference.changed)
    _put(place, difference.changed, progress)
    for path in difference.removed:
        place.remove(path)
    place.record(difference.kept)
    written = tuple(upload.path for upload in difference.changed)
    return WriteResult(written, difference.unchanged, difference.removed)


def _put(place: Destination, changed: Sequence[Upload], progress: Callable[[int, int], None]) -> None:
    """Upload wave by wave, with as many threads as the place allows. After a failure, no further upload is started."""
    done = 0
    for _, wave in groupby(changed, key=lambda upload: upload.wave):
        with ThreadPoolExecutor(max_workers=place.workers) as pool:
            running = [pool.submit(place.put, upload) for upload in wave]
            try:
                for future in as_completed(running):
                    future.result()
                    done += 1
                    progress(done, len(changed))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
