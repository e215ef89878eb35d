"""Deploy the archive to an S3 bucket, for CloudFront or any other reader of the bucket.

A manifest object beside the archive lists the deployed files. Every upload is conditional (``If-Match`` and
``If-None-Match`` of PutObject), the manifest's first of all: of two simultaneous deployments, one fails and stops.
boto3 (0.2 s) is imported when a bucket is opened.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Self, TypeVar
from urllib.parse import quote

from publisher.config.model import Deploy
from publisher.diagnostics import say
from publisher.errors import DeployError, UsageError
from publisher.site.deploy.model import ChangedMeanwhileError, Upload, Wave, cache_control, content_type, wave_of

MANIFEST = ".publisher-deploy.json"
WORKERS = 16
FEW_PATHS = 40
"""If more paths have changed, one wildcard is invalidated instead: CloudFront counts it as one path."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Held:
    """Deployed object: SHA-256 of its content, its present or expected ETag, and the headers it was uploaded with."""

    digest: str
    etag: str
    content_type: str
    cache_control: str


@dataclass
class S3Destination:
    """Destination in S3. ``put`` may be called from several threads."""

    s3: Any
    bucket: str
    prefix: str = ""
    cloudfront: Any = None
    distribution: str | None = None
    workers: int = WORKERS
    _ours: dict[str, Held] = field(default_factory=dict)
    _etags: dict[str, str] = field(default_factory=dict)
    _manifest: tuple[str, bytes] | None = None  # ETag and content
    _stale: set[str] = field(default_factory=set)  # uploaded or removed, not yet invalidated
    _read: dict[str, str] = field(default_factory=dict)  # ETags of objects read
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, deploy: Deploy) -> Self:
        """Open the bucket of ``deploy`` in config.yaml, with boto3's usual chain of credentials. Raises UsageError."""
        prefix = deploy.prefix.strip("/")
        return cls(
            _client("s3", deploy.region),
            deploy.bucket or "",  # config.yaml is invalid without a bucket
            prefix + "/" if prefix else "",
            _client("cloudfront", deploy.region or "us-east-1") if deploy.distribution else None,
            deploy.distribution,
        )

    @property
    def name(self) -> str:
        """The bucket as a URL."""
        return f"s3://{self.bucket}/{self.prefix}"

    def held(self) -> Mapping[str, str]:
        """The files of the manifest, compared with the bucket.

        The digest is empty if an object is missing, was changed, or has other headers than it would get now.
        """
        self._read_manifest()
        self._etags = self._list()
        return {path: held.digest if self._is_whole(path, held) else "" for path, held in self._ours.items()}

    def read(self, path: str) -> bytes | None:
        """Read an object of the bucket; None if there is none."""
        self._read.pop(path, None)
        try:
            answer = self._call(self.s3.get_object, Key=self.prefix + path)
        except _NotFoundError:
            return None
        self._read[path] = _bare(answer["ETag"])
        return bytes(answer["Body"].read())

    def prepare(self, uploads: Sequence[Upload]) -> None:
        """Add the files to be written to the manifest, so that the next run can continue an interrupted one."""
        for upload in uploads:
            if upload.path not in self._ours and self._etags.get(upload.path, _md5(upload)) != _md5(upload):
                target = f"{self.name}{upload.path}"
                message = say("{target} was not deployed by publisher and would be overwritten", target=target)
                raise UsageError(message, help=say("move it away, or set deploy.prefix to another place in the bucket"))
        coming = {u.path: Held(u.digest, _md5(u), u.content_type, u.cache_control) for u in uploads}
        if coming:
            self._ours |= coming
            self._stale |= {u.path for u in uploads if u.wave is not Wave.ASSETS}
            self._write_manifest()

    def note(self, path: str, content: bytes) -> None:
        """Put an object that is neither cached nor in the manifest, if it is unchanged since it was read."""
        was = self._read.get(path)
        self._read[path] = self._put(path, content, **({"IfMatch": f'"{was}"'} if was else {"IfNoneMatch": "*"}))

    def put(self, upload: Upload) -> None:
        """Upload one object, on condition that it is still as listed."""
        etag = self._etags.get(upload.path)
        condition = {"IfMatch": f'"{etag}"'} if etag else {"IfNoneMatch": "*"}
        headers = {"ContentType": upload.content_type, "CacheControl": upload.cache_control}
        written = self._put(upload.path, upload.file.read_bytes(), **headers, **condition)
        with self._lock:
            self._etags[upload.path] = written
            self._ours[upload.path] = Held(upload.digest, written, upload.content_type, upload.cache_control)

    def remove(self, path: str) -> None:
        """Delete an object that publisher deployed."""
        self._call(self.s3.delete_object, Key=self.prefix + path)
        with self._lock:
            self._stale.add(path)

    def record(self, digests: Mapping[str, str]) -> None:
        """Invalidate CloudFront's cache, then write the manifest: an interrupted run invalidates again."""
        if self._stale and self.cloudfront:
            urls = sorted(set(_edge_paths(self._stale))) if len(self._stale) <= FEW_PATHS else ["/*"]
            batch = {"Paths": {"Quantity": len(urls), "Items": urls}, "CallerReference": self._reference()}
            given = {"DistributionId": self.distribution, "InvalidationBatch": batch}
            where = f"CloudFront distribution {self.distribution}"
            _explained(where, lambda: self.cloudfront.create_invalidation(**given))
        self._stale.clear()
        self._ours = {path: held for path, held in self._ours.items() if path in digests}
        self._write_manifest()

    def _is_whole(self, path: str, held: Held) -> bool:
        now = (self._etags.get(path), content_type(path), cache_control(wave_of(path)))
        return now == (held.etag, held.content_type, held.cache_control)

    def _list(self) -> dict[str, str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        items = (item for page in pages for item in page.get("Contents", ()))
        listed = ((item["Key"].removeprefix(self.prefix), _bare(item["ETag"])) for item in items)
        return _explained(self.name, lambda: dict(listed))

    def _read_manifest(self) -> None:
        try:
            answer = self._call(self.s3.get_object, Key=self.prefix + MANIFEST)
        except _NotFoundError:
            self._manifest, self._ours, self._stale = None, {}, set()
            return
        content = bytes(answer["Body"].read())
        self._manifest = (_bare(answer["ETag"]), content)
        try:
            document = json.loads(content)
            self._ours = {str(path): Held(*map(str, row)) for path, row in document["files"].items()}
            self._stale = {str(path) for path in document["stale"]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = say("{target} is not a manifest of publisher's", target=f"{self.name}{MANIFEST}")
            raise DeployError(message, help=say("restore an earlier version of that object")) from error

    def _write_manifest(self) -> None:
        rows = {p: [h.digest, h.etag, h.content_type, h.cache_control] for p, h in sorted(self._ours.items())}
        document = {"files": rows, "stale": sorted(self._stale)}
        content = json.dumps(document, ensure_ascii=False, indent=0).encode() + b"\n"
        if self._manifest and self._manifest[1] == content:
            return
        condition = {"IfMatch": f'"{self._manifest[0]}"'} if self._manifest else {"IfNoneMatch": "*"}
        self._manifest = self._put(MANIFEST, content, **condition), content

    def _reference(self) -> str:
        # CloudFront treats two requests with the same reference as one: a repeated deployment invalidates once.
        rows = "\n".join(f"{path} {held.digest}" for path, held in sorted(self._ours.items()))
        return hashlib.sha256((rows + "\n".join(sorted(self._stale))).encode()).hexdigest()

    def _put(self, path: str, content: bytes, **given: str) -> str:
        """Put one object, by default as uncached JSON, and return its ETag."""
        headers = {"ContentType": "application/json", "CacheControl": "no-store"} | given
        return _bare(self._call(self.s3.put_object, Key=self.prefix + path, Body=content, **headers)["ETag"])

    def _call(self, method: Callable[..., Any], **parameters: Any) -> Any:
        return _explained(self.name, lambda: method(Bucket=self.bucket, **parameters))


class _NotFoundError(Exception):
    """The object does not exist."""


def _edge_paths(paths: Iterable[str]) -> Iterable[str]:
    """The URL paths of files; a page has two: the URL for readers, and the object that it is rewritten to."""
    for path in paths:
        yield "/" + quote(path)
        if path == "index.html" or path.endswith("/index.html"):
            yield "/" + quote(path.removesuffix("index.html"))


def _bare(etag: str) -> str:
    return etag.strip('"')


def _md5(upload: Upload) -> str:
    """The ETag of an object uploaded in one part, unencrypted or encrypted with S3's own keys (SSE-S3)."""
    return hashlib.md5(upload.file.read_bytes(), usedforsecurity=False).hexdigest()


def _client(service: str, region: str | None) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    retries = {"mode": "standard", "total_max_attempts": 5}
    options = Config(connect_timeout=10, read_timeout=60, max_pool_connections=WORKERS, retries=retries)
    try:
        return boto3.client(service, region_name=region, config=options)
    except (BotoCoreError, ValueError) as error:
        advice = say("set deploy.region in config.yaml, or AWS_REGION")
        raise UsageError(say("no client for {service}: {error}", service=service, error=error), help=advice) from error


def _explained(where: str, call: Callable[[], Answer]) -> Answer:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        return call()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in {"NoSuchKey", "404"}:
            raise _NotFoundError from error
        if code in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
            raise ChangedMeanwhileError(where) from error
        told = say("{what}: {reason}", what=where, reason=code or say("AWS refused"))
        raise DeployError(told, help=_HELP.get(code)) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        advice = say("see boto3's chain of credentials")
        raise DeployError(say("{what}: no AWS credentials", what=where), help=advice) from error
    except BotoCoreError as error:
        raise DeployError(f"{where}: {type(error).__name__}", help=say("is the network up?")) from error


_HELP = {
    "NoSuchBucket": say("check deploy.bucket in config.yaml, and deploy.region"),
    "AccessDenied": say("allow s3:ListBucket, GetObject, PutObject, DeleteObject, and cloudfront:CreateInvalidation"),
    "ExpiredToken": say("renew the credentials"),
    "InvalidAccessKeyId": say("the credentials are not valid here"),
    "NoSuchDistribution": say("check deploy.distribution in config.yaml"),
}
