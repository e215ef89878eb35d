"""Where a message and a page come from: verified by rebuilding, and rebuilt to the byte anywhere."""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.acceptance.conftest import CONFIG
from tests.warm import clean_environment

from .newsroom import ROOT, SLUG, Newsroom, git


def folder_newsletter(room: Newsroom) -> Path:
    """The newsroom with messages and archive in folders; the message that was written."""
    room.newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\n")
    room.newsletter.write(".gitignore", "dist\nlive\noutbox\n.publisher\npeople.csv\n")
    room.git("init", "-q", "-b", "main")
    room.issue(body="正文 {{ 括号 }}，见[链接](https://example.com/?a=1&b=2)。")
    room.commit("The issue")
    room.subscribers("ann@example.com")
    assert room.run("publish").status == 0
    (message,) = (room.root / "outbox" / SLUG).glob("*.eml")
    return message


def test_a_message_is_known_by_its_commit_even_after_its_issue_changed(newsroom: Newsroom) -> None:
    message = folder_newsletter(newsroom)
    commit = newsroom.git("rev-parse", "HEAD")
    assert f"commit={commit}" in message.read_text()
    newsroom.issue(body="另一段。")
    newsroom.commit("Another text")
    assert newsroom.run("send", SLUG, "--test", "ed@example.com").status == 0
    (test,) = message.parent.glob("test*.eml")
    assert newsroom.run("verify", str(test)).status == 0
    ran = newsroom.run("verify", str(message))
    assert ran.status == 0, ran.err
    assert f"this is {SLUG} of commit {commit[:12]}" in ran.out


def test_what_config_and_issue_name_elsewhere_in_the_repository_is_there_when_a_commit_is_rebuilt(
    newsroom: Newsroom,
) -> None:
    folder_newsletter(newsroom)
    picture = io.BytesIO()
    Image.new("RGB", (600, 300), "#a4371c").save(picture, "PNG")
    for name in ("brand/logo.png", "shared/map.png"):
        newsroom.newsletter.write(name, picture.getvalue())
    newsroom.newsletter.write("house/theme.yaml", "description: ours\n")
    newsroom.newsletter.write("brand/own.css", "a { color: #123456 }\n")
    theme = "theme: {name: ./house, logo: brand/logo.png, css: [brand/own.css]}\n"
    newsroom.newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\n" + theme)
    newsroom.issue(f"{SLUG}-map", body="![地图](../../shared/map.png)\n\n正文。")
    newsroom.commit("A brand, and a map")
    ran = newsroom.run("publish")
    assert ran.status == 0, ran.err
    (message,) = (newsroom.root / f"outbox/{SLUG}-map").glob("*.eml")
    newsroom.issue(f"{SLUG}-map", body="![地图](../../shared/map.png)\n\n另一段。")
    newsroom.commit("Another text")
    verified = newsroom.run("verify", str(message))
    assert verified.status == 0, verified.err
    planned = json.loads(newsroom.run("plan", "--base", "HEAD~1", "--format", "json").out)
    assert [(one["issue"], one["how"]) for one in planned["changes"]] == [(f"{SLUG}-map", "changed")]


def test_a_message_that_was_altered_or_comes_from_elsewhere_is_not(newsroom: Newsroom, tmp_path: Path) -> None:
    raw = folder_newsletter(newsroom).read_text()
    body = re.search(r"base64\r?\n\r?\n(\S+)", raw)
    cases = {
        "altered": raw.replace("Subject: =?utf-8?B?", "Subject: [x] =?utf-8?B?", 1),
        "differs": re.sub(r"sha256:[0-9a-f]{64}; commit", f"sha256:{'0' * 64}; commit", raw),
        "altered  ": raw.replace("charset=utf-8", "charset=none-such").replace(
            'charset="utf-8"', 'charset="none-such"'
        ),
        "unknown commit": re.sub(r"commit=[0-9a-f]{40}", f"commit={'a' * 40}", raw),
        "no provenance": re.sub(r"X-Publisher-Edition:.*(\r?\n .*)*\r?\n", "", raw),
    }
    if body:
        cases["altered "] = raw.replace(body[1], "5LuW5Lq65YaZ55qE5q2j5paH", 1)
    for verdict, text in cases.items():
        file = tmp_path / "message.eml"
        file.write_text(text)
        ran = newsroom.run("verify", str(file))
        assert (ran.status, f"error: {verdict.strip()}:" in ran.err) == (1, True), (verdict, ran.err)
    assert newsroom.run("verify", "nothing.eml").status == 2


