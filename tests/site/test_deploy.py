"""Deploying to a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from publisher.errors import UsageError
from publisher.site.build import build_site
from publisher.site.deploy.folder import FolderDestination
from publisher.site.deploy.model import Upload, Wave, content_type, uploads
from publisher.site.pages import static_files
from tests.site.conftest import tree
from tests.site.editions import COVER, deploy, deploy_to, make_config, make_edition


def built(tmp_path: Path, *slugs: str) -> Path:
    editions = [make_edition(slug, assets=(COVER,), cover=COVER) for slug in slugs]
    build_site(make_config(tmp_path), editions, tmp_path / "site")
    return tmp_path / "site"


def test_the_folder_holds_the_archive_and_a_second_deployment_changes_nothing(tmp_path: Path) -> None:
    config = make_config(tmp_path, deploy={"to": "folder", "path": "live"})
    site = built(tmp_path, "2024-12-29-a")
    first = deploy(config, site)
    assert tree(tmp_path / "live") == tree(site)
    assert len(first.written) == len(tree(site))
    again = deploy(config, site)
    assert (again.written, again.removed) == ((), ())


def test_pages_go_up_after_what_they_show_and_before_what_lists_them(tmp_path: Path) -> None:
    order = [upload.path for upload in uploads(built(tmp_path, "2024-12-29-a"))]
    page = order.index("issues/2024-12-29-a/index.html")
    assert all(order.index(path) < page for path in order if path.startswith("assets/"))
    assert all(order.index(path) > page for path in ("index.html", "feed.xml", "sitemap.xml"))


def test_pages_that_are_gone_are_removed_last_and_strangers_stay(tmp_path: Path) -> None:
    config = make_config(tmp_path, deploy={"to": "folder", "path": "live"})
    deploy(config, built(tmp_path, "2024-12-29-a", "2024-12-22-b"))
    (tmp_path / "live" / "google-proof.html").write_text("mine")
    done = deploy(config, built(tmp_path, "2024-12-29-a"))
    assert done.removed == ("issues/2024-12-22-b/card.png", "issues/2024-12-22-b/index.html")
    assert (tmp_path / "live/google-proof.html").read_text() == "mine"


def test_a_strangers_page_is_not_overwritten(tmp_path: Path) -> None:
    config = make_config(tmp_path, deploy={"to": "folder", "path": "live"})
    (tmp_path / "live").mkdir()
    (tmp_path / "live/index.html").write_text("mine")
    with pytest.raises(UsageError, match="was not deployed by publisher"):
        deploy(config, built(tmp_path, "2024-12-29-a"))
    assert (tmp_path / "live/index.html").read_text() == "mine"
    assert not (tmp_path / "live/feed.xml").exists()


def test_what_a_killed_deployment_left_goes_with_the_next(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / "live/issues/2024-12-29-a").mkdir(parents=True)
    for folder in ("live", "live/issues/2024-12-29-a"):
        (tmp_path / folder / f".publisher-{dead.pid}-7.tmp").write_text("half of a page")
    deploy(make_config(tmp_path, deploy={"to": "folder", "path": "live"}), built(tmp_path, "2024-12-29-a"))
    assert not [*(tmp_path / "live").rglob(".publisher-*.tmp")]


class _Dies(FolderDestination):
    """A folder whose disk gives up at the n-th file."""

    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.left = after

    def put(self, upload: Upload) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        super().put(upload)


def test_a_deployment_cut_at_any_file_is_finished_by_the_next(tmp_path: Path) -> None:
    old, new = built(tmp_path / "old", "2024-12-22-b"), built(tmp_path / "new", "2024-12-29-a")
    newer = built(tmp_path / "newer", "2024-12-29-a", "2024-12-30-c")
    for cut in range(len(tree(new))):
        live = tmp_path / f"live{cut}"
        deploy_to(FolderDestination(live), old)
        try:
            deploy_to(_Dies(live, cut), new)
        except KeyboardInterrupt:
            deploy_to(FolderDestination(live), newer)
            assert tree(live).items() >= tree(newer).items()
            assert not (live / "issues/2024-12-22-b").exists()


@pytest.mark.parametrize("path", ["site", "site/live", "."])
def test_the_folder_cannot_overlap_the_build(tmp_path: Path, path: str) -> None:
    config = make_config(tmp_path, deploy={"to": "folder", "path": path})
    with pytest.raises(UsageError, match="overlap"):
        deploy(config, built(tmp_path, "2024-12-29-a"))


def test_a_place_without_a_path_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"deploy\.path"):
        deploy(make_config(tmp_path), built(tmp_path, "2024-12-29-a"))


def test_every_file_has_a_type_and_hashed_ones_never_change(tmp_path: Path) -> None:
    for upload in uploads(built(tmp_path, "2024-12-29-a")):
        assert upload.content_type != "application/octet-stream", upload.path
        assert ("immutable" in upload.cache_control) == (upload.wave is Wave.ASSETS)
    for feed in ("feed.xml", "feed.zh-cn.xml", "feeds/items.xml", "tags/ai/feed.xml"):
        assert content_type(feed).startswith("application/atom+xml")
    for feed in ("feed.json", "feed.zh-cn.json", "authors/ann/feed.json"):
        assert content_type(feed).startswith("application/feed+json")
    assert content_type("sitemap.xml").startswith("application/xml")
    assert content_type("search/2024.json").startswith("application/json")


def test_a_link_that_somebody_put_into_the_built_archive_is_not_followed(tmp_path: Path) -> None:
    site = built(tmp_path, "2024-12-29-a")
    (tmp_path / "subscribers.csv").write_text("ada@example.com", encoding="utf-8")
    (site / "people.txt").symlink_to(tmp_path / "subscribers.csv")
    assert "people.txt" not in [upload.path for upload in uploads(site)]


def test_a_static_file_that_is_a_link_out_of_the_theme_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "templates/web").mkdir(parents=True)
    (tmp_path / "secret.key").write_text("the secret", encoding="utf-8")
    (tmp_path / "templates/web/icon.svg").symlink_to(tmp_path / "secret.key")
    with pytest.raises(UsageError, match="link out of the theme"):
        static_files(make_config(tmp_path))
