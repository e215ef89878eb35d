"""Writing the output folder without losing files of others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from publisher.errors import DeployError, UsageError
from publisher.site import output
from publisher.site.deploy.model import uploads
from publisher.site.model import Target
from publisher.site.output import manifest_beside, read_manifest, sha256, write_folder


def files(**contents: str) -> list[Target]:
    return [Target.of(name.replace("__", "/").replace("_", "."), text.encode()) for name, text in contents.items()]


def test_a_second_write_touches_nothing(tmp_path: Path) -> None:
    root = tmp_path / "site"
    write_folder(root, files(a_html="a", b__c_html="c"))
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    again = write_folder(root, files(a_html="a", b__c_html="c"))
    assert again.written == ()
    assert again.unchanged == ("a.html", "b/c.html")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_page_that_git_has_is_made_again_and_no_link_of_git_is_followed(tmp_path: Path) -> None:
    root, strangers = tmp_path / "dist/site", tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "a.html").write_text("mine")
    write_folder(root, files(a_html="good"))
    forged = sha256(b"evil")
    (root / "a.html").write_text("evil")
    rows = manifest_beside(root).read_text().replace(sha256(b"good"), forged)
    manifest_beside(root).write_text(rows)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert write_folder(root, [Target("a.html", (_key(rows),), lambda: (b"good", _key(rows)))]).written == ()
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    write_folder(root, [Target("a.html", (_key(rows),), lambda: (b"good", _key(rows)))])
    assert (root / "a.html").read_text() == "good"
    shutil.rmtree(root)
    root.symlink_to(strangers)
    manifest_beside(root).write_text(rows)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    with pytest.raises(UsageError, match="is a link that git has"):
        write_folder(root, files())
    assert (strangers / "a.html").read_text() == "mine"


def _key(rows: str) -> str:
    return str(json.loads(rows)["files"]["a.html"][1])


def test_what_no_longer_belongs_goes_with_its_empty_folders(tmp_path: Path) -> None:
    root = tmp_path / "site"
    write_folder(root, files(a_html="a", b__c__d_html="d"))
    done = write_folder(root, files(a_html="a"))
    assert done.removed == ("b/c/d.html",)
    assert [path.name for path in root.iterdir()] == ["a.html"]


def test_a_strangers_file_beside_ours_stays(tmp_path: Path) -> None:
    root = tmp_path / "site"
    (root / "b").mkdir(parents=True)
    (root / "b" / "notes.txt").write_text("mine")
    write_folder(root, files(b__c_html="c"))
    write_folder(root, files())
    assert (root / "b" / "notes.txt").read_text() == "mine"
    assert not (root / "b" / "c.html").exists()


def test_a_strangers_file_in_the_way_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    (root / "z.html").write_text("mine")
    with pytest.raises(UsageError, match=r"z\.html was not made by publisher"):
        write_folder(root, files(a_html="a", z_html="z"))
    assert [path.name for path in root.iterdir()] == ["z.html"]
    assert (root / "z.html").read_text() == "mine"


def test_kept_files_are_still_ours_the_next_time(tmp_path: Path) -> None:
    root = tmp_path / "email"
    write_folder(root, files(one__a="1", two__a="2"))
    write_folder(root, files(one__a="1!"), keep=lambda path: path.startswith("two/"))
    assert (root / "two" / "a").read_text() == "2"
    assert write_folder(root, files(one__a="1!")).removed == ("two/a",)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', '{"files": {"../../etc/passwd": "x"}}', "\x00\xff"])
def test_a_damaged_manifest_deletes_nothing(tmp_path: Path, text: str) -> None:
    root = tmp_path / "site"
    outside = tmp_path / "etc" / "passwd"
    outside.parent.mkdir()
    outside.write_text("root")
    write_folder(root, files(a_html="a"))
    manifest_beside(root).write_text(text)
    write_folder(root, files(b_html="b"))
    assert outside.read_text() == "root"
    assert (root / "a.html").exists()


def test_a_build_that_dies_half_way_owns_up_to_its_files(tmp_path: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    (root / "b").write_text("a file where a folder has to go: the second write fails")
    with pytest.raises(DeployError):
        write_folder(root, [*files(a_html="a"), Target.of("b/c", b"c")])
    assert (root / "a.html").exists()
    done = write_folder(root, files(a_html="other"))
    assert done.written == ("a.html",)


def test_what_a_killed_build_left_goes_with_the_next_and_what_another_one_writes_stays(tmp_path: Path) -> None:
    text = """
