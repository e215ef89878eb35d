"""publish, through the real command: once, in the right order, and refused with a reason where it has to be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .newsroom import HOOK, PEOPLE, ROOT, SLUG, Newsroom, digest_in, git


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    newsroom.set_up()
    newsroom.subscribers(*PEOPLE)
    return newsroom


def test_a_merge_publishes_and_its_branch_is_planned(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.set_up()
    ci, bare = tmp_path / "ci", tmp_path / "origin.git"
    ci.mkdir()
    git(tmp_path, "clone", "-q", "--bare", str(newsroom.root), str(bare))
    hook = bare / "hooks" / "post-receive"
    hook.write_text(HOOK, encoding="utf-8")
    hook.chmod(0o755)
    shared = {"PUBLISHER_DATABASE_URL": f"sqlite:///{ci}/shared.db"}
    newsroom.newsletter.write("people.csv", "email\n" + "\n".join(PEOPLE) + "\n")
    assert newsroom.run("subscribers", "import", "people.csv", **shared).status == 0
    newsroom.git("remote", "add", "origin", str(bare))

    def push(*words: str) -> int:
        run = subprocess.run(
            ["git", "push", "-q", *words], cwd=newsroom.root, capture_output=True, text=True, check=True,
            env=os.environ | newsroom.environment | {"CI_ROOT": str(ci), "GIT_CONFIG_GLOBAL": os.devnull},
        )  # fmt: skip
        assert "Traceback" not in run.stderr
        return int((ci / "status").read_text())

    newsroom.git("checkout", "-q", "-b", "issue")
    newsroom.issue()
    newsroom.commit("The issue")
    assert push("origin", "issue") == 0, (ci / "plan.err").read_text()
    plan = (ci / "plan.md").read_text(encoding="utf-8")
    assert f"`{SLUG}`: new" in plan
    assert "3 recipients" in plan
    assert newsroom.mailed() == []
    assert newsroom.page() is None

    newsroom.git("checkout", "-q", "main")
    newsroom.git("merge", "-q", "--no-ff", "-m", "Merge the issue", "issue")
    assert push("origin", "main") == 0, (ci / "publish.log").read_text()
    assert newsroom.mailed() == sorted(PEOPLE)
    page = newsroom.page()
    assert page
    assert newsroom.ses.account.accepted[0].content
    headers = json.dumps(newsroom.ses.account.accepted[0].content)
    assert digest_in(page) in headers

    newsroom.puts()
    newsroom.commit("Nothing that readers get")
    assert push("origin", "main") == 0
    assert newsroom.puts() == []
    assert newsroom.mailed() == sorted(PEOPLE)


def test_nothing_is_sent_before_the_page_is_live_and_the_next_run_goes_on(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    path = f"/{room.bucket}/issues/{SLUG}/index.html"
    room.edge.stale[path] = None
    ran = room.run("publish")
    assert ran.status == 1
    assert "nothing was sent" in ran.err
    assert "answers 404" in ran.err
    assert ran.err.count("waiting for the page to be live: ") == 1
    assert room.mailed() == []
    room.edge.stale[path] = b'<meta name="publisher:edition" content="sha256:' + b"0" * 64 + b'; commit=none">'
    assert "still shows another edition" in room.run("publish").err
    assert room.mailed() == []
    room.edge.stale.clear()
    room.puts()
    assert room.run("publish").status == 0
    assert room.mailed() == sorted(PEOPLE)
    assert room.puts() == []


def test_a_fault_of_a_page_template_is_one_line_and_nobody_is_mailed(room: Newsroom) -> None:
    room.newsletter.write("templates/web/index.html", "<main>\n{{ nothing.here }}</main>")
    room.issue()
    room.commit("The issue, and a page of our own")
    ran = room.run("publish")
    assert ran.status == 2, ran.err
    assert "error: templates/web/index.html:2: the template fails: 'nothing' is undefined" in ran.err
    assert (room.mailed(), room.page()) == ([], None)


def test_reverting_within_the_veto_window_is_the_veto(room: Newsroom) -> None:
    room.newsletter.write("config.yaml", (room.root / "config.yaml").read_text() + "publish: {veto_window: 1h}\n")
    room.newsletter.write("issues/README.md", "What keeps the folder in git.\n")
    room.commit("The settings")
    room.issue()
    room.commit("The issue")
    ran = room.run("publish")
    assert ran.status == 0
    assert "may be vetoed until" in ran.out
    assert room.page() is None
    room.git("revert", "--no-edit", "HEAD")
    ran = room.run("publish")
    assert (ran.status, SLUG in ran.out) == (0, False), "nobody had it: nothing is withdrawn"
    assert (room.mailed(), room.page()) == ([], None)


def test_a_veto_window_that_is_over_lets_the_issue_go(room: Newsroom) -> None:
    room.newsletter.write("config.yaml", (room.root / "config.yaml").read_text() + "publish: {veto_window: 1s}\n")
    room.issue()
    room.commit("The issue")
    assert room.run("publish").status == 0
    assert room.mailed() == []
    time.sleep(1)
    assert room.run("publish").status == 0
    assert room.mailed() == sorted(PEOPLE)


def test_hold_is_a_veto_until_it_is_released(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run("hold", SLUG, "--why", "the lead is not confirmed").status == 0
    refused = room.run("send", SLUG)
    assert refused.status == 1
    assert f"{SLUG} is held: nothing was sent (the lead is not confirmed)" in refused.err
    assert room.mailed() == []
    ran = room.run("publish")
    assert ran.status == 0
    assert "the lead is not confirmed" in ran.out
    assert (room.mailed(), room.page()) == ([], None)
    assert room.run("hold", SLUG, "--release").status == 0
    assert room.run("publish").status == 0
    assert room.mailed() == sorted(PEOPLE)
    assert room.run("hold", SLUG).status == 2


def test_a_missed_schedule_is_reported_and_not_sent(room: Newsroom) -> None:
    day_before = (datetime.now(UTC) - timedelta(hours=25)).isoformat(timespec="seconds")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    room.issue(head=f"publish_at: {day_before}\n")
    room.issue("2035-03-16-weekly", head=f"publish_at: {tomorrow}\n")
    room.commit("Late, and early")
    ran = room.run("publish")
    assert ran.status == 1
    assert f"{SLUG}: expired" in ran.err
    assert "2035-03-16-weekly: waiting" in ran.out
    assert room.mailed() == []
    assert room.page("2035-03-16-weekly") is None


def test_an_older_commit_never_takes_the_archive_back(room: Newsroom) -> None:
    room.issue()
    old = room.commit("The issue")
    assert room.run("publish").status == 0
    room.issue("2035-03-16-weekly")
    new = room.commit("The next issue")
    assert room.run("publish").status == 0
    room.puts()
    room.git("checkout", "-q", old)
    ran = room.run("publish")
    assert ran.status == 2
    assert f"the newer {new[:12]} is published already" in ran.err
    assert room.puts() == []
    assert room.page("2035-03-16-weekly")
    assert room.mailed() == sorted(PEOPLE * 2)


def test_a_checkout_that_git_may_not_read_is_told_and_never_taken_for_the_newest(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    foreign = {
        "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
    }
    told = "git does not answer in this repository: detected dubious ownership"
    assert told in room.run("plan", **foreign).out
    assert told in room.run("plan", "--base", "HEAD", **foreign).err
    assert room.run("publish").status == 0
    ran = room.run("publish", **foreign)
    assert ran.status == 2
    assert "may be newer" in ran.err
    assert f"safe.directory {room.root}" in ran.err
    ran = room.run("publish", "--accept-history", **foreign)
    assert (ran.status, told in ran.err) == (0, True)
    (room.root / ".git/HEAD").unlink()
    assert "see what git status says there" in room.run("plan").out
    assert room.mailed() == sorted(PEOPLE)


def test_a_rewritten_history_is_refused_until_somebody_says_so_and_mails_nobody_again(
    room: Newsroom, tmp_path: Path
) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run("publish").status == 0
    room.git("tag", "published")
    room.git("reset", "-q", "--soft", "HEAD~1")
    room.commit("The same issue, rewritten")
    assert "publish would refuse: the published commit" in room.run("plan").out
    assert "would refuse" not in room.run("plan", "--base", "HEAD").out  # a branch need not follow it yet
    ran = room.run("publish")
    assert ran.status == 2
    assert "the history was rewritten" in ran.err
    shallow, url = tmp_path / "shallow", f"sqlite:///{room.root}/.publisher/publisher.db"
    room.git("clone", "-q", "--depth", "1", "--no-single-branch", f"file://{room.root}", str(shallow))
    cut = room.zygote.run(shallow, "publish", environment=room.environment | {"PUBLISHER_DATABASE_URL": url})
    assert "this shallow checkout does not show" in cut["err"]  # although the tag brings the published commit
    assert "fetch-depth: 0" in cut["err"]
    assert room.run("publish", "--accept-history").status == 0
    assert "would refuse" not in room.run("plan").out
    assert room.mailed() == sorted(PEOPLE)


def test_a_lost_database_mails_nobody_again(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run("publish").status == 0
    for file in (room.root / ".publisher").glob("publisher.db*"):
        file.unlink()
    room.subscribers(*PEOPLE)
    room.issue("2035-03-16-weekly")
    room.commit("The next issue")
    ran = room.run("publish")
    assert ran.status == 2
    assert "this database knows nothing of it" in ran.err
    assert f"publisher publish --mailed {SLUG}" in ran.err
    assert room.mailed() == sorted(PEOPLE * 2)  # the next issue went out
    assert room.run("publish").status == 2  # and it says so again, until somebody settles it
    assert room.run("publish", "--mailed", SLUG).status == 0
    assert room.mailed() == sorted(PEOPLE * 2)


def test_a_correction_shows_in_the_archive_and_mails_nobody(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run("publish").status == 0
    first = digest_in(room.page() or "")
    room.issue(body="正文，已更正。")
    room.commit("A correction")
    ran = room.run("publish")
    assert ran.status == 0
    assert "nobody is mailed again" in ran.out
    page = room.page() or ""
    assert 'class="correction"' in page
    assert digest_in(page) != first
    assert room.mailed() == sorted(PEOPLE)
    room.puts()
    assert room.run("publish").status == 0
    assert room.puts() == []  # the day of the correction is written down and stays
    room.issue()
    room.commit("The correction undone")
    assert room.run("publish").status == 0
    assert 'class="correction"' not in (room.page() or "")
    assert room.mailed() == sorted(PEOPLE)


@pytest.mark.parametrize("how", [("publish",), ("send", SLUG)])
def test_another_theme_is_no_correction(room: Newsroom, how: tuple[str, ...]) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run(*how).status == 0
    first = digest_in(room.page() or "") if how == ("publish",) else None
    config = (room.root / "config.yaml").read_text()
    room.newsletter.write("config.yaml", config.replace("南京东路 1 号", "南京东路 2 号", 1))
    room.commit("We have moved")
    assert room.run("publish").status == 0
    page = room.page() or ""
    assert digest_in(page) != first
    assert 'class="correction"' not in page
    assert room.mailed() == sorted(PEOPLE)


def test_a_deleted_issue_leaves_a_page_that_says_so(room: Newsroom) -> None:
    room.issue()
    room.issue("2035-03-16-weekly")
    room.commit("Two issues")
    assert room.run("publish", "--unmailed", "all").status == 0
    room.git("rm", "-rq", f"issues/{SLUG}")
    room.commit("Withdraw the first")
    assert room.run("publish").status == 0
    page = room.page() or ""
    assert "本期已撤下" in page
    assert "正文。" not in page
    room.git("revert", "--no-edit", "HEAD")
    assert room.run("publish").status == 0
    assert "正文。" in (room.page() or "")
    assert room.mailed() == sorted(PEOPLE * 2)


def test_a_broken_issue_keeps_its_page_and_the_others_wait_for_it(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run("publish").status == 0
    before = room.page()
    room.newsletter.write(f"issues/{SLUG}/a.md", "---\nheadline:\n---\n")
    room.issue("2035-03-16-weekly")
    room.commit("Break the first")
    plan = json.loads(room.run("plan", "--format", "json").out)
    assert ([(one["issue"], one["decision"]) for one in plan["decisions"]], plan["due"]) == (
        [(SLUG, "broken"), ("2035-03-16-weekly", "waiting")], [],
    )  # fmt: skip
    ran = room.run("publish")
    assert ran.status == 1
    assert f"{SLUG} has errors and would lose the page that is live" in ran.err
    assert (room.page(), room.page("2035-03-16-weekly")) == (before, None)
    assert room.mailed() == sorted(PEOPLE)
    room.issue()
    room.commit("Mend it")
    assert room.run("publish").status == 0
    assert room.mailed() == sorted(PEOPLE * 2)


def test_a_new_issue_that_is_broken_holds_up_no_other(room: Newsroom) -> None:
    room.issue()
    room.newsletter.write("issues/2035-03-16-weekly/issue.yaml", "title: x\nstatus: ready\n")
    room.newsletter.write("issues/2035-03-23-weekly/issue.yaml", "title: x\nstatus: draft\n")
    room.commit("One whole, one broken, one broken draft")
    ran = room.run("publish")
    assert ran.status == 1
    assert "2035-03-16-weekly: broken" in ran.err
    assert "2035-03-23" not in ran.err.replace("issues/2035-03-23", "")
    assert room.mailed() == sorted(PEOPLE)


def test_a_provider_out_of_reach_stops_the_mail_and_not_the_archive(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    ran = room.run("publish", AWS_ENDPOINT_URL_SESV2="http://127.0.0.1:1")
    assert ran.status == 2
    assert f"error: {SLUG}: " in ran.err
    assert room.page()
    assert room.mailed() == []
    assert room.run("publish").status == 0
    assert room.mailed() == sorted(PEOPLE)


def test_a_test_message_in_the_outbox_is_no_mailing(room: Newsroom) -> None:
    config = (room.root / "config.yaml").read_text().replace("transport: ses", "transport: folder")
    room.newsletter.write("config.yaml", config)
    room.issue()
    room.commit("The issue")
    assert room.run("send", SLUG, "--test", "editor@example.com").status == 0
    assert room.run("publish").status == 0
    assert len(list((room.root / "outbox" / SLUG).glob("*.eml"))) == 1 + len(PEOPLE)


@pytest.mark.postgres
def test_on_postgresql_too(newsroom: Newsroom, empty_postgres_url: str) -> None:
    newsroom.set_up()
    newsroom.environment["PUBLISHER_DATABASE_URL"] = empty_postgres_url
    newsroom.subscribers(*PEOPLE)
    newsroom.issue()
    newsroom.commit("The issue")
    assert newsroom.run("hold", SLUG).status == 0
    assert newsroom.run("publish").status == 0
    assert newsroom.mailed() == []
    assert newsroom.run("hold", SLUG, "--release").status == 0
    assert newsroom.run("publish").status == 0
    newsroom.issue(body="已更正。")
    newsroom.commit("A correction")
    assert json.loads(newsroom.run("plan", "--format", "json").out)["work"] is True
    assert newsroom.run("publish").status == 0
    assert 'class="correction"' in (newsroom.page() or "")
    assert newsroom.mailed() == sorted(PEOPLE)


def test_two_runs_at_once_are_one_mailing(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    room.ses.account.change({"latency": 0.6})
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PUBLISHER_")}
    environment |= room.environment | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "publisher", "publish"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen(command, cwd=room.root, env=environment, **pipes) for _ in range(3)]
    ended: list[tuple[Any, ...]] = [(run.communicate(timeout=90), run.returncode) for run in runs]
    assert room.mailed() == sorted(PEOPLE)
    assert {code for _, code in ended} <= {0, 2}
    for (_, err), code in ended:
        assert "Traceback" not in err
        assert code == 0 or "another run of publish is at work" in err


def test_ctrl_c_in_mid_mailing_is_recorded_and_the_next_run_goes_on(room: Newsroom) -> None:
    people = [f"reader{n}@example.com" for n in range(120)]
    room.subscribers(*people)
    room.issue()
    room.commit("The issue")
    room.ses.account.change({"latency": 1.0, "rate": 50})
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PUBLISHER_")}
    environment |= room.environment | {"PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        [sys.executable, "-m", "publisher", "publish"], cwd=room.root, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while room.ses.account.calls == 0 and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1, out + err
    assert "Traceback" not in err
    room.ses.account.change({"latency": 0.0, "rate": 0})
    assert room.run("publish").status == 0
    assert room.mailed() == sorted([*PEOPLE, *people])


def test_a_last_issue_that_is_reverted_is_withdrawn_shown_and_never_mailed_again(room: Newsroom) -> None:
    room.issue()
    room.commit("The issue")
    assert room.run("publish").status == 0
    shutil.rmtree(room.root / "issues")  # git keeps no empty folder
    ran = room.run("publish")
    assert (ran.status, "cannot be read" in ran.err) == (2, True)  # as after a checkout of a part
    assert "正文。" in (room.page() or "")
    room.commit("Without it")
    for words in (("check",), ("build",), ("plan",), ("plan", "--base", "HEAD~1"), ("publish",)):
        assert room.run(*words).status == 0, words
    assert "正文。" not in (room.page() or "")  # it says that it was withdrawn
    (row,) = json.loads(room.run("status", "--format", "json").out)
    assert (row["issue"], row["submitted"]) == (SLUG, len(PEOPLE))
    room.git("revert", "--no-edit", "HEAD")
    assert room.run("publish").status == 0
    assert "正文。" in (room.page() or "")
    assert room.mailed() == sorted(PEOPLE)
