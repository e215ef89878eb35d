"""Nobody is mailed by surprise: old, sample, several at first, unconfigured; and an operator's decision about it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from publisher.config import load_config
from publisher.config.load import unready
from tests.acceptance.conftest import CONFIG, Newsletter

FUTURE = "2035-01-0{}-weekly"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path)
    made.write("config.yaml", CONFIG)
    made.subscribers("ann@example.com", "ben@example.com")
    return made


def mails(newsletter: Newsletter) -> dict[str, int]:
    outbox = newsletter.root / "outbox"
    return {path.name: len(list(path.glob("*.eml"))) for path in outbox.iterdir()} if outbox.exists() else {}


def issue(newsletter: Newsletter, slug: str, status: str = "ready", body: str = "正文。") -> None:
    head = f"title: {slug} 周报\ndate: {slug[:10]}\nstatus: {status}\n"
    newsletter.write(f"issues/{slug}/issue.yaml", head)
    newsletter.write(f"issues/{slug}/a.md", f"---\nheadline: {slug} 的消息\n---\n{body}\n")


def test_an_old_issue_in_an_empty_ledger_is_named_and_not_mailed(newsletter: Newsletter) -> None:
    issue(newsletter, "2023-01-01-weekly")
    ran = newsletter.run("publish")
    assert (ran.status, mails(newsletter)) == (1, {})
    assert "2023-01-01-weekly" in ran.err
    assert newsletter.run("publish").status == 1  # and the next run does not take it for known
    assert mails(newsletter) == {}
    assert newsletter.run("publish", "--unmailed", "2023-01-01-weekly").status == 0
    assert mails(newsletter) == {"2023-01-01-weekly": 2}


def test_an_issue_that_went_out_before_anybody_had_subscribed_is_reported(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path)
    newsletter.write("config.yaml", CONFIG)
    issue(newsletter, FUTURE.format(1))
    assert "nobody has subscribed yet" in newsletter.run("publish").out
    newsletter.subscribers("ann@example.com", "ben@example.com")
    later = newsletter.run("publish")
    assert (later.status, mails(newsletter)) == (0, {FUTURE.format(1): 0})
    assert "1 issue went to nobody; publisher send ISSUE mails it" in later.out
    assert "mailed earlier" not in later.out
    assert newsletter.run("send", FUTURE.format(1)).status == 0
    assert mails(newsletter) == {FUTURE.format(1): 2}
    last = newsletter.run("publish").out
    assert "1 issue mailed earlier" in last
    assert "nobody" not in last


def test_an_issue_whose_audience_left_out_all_counts_as_not_mailed_also_renamed(newsletter: Newsletter) -> None:
    issue(newsletter, one := FUTURE.format(1))
    text = (newsletter.root / (path := f"issues/{one}/issue.yaml")).read_text("utf-8")
    newsletter.write(path, f"{text}audience: topic:none\n")
    assert "went to nobody" in newsletter.run("publish").err
    newsletter.write(f"issues/{one}/a.md", "---\nheadline: 另一条消息\n---\n改过的正文。\n")
    newsletter.write(path, text)
    told = newsletter.run("publish").out
    assert "1 issue went to nobody; publisher send ISSUE mails it" in told
    assert "changed after it went out" not in told
    assert newsletter.run("hold", one).status == 0
    assert newsletter.run("publish").status == 0
    assert newsletter.run("hold", one, "--release").status == 0
    shutil.move(newsletter.root / "issues" / one, newsletter.root / "issues" / (two := FUTURE.format(2)))
    newsletter.write(f"issues/{two}/issue.yaml", text.replace(one[:10], two[:10]))
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {one: 0, two: 2}


def test_an_issue_whose_correction_went_to_nobody_counts_as_mailed_also_renamed(newsletter: Newsletter) -> None:
    issue(newsletter, one := FUTURE.format(1))
    assert newsletter.run("publish").status == 0
    text = (newsletter.root / (path := f"issues/{one}/issue.yaml")).read_text("utf-8")
    newsletter.write(path, f"{text}audience: topic:none\n")
    newsletter.write(f"issues/{one}/a.md", "---\nheadline: 另一条消息\n---\n改过的正文，这里还有很长的一段话。\n")
    assert "went to nobody" in newsletter.run("send", one, "--correction").err
    assert "1 issue mailed earlier" in newsletter.run("publish").out
    assert "has been mailed" in newsletter.run("hold", one).err
    shutil.move(newsletter.root / "issues" / one, newsletter.root / "issues" / (two := FUTURE.format(2)))
    newsletter.write(f"issues/{two}/issue.yaml", text.replace(one[:10], two[:10]))
    assert f"readers have it as {one}" in newsletter.run("publish").err
    assert mails(newsletter) == {one: 2}
    shutil.move(newsletter.root / "issues" / two, newsletter.root / "issues" / one)
    newsletter.write(path, text)  # its audience is right again
    assert newsletter.run("send", one, "--correction").status == 0
    assert mails(newsletter) == {one: 4}


def test_many_old_issues_are_one_line(newsletter: Newsletter) -> None:
    for number in range(1, 8):
        issue(newsletter, f"2023-01-0{number}-weekly", body=f"第{number}期的正文，与别期不同。")
    ran = newsletter.run("publish")
    assert ran.status == 1
    assert len([line for line in ran.err.splitlines() if "2023-01-0" in line]) == 1
    assert newsletter.run("publish", "--mailed", "all").status == 0
    assert mails(newsletter) == {}


def test_a_first_publish_with_several_due_issues_is_refused_until_an_operator_decides(newsletter: Newsletter) -> None:
    for number in (1, 2):
        issue(newsletter, FUTURE.format(number), body=f"第{number}期的正文，与别期不同。")
    ran = newsletter.run("publish")
    assert (ran.status, mails(newsletter)) == (2, {})
    assert "--mailed" in ran.err
    assert newsletter.run("publish", "--mailed", FUTURE.format(1)).status == 0
    assert mails(newsletter) == {FUTURE.format(2): 2}


def test_one_due_issue_needs_no_word_and_later_several_need_none(newsletter: Newsletter) -> None:
    issue(newsletter, FUTURE.format(1))
    assert newsletter.run("publish").status == 0
    for number in (2, 3):
        issue(newsletter, FUTURE.format(number), body=f"第{number}期的正文，与别期不同。")
    assert newsletter.run("publish").status == 0
    assert set(mails(newsletter).values()) == {2}
    assert len(mails(newsletter)) == 3


def test_mailed_all_settles_only_what_readers_can_have_had(newsletter: Newsletter) -> None:
    issue(newsletter, "2023-01-01-old")
    issue(newsletter, FUTURE.format(2), status="draft")
    issue(newsletter, FUTURE.format(3), body="")  # broken
    issue(newsletter, FUTURE.format(4), body="另外一期的正文，会被按住。")
    assert newsletter.run("hold", FUTURE.format(4)).status == 0
    ran = newsletter.run("publish", "--mailed", "all")
    assert "taken as mailed already: 2023-01-01-old\n" in ran.err
    issue(newsletter, FUTURE.format(2), body="草稿写完了。")
    issue(newsletter, FUTURE.format(3), body="改好了的一期。")
    assert newsletter.run("hold", FUTURE.format(4), "--release").status == 0
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {FUTURE.format(n): 2 for n in (2, 3, 4)}
    refused = newsletter.run("publish", "--mailed", "2035-09-09-none")
    assert refused.status == 2


def test_unmailed_all_mails_nothing_that_readers_have_by_any_witness(newsletter: Newsletter) -> None:
    by_word, by_outbox, missed = "2023-01-01-word", FUTURE.format(1), "2023-01-03-missed"
    issue(newsletter, by_outbox)
    assert newsletter.run("publish").status == 0
    shutil.rmtree(newsletter.root / ".publisher")  # the outbox knows more than the ledger
    newsletter.subscribers("ann@example.com", "ben@example.com")
    issue(newsletter, by_word, body="别处发过的一期。")
    issue(newsletter, missed, body="没有发过的一期。")
    assert "this database knows nothing of it" in newsletter.run("publish", "--mailed", by_word).err
    ran = newsletter.run("publish", "--unmailed", "all")
    assert f"taken as not mailed yet: {missed}\n" in ran.err
    assert (ran.status, mails(newsletter)) == (2, {by_outbox: 2, missed: 2})
    ran = newsletter.run("publish", "--mailed", "all")
    assert f"taken as mailed already: {by_outbox}\n" in ran.err
    assert (ran.status, mails(newsletter)) == (0, {by_outbox: 2, missed: 2})
    assert newsletter.run("publish", "--unmailed", by_word).status == 0  # by its name
    assert mails(newsletter)[by_word] == 2


def test_all_does_not_overrule_an_issue_that_is_named_beside_it(newsletter: Newsletter) -> None:
    for number in (1, 2):
        issue(newsletter, FUTURE.format(number), body=f"第{number}期的正文，与别期不同。")
    assert newsletter.run("publish", "--mailed", FUTURE.format(1), "--unmailed", "all").status == 0
    assert mails(newsletter) == {FUTURE.format(2): 2}


@pytest.mark.parametrize(
    ("expired", "says"),
    [
        (0, "; publisher publish --unmailed SLUG mails one now"),
        (4, "; publisher send SLUG mails one now"),
        (2, "; publisher publish --unmailed SLUG, or publisher send SLUG (that one, where publish_at is set) mails"),
    ],
)
def test_the_one_line_for_many_late_issues_says_what_mails_one(newsletter: Newsletter, expired: int, says: str) -> None:
    for number in range(1, 5):
        issue(newsletter, slug := f"2023-01-0{number}-weekly", body=f"第{number}期的正文，与别期不同。")
        if number <= expired:
            with (newsletter.root / "issues" / slug / "issue.yaml").open("a") as file:
                file.write("publish_at: 2023-01-05T08:00:00\n")
    assert says in newsletter.run("publish").err
    if expired:
        assert newsletter.run("send", "2023-01-01-weekly").status == 0
    else:
        newsletter.run("publish", "--unmailed", "2023-01-01-weekly")
    assert mails(newsletter) == {"2023-01-01-weekly": 2}


def test_a_draft_cannot_be_said_to_have_been_mailed(newsletter: Newsletter) -> None:
    issue(newsletter, FUTURE.format(1), status="draft")
    ran = newsletter.run("publish", "--mailed", FUTURE.format(1))
    assert ran.status == 2
    assert "no reader can have had it" in ran.err


def test_the_sample_of_a_new_repository_reaches_nobody(tmp_path: Path) -> None:
    made = Newsletter(tmp_path / "new")
    made.root.mkdir()
    assert made.run("init", ".").status == 0
    made.write("people.csv", "email\nann@example.com\n")
    assert made.run("subscribers", "import", "people.csv").status == 0
    assert made.run("publish").status == 0
    assert mails(made) == {}


REAL = """\
newsletter:
  name: N
  url: https://news.weekly.test/
  from: N <n@weekly.test>
  postal_address: 1 High Road, London
