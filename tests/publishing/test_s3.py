"""The archive in S3, over real HTTP: only what changed, in the right order, whole after any interruption."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.config.model import Deploy
from publisher.errors import DeployError, UsageError
from publisher.site.build import build_site
from publisher.site.deploy.model import Upload
from publisher.site.deploy.s3 import MANIFEST, S3Destination
from tests.site.editions import deploy_to, make_config, make_edition

from .conftest import Aws

BUCKET = "archive"


@pytest.fixture
def open_bucket(aws: Aws) -> Callable[..., S3Destination]:
    where = {"LocationConstraint": "eu-west-1"}
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    aws.calls.clear()
    return lambda **more: S3Destination.open(Deploy(to="s3", bucket=BUCKET, **more))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    for path in ("index.html", "feed.xml", "404.html", "assets/style.0a1b.css", "media/cover.2c3d.webp"):
        write(root, path, path)
    for slug in ("one", "two", "three"):
        write(root, f"issues/{slug}/index.html", slug)
    return root


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def keys(aws: Aws) -> set[str]:
    return {item["Key"] for item in aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]}


def test_what_pages_need_goes_up_before_them_and_listings_after(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path
) -> None:
    deploy_to(open_bucket(), site)
    puts = aws.puts()
    assert puts[0] == puts[-1] == MANIFEST
    kinds = [0 if p.startswith(("assets/", "media/")) else 1 if p.startswith("issues/") else 2 for p in puts[1:-1]]
    assert kinds == sorted(kinds)
    assert len(kinds) == 8
    head = aws.client("s3").head_object
    assert head(Bucket=BUCKET, Key="issues/one/index.html")["ContentType"] == "text/html; charset=utf-8"
    assert "immutable" in head(Bucket=BUCKET, Key="media/cover.2c3d.webp")["CacheControl"]
    assert "immutable" not in head(Bucket=BUCKET, Key="index.html")["CacheControl"]


def test_only_what_changed_is_put_and_nothing_when_nothing_did(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path
) -> None:
    deploy_to(open_bucket(), site)
    aws.puts()
    assert deploy_to(open_bucket(), site).written == ()
    assert aws.puts() == []
    write(site, "issues/two/index.html", "two, corrected")
    (site / "issues/three/index.html").unlink()
    done = deploy_to(open_bucket(), site)
    assert (done.written, done.removed) == (("issues/two/index.html",), ("issues/three/index.html",))
    assert aws.puts() == [MANIFEST, "issues/two/index.html", MANIFEST]
    assert "issues/three/index.html" not in keys(aws)


def test_a_picture_that_messages_show_stays_when_its_page_no_longer_does(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path
) -> None:
    deploy_to(open_bucket(), site)
    (site / "media/cover.2c3d.webp").unlink()
    assert deploy_to(open_bucket(), site).removed == ()
    assert "media/cover.2c3d.webp" in keys(aws)


class StoppedError(Exception):
    """The machine went away."""


@pytest.mark.parametrize("after", range(8))
def test_a_deployment_that_died_is_finished_by_the_next_without_putting_anything_twice(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = open_bucket()
    dying.workers = 1
    put, done = dying.put, []

    def die(upload: Upload) -> None:
        if len(done) == after:
            raise StoppedError
        put(upload)
        done.append(upload.path)

    monkeypatch.setattr(dying, "put", die)
    with pytest.raises(StoppedError):
        deploy_to(dying, site)
    assert len(aws.puts()) == 1 + after
    assert len(deploy_to(open_bucket(), site).written) == 8 - after
    assert sorted([*done, *(p for p in aws.puts() if p != MANIFEST)]) == sorted(keys(aws) - {MANIFEST})


def test_of_two_deployments_at_once_one_is_told(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path
) -> None:
    first, second = open_bucket(), open_bucket()
    second.held()
    deploy_to(first, site)
    with pytest.raises(DeployError, match="at the same time"):
        second.prepare(list(_uploads(site)))


def _uploads(site: Path) -> Any:
    from publisher.site.deploy.model import uploads

    return uploads(site)


def test_a_strangers_file_is_never_overwritten(aws: Aws, open_bucket: Callable[..., S3Destination], site: Path) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="index.html", Body=b"somebody's")
    with pytest.raises(UsageError, match=r"index\.html was not deployed by publisher"):
        deploy_to(open_bucket(), site)
    assert keys(aws) == {"index.html"}


def test_a_file_altered_in_the_bucket_is_restored(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path
) -> None:
    deploy_to(open_bucket(), site)
    aws.client("s3").put_object(Bucket=BUCKET, Key="feed.xml", Body=b"defaced")
    aws.puts()
    assert deploy_to(open_bucket(), site).written == ("feed.xml",)


def test_the_edge_forgets_what_changed_even_if_the_first_run_died_before_asking(
    aws: Aws, open_bucket: Callable[..., S3Destination], site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudfront = aws.client("cloudfront")
    origin = {"Id": "o", "DomainName": "archive.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "x"}
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "a", "Comment": "", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behaviour,
        }
    )["Distribution"]["Id"]  # fmt: skip

    def asked() -> list[set[str]]:
        listed = cloudfront.list_invalidations(DistributionId=made)["InvalidationList"].get("Items", ())
        get = cloudfront.get_invalidation
        batches = [get(DistributionId=made, Id=i["Id"])["Invalidation"]["InvalidationBatch"] for i in listed]
        return [set(batch["Paths"]["Items"]) for batch in batches]

    deploy_to(open_bucket(), site)
    write(site, "issues/two/index.html", "two, corrected")
    dying = open_bucket(distribution=made)
    monkeypatch.setattr(dying, "record", lambda _: (_ for _ in ()).throw(StoppedError))
    with pytest.raises(StoppedError):
        deploy_to(dying, site)
    assert asked() == []
    assert deploy_to(open_bucket(distribution=made), site).written == ()
    assert asked() == [{"/issues/two/", "/issues/two/index.html"}]
    deploy_to(open_bucket(distribution=made), site)
    assert len(asked()) == 1


def test_a_new_issue_in_an_archive_of_1100_touches_only_what_changed(
    aws: Aws, open_bucket: Callable[..., S3Destination], tmp_path: Path
) -> None:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    editions = [
        make_edition(f"{date(1985, 1, 6) + timedelta(weeks=n)}-weekly", tags=("ai",) if n % 40 == 0 else ())
        for n in range(1101)  # more than one page of a list of S3
    ]
    config = make_config(tmp_path, theme={"cards": False})
    build_site(config, editions[:1100], tmp_path / "site")
    # What a deployment leaves that died at its very end: everything is there, and the manifest says "coming".
    first = open_bucket()
    first.held()
    coming = list(_uploads(tmp_path / "site"))
    first.prepare(coming)
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for upload in coming:
        backend.put_object(BUCKET, upload.path, upload.file.read_bytes())
    aws.puts()
    assert deploy_to(open_bucket(), tmp_path / "site").written == ()
    assert aws.puts() in ([], [MANIFEST])
    build_site(config, editions, tmp_path / "site")
    deploy_to(open_bucket(), tmp_path / "site")
    puts = aws.puts()
    assert sorted(p for p in puts if p.startswith("issues/")) == [
        f"issues/{editions[1099].slug}/index.html",
        f"issues/{editions[1100].slug}/index.html",
    ]
    assert len(puts) <= 16, puts


def test_a_bucket_that_is_not_there_is_one_line(aws: Aws, site: Path) -> None:
    with pytest.raises(DeployError, match="NoSuchBucket"):
        deploy_to(S3Destination.open(Deploy(to="s3", bucket="nowhere")), site)
