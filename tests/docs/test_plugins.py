"""docs/plugins.md unchanged: its rules and its provider, written out, installed, and run by the real command."""

from __future__ import annotations

import json
import mailbox
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from publisher.checks import registry
from publisher.config import load_config, plugins, read_config
from publisher.database import open_database
from publisher.delivery.send import Options, send
from publisher.errors import PluginError
from publisher.preview.workshop import Workshop
from publisher.proofing.checking import check_repository
from publisher.proofing.proof import proofread
from publisher.providers import _class, open_provider
from publisher.publishing.plan.make import make_plan
from publisher.site.build import build
from publisher.testing import FakeTransport
from tests.acceptance.conftest import CONFIG, Newsletter, newsletter
from tests.delivery.world import add_people
from tests.warm import clean_environment

__all__ = ["newsletter"]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
RULES, HOUSE, TITLES, RULE_POINT, PROVIDER_POINT, MBOX, DELIVERY, CHANNEL_POINT, BOARD, CHANNELS = (
    text for _, text in BLOCKS
)
SHOUTS = "---\nheadline: 涨价！\n---\n正文。\n"


@pytest.fixture
def house(newsletter: Newsletter) -> Newsletter:
    """The rule of the page in the newsletter's own file, and an issue that breaks it."""
    newsletter.write("config.yaml", CONFIG + RULES)
    newsletter.write("rules/house.py", HOUSE)
    newsletter.issue(a=SHOUTS)
    return newsletter


def forget() -> None:
    for cached in (plugins.plugins, registry._packages, _class):
        cached.cache_clear()


def install(folder: Path, points: str, **modules: str) -> Path:
    """A distribution ``press-room`` as pip leaves it in ``folder``, with these entry points and modules."""
    info = folder / "press_room-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: press-room\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(points.replace('"', "").replace("project.entry-points.", ""), "utf-8")
    (folder / "press_room").mkdir(exist_ok=True)
    for name, text in {"__init__": "", **modules}.items():
        (folder / "press_room" / f"{name}.py").write_text(text, encoding="utf-8")
    shutil.rmtree(folder / "press_room" / "__pycache__", ignore_errors=True)  # it goes by whole seconds and the size
    return folder


@pytest.fixture
def site_packages(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python looks into for packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    monkeypatch.syspath_prepend(str(folder))
    forget()
    yield folder
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == "press_room"]:
        del sys.modules[name]