def test_a_personal_message_is_the_edition_but_for_what_was_filled_in(newsroom: Newsroom, tmp_path: Path) -> None:
    room = newsroom
    attributes = "audience: {attributes: {name: 朋友, city: 各地}}\n"
    room.newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\n" + attributes)
    room.newsletter.write(".gitignore", "live\noutbox\n.publisher\npeople.csv\n")
    room.git("init", "-q", "-b", "main")
    body = "正文，{{ subscriber.name }}，[去](https://example.com/?c={{subscriber.city}})。"
    room.issue(head='subject: "{{ subscriber.name }}，你好"\nintro: 给 {{ subscriber.name }}\n', body=body)
    room.commit("The issue")
    room.newsletter.write("people.csv", 'email,name,city\nann@example.com,"A<b>""&, =?",K öln/\nben@example.com,,\n')
    assert room.run("subscribers", "import", "people.csv").status == 0
    ran = room.run("publish")
    assert ran.status == 0, ran.err
    ann, ben = sorted((room.root / "outbox" / SLUG).glob("*.eml"))
    for file in (ann, ben):
        ran = room.run("verify", str(file))
        assert ran.status == 0, ran.err
    message = email.message_from_bytes(ann.read_bytes(), policy=email.policy.default)
    assert message["subject"] == 'A<b>"&, =?，你好'
    part = message.get_body(("html",))
    assert part is not None
    html = part.get_content()
    changed = {
        "another address": html.replace("https://example.com/?c=", "https://evil.example/?c="),
        "more in the address": html.replace("?c=K%20%C3%B6ln%2F", "?c=K/../evil"),
        "markup in a value": html.replace("A&lt;b&gt;", "A<i>"),
        "nothing": html,
    }
    for what, other in changed.items():
        part.set_content(other, subtype="html", cte="base64")
        (tmp_path / "changed.eml").write_bytes(bytes(message))
        assert room.run("verify", str(tmp_path / "changed.eml")).status == (0 if what == "nothing" else 1), what
    page = (room.root / "live" / "issues" / SLUG / "index.html").read_text(encoding="utf-8")
    assert "正文，朋友，" in page
    assert "给 朋友" in page
    everything = [file.read_bytes() for file in (room.root / "live").rglob("*") if file.is_file()]
    assert not any(word in text for text in everything for word in (b"A&lt;b", b"A<b", b"subscriber.", "öln".encode()))


def test_a_page_is_known_and_one_with_other_words_is_not(newsroom: Newsroom) -> None:
    newsroom.set_up()
    newsroom.issue()
    newsroom.commit("The issue")
    assert newsroom.run("publish").status == 0
    url = f"{newsroom.edge.url}/{newsroom.bucket}/issues/{SLUG}/"
    assert newsroom.run("verify", url).status == 0
    ran = newsroom.run("verify", str(newsroom.root / "dist/site/issues" / SLUG / "index.html"))
    assert (ran.status, "match" in ran.out) == (0, True)
    path = f"/{newsroom.bucket}/issues/{SLUG}/index.html"
    newsroom.edge.stale[path] = (newsroom.page() or "").replace("正文。", "他人的正文。").encode()
    ran = newsroom.run("verify", url)
    assert (ran.status, "altered" in ran.err) == (1, True)
    newsroom.edge.stale[path] = None
    assert newsroom.run("verify", url).status == 2


CHAIN = """\
---
headline: 甲
generated:
  body: {by: gpt-4o, grade: translated, reviewed_by: 李明}
  commentary: {by: 某模型}
---
正文。

::: commentary
点评。
:::
"""