import os, signal, sys
from publisher.documents import atomic
from tests.site.test_output import *
replace, done = os.replace, []
def killed(*names):
    if done and "site/" in str(names[1]): os.kill(os.getpid(), signal.SIGKILL)
    done.extend(["x"] * ("site/" in str(names[1])))
    replace(*names)
atomic.os.replace = killed
write_folder(Path(sys.argv[1]) / "site", files(**{"a/x.html": "x", "b/y.html": "y"}))
"""
    assert subprocess.run([sys.executable, "-c", text, str(tmp_path)], check=False).returncode == -9
    (left,) = tmp_path.rglob(".publisher-*")
    other = left.with_name(f".publisher-{os.getppid()}-1.tmp")
    other.write_text("of another build")
    write_folder(tmp_path / "site", files(**{"a/x.html": "x", "b/y.html": "y"}))
    assert [*tmp_path.rglob(".publisher-*")] == [other]


def test_a_disk_that_refuses_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file, not a folder")
    with pytest.raises(DeployError, match="cannot write"):
        write_folder(tmp_path / "site", files(a_html="a"))


def test_no_temporary_file_is_left_and_modes_are_for_a_web_server(tmp_path: Path) -> None:
    root = tmp_path / "site"
    write_folder(root, files(a_html="a"))
    assert sorted(path.name for path in root.iterdir()) == ["a.html"]
    assert os.stat(root / "a.html").st_mode & 0o777 == 0o644
    assert set(read_manifest(manifest_beside(root))) == {"a.html"}


def test_what_lies_as_it_was_written_is_not_read_to_be_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "site"
    write_folder(root, files(a_html="a", b_html="b"))
    time.sleep(0.02)
    manifest_beside(root).touch()  # as late as the files it would not tell a second change of them
    (root / "b.html").write_bytes(b"c")
    read: list[bytes] = []
    monkeypatch.setattr(output, "sha256", lambda content: read.append(content) or sha256(content))
    assert [(one.path, one.digest) for one in uploads(root)] == [("a.html", sha256(b"a")), ("b.html", sha256(b"c"))]
    assert read == [b"c"]


BY_TWO = """
import os, sys
from functools import partial
from pathlib import Path
from publisher.site import output
from publisher.site.model import Target

root, bad = Path(sys.argv[1]), sys.argv[2]
output.cores = lambda: 2

def make(path):
    if path == bad:
        raise ValueError(path)
    (root.parent / "by" / str(os.getpid())).touch()
    return path.encode() * 10_000

(root.parent / "by").mkdir(exist_ok=True)
targets = [Target.under(f"{number}.html", f"{number:032}", partial(make, f"{number}.html")) for number in range(500)]
result = output.write_folder(root, targets)
assert all((root / target.path).read_bytes() == target.path.encode() * 10_000 for target in targets)
assert len(result.written) == 500 and not output.write_folder(root, targets).written
print(len(list((root.parent / "by").iterdir())))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells what a process has open")
@pytest.mark.parametrize("bad", ["", "0.html", "24.html", "499.html"])
def test_many_files_are_made_by_two_processes_and_what_fails_in_either_fails_as_in_one(
    tmp_path: Path, bad: str
) -> None:
    command = [sys.executable, "-c", BY_TWO, str(tmp_path / "site"), bad]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if bad:
        assert done.stderr.endswith(f"ValueError: {bad}\n")
        assert not list((tmp_path / "site").iterdir())
    else:
        assert (done.stdout, done.stderr) == ("2\n", "")
        for number in (3, 30, 60):
            (tmp_path / "site" / f"{number}.html").write_text("theirs", encoding="utf-8")
        output.manifest_beside(tmp_path / "site").unlink()
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "3.html and 2 more was not made by publisher" in again.stderr