service: {url: https://letters.weekly.test/}
delivery: {transport: smtp, smtp: {host: 127.0.0.1, port: 9}}
"""


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("https://news.weekly.test/", "https://news.example.com/"),
        ("https://news.weekly.test/", "https://a.b.example.org/"),
        ("https://news.weekly.test/", "https://weekly.example/"),
        ("n@weekly.test", "n@mail.example.net"),
        ("https://letters.weekly.test/", "https://letters.example.com/"),
        ("https://letters.weekly.test/", "http://letters.weekly.test/"),
        ("https://letters.weekly.test/", "HTTP://letters.weekly.test/"),
        ("  postal_address: 1 High Road, London\n", ""),
        ("1 High Road, London", "1 Example Street, London"),
        ("1 High Road, London", "上海市示例路 1 号, 200000"),
    ],
)
def test_real_mail_with_a_placeholder_is_refused_by_every_command_that_sends(
    newsletter: Newsletter, was: str, now: str
) -> None:
    newsletter.write("config.yaml", REAL)
    assert unready(load_config(newsletter.root)) == {}
    newsletter.write("config.yaml", REAL.replace(was, now))
    issue(newsletter, FUTURE.format(1))
    for command in (("send", FUTURE.format(1)), ("publish",), ("worker",)):
        ran = newsletter.run(*command)
        assert (ran.status, mails(newsletter)) == (2, {})
        assert "nothing was sent" in ran.err
    assert "publish would refuse: " in newsletter.run("plan").out
    dry = newsletter.run("send", FUTURE.format(1), "--dry-run")
    assert (dry.status, "send refuses" in dry.err) == (0, True)
    checked = newsletter.run("check")
    assert "placeholder-config" in checked.out
    newsletter.write("config.yaml", REAL.replace(was, now).replace("transport: smtp", "transport: folder"))
    assert "placeholder-config" not in newsletter.run("check").out
    assert "would refuse" not in newsletter.run("plan").out


def test_words_that_only_look_like_placeholders_are_none(newsletter: Newsletter) -> None:
    newsletter.write(
        "config.yaml", REAL.replace("news.weekly.test", "exampleweekly.com").replace("1 High", "1 Exampler")
    )
    assert unready(load_config(newsletter.root)) == {}


def test_publish_says_each_kind_of_warning_once_and_the_jobs_summary_has_all(
    newsletter: Newsletter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    issue(newsletter, FUTURE.format(1), body="\n\n".join(["他说，，好。"] * 4))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ran = newsletter.run("publish")
    assert ran.err.count("doubled-punctuation") == 1
    assert "+ 3 more in 1 file" in ran.err
    assert summary.read_text().count("doubled-punctuation") == 4


STORY = (
    "The mill turns again after forty years. The wheel was lifted back into the race on Sunday. Flour is sold from "
    "nine in the morning.\n\n修复工作用了三年时间。镇上的居民捐出了大部分经费，其余由基金会承担。"
)


def mailed(newsletter: Newsletter, slug: str, body: str = STORY) -> str:
    issue(newsletter, slug, body=body)
    assert newsletter.run("publish").status == 0
    assert mails(newsletter)[slug] == 2
    return slug


def rename(newsletter: Newsletter, slug: str, name: str) -> None:
    (newsletter.root / "issues" / slug).rename(newsletter.root / "issues" / name)


def test_a_folder_that_is_renamed_mails_nobody_again(newsletter: Newsletter) -> None:
    before, after = mailed(newsletter, FUTURE.format(1)), "2035-01-01-mill"
    rename(newsletter, before, after)
    plan = newsletter.run("plan")
    assert f"{after}: renamed: readers have it as {before}" in plan.out
    for words in (("publish",), ("publish", "--unmailed", "all"), ("publish",)):
        ran = newsletter.run(*words)
        assert ran.status == 1
        assert f"{after}: renamed: readers have it as {before}" in ran.err
        assert f"--mailed {after}" in ran.err
    ran = newsletter.run("send", after)
    assert ran.status == 2
    assert f"{after}: readers have it as {before}" in ran.err
    assert mails(newsletter) == {before: 2}
    assert newsletter.run("publish", "--mailed", after).status == 0
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {before: 2}
    rename(newsletter, after, before)
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {before: 2}


def replaced(newsletter: Newsletter) -> str:
    slug = mailed(newsletter, FUTURE.format(1))
    newsletter.write(f"issues/{slug}/issue.yaml", f"title: The mill opens\ndate: {slug[:10]}\nstatus: ready\n")
    newsletter.write(f"issues/{slug}/a.md", "---\nheadline: Flour again\n---\nThe mill opens in May.\n")
    ran = newsletter.run("publish")
    assert (ran.status, mails(newsletter)) == (1, {slug: 2})
    assert f"{slug}: reused" in ran.err
    return slug


def test_a_new_issue_in_the_folder_of_a_mailed_one_is_no_silent_correction(newsletter: Newsletter) -> None:
    slug, before = replaced(newsletter), mails(newsletter)
    assert newsletter.run("publish", "--mailed", slug).status == 0
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == before


def test_it_is_mailed_from_a_folder_of_its_own(newsletter: Newsletter) -> None:
    before, after = replaced(newsletter), "2035-01-01-mill"
    rename(newsletter, before, after)
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {before: 2, after: 2}


def test_or_from_this_one_as_a_correction(newsletter: Newsletter) -> None:
    slug = replaced(newsletter)
    assert newsletter.run("send", slug).status == 2
    assert newsletter.run("send", slug, "--correction").status == 0
    assert newsletter.run("publish").status == 0


def test_so_does_one_whose_text_is_edited_in_the_same_commit(newsletter: Newsletter) -> None:
    before, after = mailed(newsletter, FUTURE.format(1)), FUTURE.format(2)
    shutil.rmtree(newsletter.root / "issues" / before)
    issue(
        newsletter, after, body=STORY.replace("forty", "fifty").replace("三年", "四年") + " One sentence is new here."
    )
    ran = newsletter.run("publish")
    assert (ran.status, mails(newsletter)) == (1, {before: 2})
    assert newsletter.run("publish", "--unmailed", after).status == 0
    assert mails(newsletter) == {before: 2, after: 2}


def test_so_does_one_of_the_same_day_and_title_whose_only_sentence_is_written_anew(newsletter: Newsletter) -> None:
    before, after = mailed(newsletter, FUTURE.format(1), "The mill turns."), f"{FUTURE.format(1)}-mill"
    rename(newsletter, before, after)
    newsletter.write(f"issues/{after}/a.md", "---\nheadline: Flour again\n---\nThe mill opens in May.\n")
    ran = newsletter.run("publish")
    assert (ran.status, mails(newsletter)) == (1, {before: 2})


def test_another_text_in_the_place_of_one_that_is_gone_is_a_new_issue(newsletter: Newsletter) -> None:
    before, after = mailed(newsletter, FUTURE.format(1)), FUTURE.format(2)
    shutil.rmtree(newsletter.root / "issues" / before)
    text = (
        "The bridge is closed until May. 桥梁要到五月才能重新开放，行人请绕行。 Flour is sold from nine in the morning."
    )
    issue(newsletter, after, body=text)
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {before: 2, after: 2}


def test_what_several_letters_say_does_not_make_a_new_issue_an_old_one(newsletter: Newsletter) -> None:
    """A greeting, and a sponsor's words, longer than the news; whoever copies an issue may delete the one before."""
    greeting = "Welcome to our weekly letter about mills and people. 每周我们收集读到的东西，欢迎来信告诉我们。"
    sponsor = "The sponsor of this issue is the mill of our town, open daily. Flour is sold from nine in the morning."
    news = (
        "The bridge is closed until May.",
        "桥梁要到五月才能重新开放，行人请绕行。",
        "Bees forget it after a day.",
        "An oak of the park fell.",
    )
    slugs = [FUTURE.format(number) for number in range(1, 5)]
    for number, (slug, text) in enumerate(zip(slugs, news, strict=True)):
        issue(newsletter, slug, body=f"{greeting}\n\n{text}\n\n{sponsor}")
        if number > 1:
            shutil.rmtree(newsletter.root / "issues" / slugs[number - 1])
        assert newsletter.run("publish").status == 0
    assert mails(newsletter) == dict.fromkeys(slugs, 2)
    rename(newsletter, slugs[3], "2035-01-04-oak")
    issue(newsletter, "2035-01-04-oak", body=f"{greeting}\n\n{news[3]}\n\n{sponsor}!")
    assert newsletter.run("publish").status == 1


def test_a_text_that_is_mailed_twice_on_purpose_beside_the_first_is_due(newsletter: Newsletter) -> None:
    before, after = mailed(newsletter, FUTURE.format(1)), FUTURE.format(2)
    issue(newsletter, after, body=STORY)
    assert newsletter.run("publish").status == 0
    assert mails(newsletter) == {before: 2, after: 2}


def test_many_renamed_folders_are_one_line(newsletter: Newsletter) -> None:
    for number in range(1, 6):
        mailed(newsletter, FUTURE.format(number), f"第{number}期的正文，与别期完全不同。")
    for number in range(1, 6):
        rename(newsletter, FUTURE.format(number), f"weekly-{number}")
    ran = newsletter.run("publish")
    assert ran.status == 1
    assert len([line for line in ran.err.splitlines() if "weekly-1" in line]) == 1
    assert newsletter.run("publish", "--mailed", "all").status == 0
    assert len(mails(newsletter)) == 5


def test_what_was_mailed_elsewhere_or_is_held_is_called_so_and_not_overdue(newsletter: Newsletter) -> None:
    for number in (1, 2, 3):
        issue(newsletter, f"2023-01-0{number}-weekly", body=f"第{number}期的正文，与别期不同。")
    first, second, third = (f"2023-01-0{number}-weekly" for number in (1, 2, 3))
    assert newsletter.run("publish", "--mailed", first).status == 1
    assert newsletter.run("hold", second).status == 0
    for words in (("status",), ("send", third)):
        ran = newsletter.run(*words)
        assert [slug for slug in (first, second) if f"overdue: {slug}" in ran.err] == [], ran
    lines = {line.split()[0]: line for line in newsletter.run("status").out.splitlines()}
    assert ("mailed elsewhere" in lines[first], "held" in lines[second], "done" in lines[third]) == (True,) * 3
    rows = {row["issue"]: row for row in json.loads(newsletter.run("status", "--format", "json").out)}
    assert [(rows[slug]["state"], rows[slug].get("decision")) for slug in (first, second, third)] == [
        ("new", "settled"), ("new", "held"), ("done", None),
    ]  # fmt: skip