def publisher(root: Path, *words: str, path: Path = Path(), **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own; ``path`` holds installed packages."""
    ran = subprocess.run(
        [sys.executable, "-c", "from publisher.cli import main; main()", "--root", str(root), *words],
        cwd=root, capture_output=True, text=True, check=False, timeout=60, encoding="utf-8",
        env=clean_environment() | {"PYTHONPATH": str(path.resolve())} | environment,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def codes(found: Any) -> list[str]:
    return [finding.code for finding in found]


def test_a_rule_of_the_newsletter_is_checked_explained_and_in_sarif(house: Newsletter) -> None:
    ran = publisher(house.root, "check", "--format", "json")
    (found,) = json.loads(ran.stdout)
    assert (ran.returncode, found["code"], found["severity"]) == (0, "house-headline-shouts", "warning")
    assert (found["path"], found["line"], found["column"]) == ("issues/2024-12-29-weekly/a.md", 2, 11)
    assert found["message"] == "the headline “涨价！” shouts"
    explained = house.run("explain", "house-headline-shouts")
    assert explained.out.startswith("# house-headline-shouts\n\nSeverity: warning")
    assert "Our readers asked for quiet." in explained.out
    sarif = house.run("check", "--format", "sarif").json["runs"][0]
    assert sarif["tool"]["driver"]["rules"][0]["shortDescription"] == {"text": "A headline shouts."}


def test_a_rule_needs_no_more_than_a_list_of_functions_that_give_findings(house: Newsletter) -> None:
    house.write(
        "rules/house.py",
        "from publisher import Diagnostic\nfrom publisher.diagnostics import Span\n"
        "def told(issue):\n    where = issue.places.path, Span(1, 1, 1, 6)\n"
        "    return [Diagnostic(*where, 'error', 'no-' + issue.slug, 'no')]\n"
        "def silent(issue):\n    yield from ()\n"
        "rules = [silent, told]\n",
    )
    for _ in ("cold", "warm"):
        (found,) = check_repository(load_config(house.root)).diagnostics
        assert (found.code, found.severity, found.end_column) == ("no-2024-12-29-weekly", "error", 6)
    for form in ("text", "json", "sarif", "github"):
        assert house.run("check", "--format", form).status == 1


def test_a_rule_may_ask_for_the_texts_and_the_config(house: Newsletter) -> None:
    house.write(
        "rules/house.py",
        HOUSE[: HOUSE.index("def shouts")]
        + (
            "def check(context):\n    for text in context.texts:\n"
            "        yield SHOUTS.at(text.prose.place(0), say(context.config.newsletter.language))\n"
        ),
    )
    (found,) = check_repository(load_config(house.root)).diagnostics
    assert (found.code, found.line, found.message) == ("house-headline-shouts", 4, "zh-CN")


def test_check_build_preview_plan_and_the_mailing_see_a_rule_of_the_newsletter(house: Newsletter) -> None:
    config = load_config(house.root)
    assert codes(check_repository(config).diagnostics) == ["house-headline-shouts"]
    assert codes(build(config, (), house.root / "dist").diagnostics) == ["house-headline-shouts"]
    assert codes(Workshop(house.root).view("2024-12-29-weekly").diagnostics) == ["house-headline-shouts"]
    house.write("config.yaml", CONFIG + "checks: {rules: [rules/house.py], levels: {house-headline-shouts: error}}\n")
    config = load_config(house.root)
    assert proofread(config, "2024-12-29-weekly").broken
    assert build(config, (), house.root / "dist").broken == ("2024-12-29-weekly",)
    assert [decision.kind.value for decision in make_plan(config).decisions] == ["broken"]
    assert house.run("send", "2024-12-29-weekly", "--dry-run").status == 1


def test_levels_and_ignores_hold_for_the_codes_of_plug_ins(house: Newsletter) -> None:
    house.write("config.yaml", CONFIG + "checks: {rules: [rules/house.py], levels: {house-headline-shouts: off}}\n")
    assert codes(check_repository(load_config(house.root)).diagnostics) == []
    house.write("config.yaml", CONFIG + RULES)
    house.issue(
        a=SHOUTS.replace("！", "！  # publisher: ignore=house-headline-shouts"), b="---\nheadline: 乙\n---\n正文。\n"
    )
    assert codes(check_repository(load_config(house.root)).diagnostics) == []
    house.issue(a=SHOUTS.replace("！", "  # publisher: ignore=house-headline-shouts"))
    (unused,) = check_repository(load_config(house.root)).diagnostics
    assert unused.message == "line 2 has no finding house-headline-shouts to ignore"
    house.write("config.yaml", CONFIG + "checks: {rules: [rules/house.py], levels: {house-headline-shout: off}}\n")
    (unknown,) = read_config(house.root)[1]
    assert (unknown.code, unknown.help) == ("level-of-unknown-code", "write house-headline-shouts")


def test_a_file_that_config_yaml_does_not_name_is_never_run(house: Newsletter) -> None:
    house.write("config.yaml", CONFIG)
    house.write("rules/house.py", "raise SystemExit('run')")
    house.write("issues/2024-12-29-weekly/rules.py", "raise SystemExit('run')")
    assert publisher(house.root, "check").returncode == 0
    assert house.run("explain", "house-headline-shouts").status == 2


def test_what_the_cache_holds_goes_when_a_rule_file_changes(house: Newsletter) -> None:
    assert codes(check_repository(load_config(house.root)).diagnostics) == ["house-headline-shouts"]
    house.write("rules/house.py", HOUSE.replace('("!", "！")', '("?", "？")'))
    assert codes(check_repository(load_config(house.root)).diagnostics) == []


def test_the_preview_follows_a_rule_file(house: Newsletter) -> None:
    workshop = Workshop(house.root)
    slug = "2024-12-29-weekly"
    assert codes(workshop.view(slug).diagnostics) == ["house-headline-shouts"]
    house.write("rules/house.py", HOUSE.replace("house-headline-shouts", "house-loud"))
    assert workshop.changed([house.root / "rules" / "house.py"]) == [slug]
    assert codes(workshop.view(slug).diagnostics) == ["house-loud"]
    house.write("rules/house.py", "boom")
    workshop.changed([house.root / "rules" / "house.py"])
    assert codes(workshop.view(slug).diagnostics) == ["house-loud", "unusable-rules"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    raise KeyError('x')", "KeyError: 'x'"),
        ("    raise SystemExit(3)", "SystemExit: 3"),
        ("    return 5", "TypeError: 'int' object is not iterable"),
        ("    return ['x']", "it yields 'x', which is no finding with a code of its own"),
        ("    return [Code('no-items', Severity.ERROR).at(issue.places.of(), say('x'))]", "no finding with a code"),
        ("    return [Code('house-x', 'bad').at(issue.places.of(), say('x'))]", "'bad' is not a valid Severity"),
    ],
)
def test_a_rule_that_fails_is_a_finding_with_its_file(house: Newsletter, body: str, told: str) -> None:
    house.write("rules/house.py", HOUSE[: HOUSE.index("def shouts")] + f"def x(issue):\n{body}\nrules = [x]\n")
    (found,) = check_repository(load_config(house.root), use_cache=False).diagnostics
    assert (found.code, found.severity) == ("rule-crashed", "error")
    assert found.message.startswith("the rule house failed on 2024-12-29-weekly: ")
    assert told in found.message
    assert "rules/house.py" in str(found.help)


@pytest.mark.parametrize(
    ("gather", "compare", "place"),
    [
        ("return {issue.slug}", "return ()", "issues/2024-12-29-weekly/issue.yaml"),
        ("return object()", "return ()", "issues/2024-12-29-weekly/issue.yaml"),
        ("return 1", "raise KeyError('x')", "issues"),
    ],
)
def test_a_rule_over_issues_that_fails_lets_none_of_them_pass(
    house: Newsletter, gather: str, compare: str, place: str
) -> None:
    functions = f"def gather(issue):\n    {gather}\ndef compare(gathered, wanted):\n    {compare}\n"
    house.write("rules/house.py", HOUSE[: HOUSE.index("def shouts")] + functions)
    (found,) = check_repository(load_config(house.root)).diagnostics
    assert (found.code, found.path) == ("rule-crashed", place)
    assert build(load_config(house.root), (), house.root / "dist").broken == ("2024-12-29-weekly",)


def test_a_rule_of_a_package_is_found_by_its_entry_point(newsletter: Newsletter, site_packages: Path) -> None:
    install(site_packages, RULE_POINT, titles=TITLES)
    newsletter.issue("one")
    newsletter.issue("two", b="---\nheadline: 乙\n---\n别的正文。\n")
    config = load_config(newsletter.root)
    for _ in ("cold", "warm"):
        (found,) = check_repository(config).diagnostics
        assert (found.code, found.path) == ("titles-twice", "issues/two/issue.yaml")
    assert codes(check_repository(config, ["one"]).diagnostics) == []
    assert codes(check_repository(config, ["two"]).diagnostics) == ["titles-twice"]
    ran = publisher(newsletter.root, "check", "--format", "json", path=site_packages)
    assert [found["code"] for found in json.loads(ran.stdout)] == ["titles-twice"]
    assert (
        "Two issues have one title." in publisher(newsletter.root, "explain", "titles-twice", path=site_packages).stdout
    )


def test_plug_ins_of_one_name_and_one_of_ours_keep_apart(newsletter: Newsletter) -> None:
    for folder in ("a", "b"):
        newsletter.write(f"{folder}/story_repeated.py", TITLES.replace("titles-", f"story-repeated-{folder}-"))
    newsletter.write("config.yaml", CONFIG + "checks: {rules: [a/story_repeated.py, b/story_repeated.py]}\n")
    newsletter.issue("one")
    newsletter.issue("two")
    found = codes(check_repository(load_config(newsletter.root)).diagnostics)
    assert sorted(found) == ["story-repeated-a-twice", "story-repeated-b-twice"]


def test_what_the_cache_holds_goes_when_a_package_changes(newsletter: Newsletter, site_packages: Path) -> None:
    install(site_packages, RULE_POINT, titles=HOUSE.replace("house-", "titles-"))
    newsletter.issue(a=SHOUTS)
    assert codes(check_repository(load_config(newsletter.root)).diagnostics) == ["titles-headline-shouts"]
    install(site_packages, RULE_POINT, titles=HOUSE.replace("house-", "titles-").replace("！", "？"))
    forget()
    for name in ("press_room", "press_room.titles"):
        del sys.modules[name]
    assert codes(check_repository(load_config(newsletter.root)).diagnostics) == []


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import nothing_of_the_kind", "cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
        ("raise SystemExit(1)", "cannot be loaded: SystemExit: 1"),
        ("raise ValueError('<ann@example.com> is full')", "cannot be loaded: ValueError: (address) is full"),
        (
            HOUSE.replace("house-headline-shouts", "no-items"),
            "cannot be used: the code no-items is one of publisher's own",
        ),
        ("x = 1", "cannot be used: it has to hold rules = "),
    ],
)
def test_a_broken_rule_of_a_package_is_one_message_with_its_name(
    newsletter: Newsletter, site_packages: Path, module: str, told: str
) -> None:
    install(site_packages, RULE_POINT, titles=module)
    newsletter.issue()
    with pytest.raises(PluginError) as raised:
        check_repository(load_config(newsletter.root))
    assert raised.value.message.startswith(f"the plug-in titles of press-room 1.0 {told}")
    assert raised.value.help == "mend it, or uninstall press-room"
    if "nothing" in module:
        ran = publisher(newsletter.root, "check", path=site_packages)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 2)
        assert "the plug-in titles of press-room 1.0 cannot be loaded" in ran.stderr


def test_the_provider_of_the_page_sends(newsletter: Newsletter, site_packages: Path, tmp_path: Path) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com", "ben@example.com")
    install(site_packages, PROVIDER_POINT, mbox=MBOX)
    newsletter.write("config.yaml", CONFIG + DELIVERY)
    ran = publisher(
        newsletter.root, "send", "2024-12-29-weekly", path=site_packages, PUBLISHER_MBOX=str(tmp_path / "m")
    )
    assert ran.returncode == 0, ran.stderr
    assert sorted(message["To"] for message in mailbox.mbox(tmp_path / "m")) == ["ann@example.com", "ben@example.com"]
    broken = MBOX.replace("        self._composed = composed\n", "        self._composed = composed[0]\n")
    install(site_packages, PROVIDER_POINT, mbox=broken)
    newsletter.issue("second")
    ran = publisher(newsletter.root, "send", "second", path=site_packages)
    assert ran.returncode == 2
    assert "the plug-in mbox of press-room 1.0 failed: TypeError: 'Composed' object is not subscriptable" in ran.stderr


def test_the_channel_of_the_page_announces(newsletter: Newsletter, site_packages: Path, tmp_path: Path) -> None:
    slug = newsletter.issue()
    install(site_packages, CHANNEL_POINT, board=BOARD)
    newsletter.write("config.yaml", CONFIG + CHANNELS + f"publish: {{unmailed: [{slug}]}}\n")
    run = partial(publisher, newsletter.root, "publish", path=site_packages)
    refused = run(PUBLISHER_CHANNEL_HALL=str(tmp_path / "none" / "board"))
    assert (refused.returncode, "not-writable" in refused.stderr) == (1, True)
    for _ in range(2):
        assert run(PUBLISHER_CHANNEL_HALL=str(tmp_path / "board")).returncode == 0
    assert (tmp_path / "board").read_text(encoding="utf-8") == f"一周 https://news.weekly.test/issues/{slug}/\n"


def test_a_channel_of_a_package_that_fails_leaves_the_announcement_uncertain(
    newsletter: Newsletter, site_packages: Path
) -> None:
    slug = newsletter.issue()
    install(
        site_packages, CHANNEL_POINT, board=BOARD.replace("        try:\n", "        raise KeyError\n        try:\n")
    )
    newsletter.write("config.yaml", CONFIG + CHANNELS + f"publish: {{unmailed: [{slug}]}}\n")
    ran = publisher(newsletter.root, "publish", path=site_packages, PUBLISHER_CHANNEL_HALL="x")
    assert ran.returncode == 1
    assert f"nobody knows whether {slug} on hall was announced (KeyError)" in ran.stderr


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("", "cannot be loaded: AttributeError"),
        ("Mbox = 5", "is not a Provider whose name is 'mbox'"),
        (MBOX.replace('name, title = "mbox"', 'name, title = "other"'), "is not a Provider whose name is 'mbox'"),
    ],
)
def test_a_broken_provider_is_one_message_with_its_name(
    newsletter: Newsletter, site_packages: Path, module: str, told: str
) -> None:
    install(site_packages, PROVIDER_POINT, mbox=module)
    newsletter.write("config.yaml", CONFIG + DELIVERY)
    with pytest.raises(PluginError, match=rf"the plug-in mbox of press-room 1\.0 {told}"):
        open_provider(load_config(newsletter.root))


def test_a_fake_transport_stands_in_for_the_provider_in_use(newsletter: Newsletter) -> None:
    newsletter.issue()
    config = load_config(newsletter.root)
    database = open_database(config)
    add_people(database, 3)
    edition = proofread(config, "2024-12-29-weekly").edition
    assert edition is not None
    fake = FakeTransport()
    assert send(config, database, edition, Options(transport=fake)).account.submitted == 3
    database.close()
    assert {message["Subject"] for message in fake.messages} == {"一周"}
    assert not (newsletter.root / "outbox").exists()