def test_what_a_model_wrote_is_held_back_until_reviewed_and_verified_to_its_author(newsroom: Newsroom) -> None:
    newsroom.newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\nchecks: {generated: required}\n")
    newsroom.newsletter.write(".gitignore", "dist\nlive\noutbox\n.publisher\npeople.csv\n")
    newsroom.git("init", "-q", "-b", "main")
    newsroom.issue(head="key_points: {points: [要点。], generated_by: 某大模型}\n")
    newsroom.newsletter.write(f"issues/{SLUG}/a.md", CHAIN)
    newsroom.commit("Drafted")
    newsroom.subscribers("ann@example.com")
    ran = newsroom.run("publish")
    assert (ran.status, "unreviewed" in ran.out + ran.err) == (1, True)
    assert not list((newsroom.root / "outbox").rglob("*.eml"))
    newsroom.newsletter.write(f"issues/{SLUG}/a.md", CHAIN.replace("某模型", "某模型, reviewed_by: [王芳, 赵云]"))
    newsroom.git("add", "-A")
    newsroom.git("-c", "user.name=Wang Fang", "-c", "user.email=fang@example.org", "commit", "-qm", "Reviewed")
    reviewed = newsroom.git("rev-parse", "HEAD")
    assert newsroom.run("publish").status == 0
    (message,) = (newsroom.root / "outbox" / SLUG).glob("*.eml")
    newsroom.issue(body="后来的正文。")
    newsroom.commit("Later")
    ran = newsroom.run("verify", str(message))
    assert ran.status == 0, ran.err
    assert f"  a.commentary: drafted by 某模型, reviewed by 王芳, 赵云; commit {reviewed[:12]} by Wang Fang" in ran.out
    told = json.loads(newsroom.run("verify", str(message), "--format", "json").out)["origin"]
    assert [(one["where"], one["by"], one["grade"], one["reviewed_by"]) for one in told] == [
        ("key_points", "某大模型", "drafted", []),
        ("a.body", "gpt-4o", "translated", ["李明"]),
        ("a.commentary", "某模型", "drafted", ["王芳", "赵云"]),
    ]
    assert told[0]["commit"] != reviewed == told[1]["commit"]


WORLDS = [
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONUTF8": "1"},
    {"TZ": "America/Adak", "LC_ALL": "C.UTF-8", "LANGUAGE": "ja", "PYTHONHASHSEED": "4242", "PYTHONUTF8": "1"},
]


def test_builds_are_the_same_to_the_byte_in_other_zones_locales_seeds_and_folders(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("issues", "templates"):
        shutil.copytree(ROOT / name, source / name)
    shutil.copy(ROOT / "config.yaml", source)
    git(source, "init", "-q", "-b", "main")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "The newsletter")
    trees = []
    for number, world in enumerate(WORLDS):
        root = tmp_path / ("a" if number else "a much longer name, with spaces") / "clone"
        git(tmp_path, "clone", "-q", str(source), str(root))
        shutil.rmtree(root / ".git" / "hooks", ignore_errors=True)
        os.utime(root / "config.yaml", (number * 10**8, number * 10**8))
        subprocess.run(
            [sys.executable, "-m", "publisher", "build"], cwd=root, check=True, capture_output=True,
            env=clean_environment() | {"PYTHONPATH": str(ROOT)} | world,
        )  # fmt: skip
        built = root / "dist"
        trees.append({str(f.relative_to(built)): f.read_bytes() for f in sorted(built.rglob("*")) if f.is_file()})
    for tree in trees:  # what the builder notes of its files are their times
        del tree[".site.manifest.json"], tree[".email.manifest.json"]
    assert trees[0].keys() == trees[1].keys()
    assert [name for name in trees[0] if trees[0][name] != trees[1][name]] == []
    assert any(name.endswith("edition.json") for name in trees[0])


def test_a_message_of_a_variant_is_known_by_its_digest(newsroom: Newsroom) -> None:
    folder_newsletter(newsroom)
    newsroom.subscribers("ben@example.com")
    newsroom.newsletter.write("people.csv", "email,city\ncy@example.com,Berlin\n")
    assert newsroom.run("subscribers", "import", "people.csv").status == 0
    newsroom.issue(slug := "2035-03-16-weekly", body="正文。\n\n::: only city:Berlin\n柏林见。\n:::")
    newsroom.commit("For Berlin")
    assert newsroom.run("publish").status == 0
    told = set()
    for message in (newsroom.root / "outbox" / slug).glob("*.eml"):
        ran = newsroom.run("verify", str(message))
        assert ran.status == 0, ran.err
        told.add(ran.out.removeprefix("match: ").split(" of commit")[0])
        (message.parent / "altered.eml").write_text(
            message.read_text().replace("Subject: =?utf-8?B?", "Subject: [x] =?utf-8?B?", 1)
        )
    assert told == {f"this is {slug} (default)", f"this is {slug} (city-berlin)"}
    ran = newsroom.run("verify", str(newsroom.root / "outbox" / slug / "altered.eml"))
    assert (ran.status, "altered" in ran.err) == (1, True)
