"""Deploy the archive to a folder: a web server's root, a mounted share, a checkout that is pushed elsewhere."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from publisher.diagnostics import say
from publisher.documents.atomic import alone_in, clear, write_file
from publisher.errors import UsageError
from publisher.site.deploy.model import ChangedMeanwhileError, Upload
from publisher.site.output import read_manifest, remove_file, sha256, write_manifest, writing

MANIFEST = ".publisher-manifest.json"


class FolderDestination:
    """Destination in the folder ``root``, with a manifest of the files deployed there."""

    workers = 1

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ours: dict[str, str] = {}
        self._read: dict[str, bytes | None] = {}

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.root)

    def held(self) -> Mapping[str, str]:
        """The files of the manifest that still exist unchanged."""
        self._ours = read_manifest(self.root / MANIFEST)
        return {path: digest for path, digest in self._ours.items() if self._digest(path) == digest}

    def prepare(self, uploads: Sequence[Upload]) -> None:
        """Raise UsageError if a foreign file would be overwritten; remove partial files of an interrupted run. The
        manifest is written before the files, so that after an interruption the next run recognises them.
        """
        clear({(self.root / upload.path).parent for upload in uploads})
        for upload in uploads:
            target = self.root / upload.path
            if upload.path not in self._ours and target.exists() and self._digest(upload.path) != upload.digest:
                advice = say("move it away, or set deploy.path to another folder")
                message = say("{target} was not deployed by publisher and would be overwritten", target=target)
                raise UsageError(message, help=advice)
        self.record(self._ours | {upload.path: upload.digest for upload in uploads})

    def read(self, path: str) -> bytes | None:
        """Read a file of the folder; None if there is none."""
        self._read[path] = None
        with writing(self.root), suppress(FileNotFoundError, NotADirectoryError):
            self._read[path] = (self.root / path).read_bytes()
        return self._read[path]

    def note(self, path: str, content: bytes) -> None:
        """Write a file that is not in the manifest, if it is unchanged since it was read."""
        target, was = self.root / path, self._read.get(path)
        with writing(self.root):
            target.parent.mkdir(parents=True, exist_ok=True)
            with alone_in(target.parent):
                if self.read(path) != was:
                    raise ChangedMeanwhileError(f"{self.root}: {path}")
                write_file(target, content)
        self._read[path] = content

    def put(self, upload: Upload) -> None:
        """Copy one file, through a temporary file beside it."""
        with writing(self.root):
            write_file(self.root / upload.path, upload.file.read_bytes())

    def remove(self, path: str) -> None:
        """Delete one file, and folders that become empty."""
        with writing(self.root):
            remove_file(self.root, path)

    def record(self, digests: Mapping[str, str]) -> None:
        """Write the manifest."""
        with writing(self.root):
            write_manifest(self.root / MANIFEST, digests)

    def _digest(self, path: str) -> str | None:
        try:
            return sha256((self.root / path).read_bytes())
        except OSError:
            return None
