"""docs/library.md as a stranger would use it: its program in a process of its own, its output to the letter."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import publisher
from publisher.delivery.send import Options, send
from tests.acceptance.conftest import CONFIG, Newsletter
from tests.warm import clean_environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(_, PROGRAM), (_, OUTPUT), (_, FAKES) = BLOCKS
ITEM = "---\nheadline: GPU prices\n---\nThey rose.\n\nSee [here](https://example.org/).\n"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path / "my-newsletter")
    made.write("config.yaml", CONFIG.replace("zh-CN", "en"))
    made.write("issues/2025-01-05-weekly/issue.yaml", "title: The first week\ndate: 2025-01-05\nstatus: ready\n")
    made.write("issues/2025-01-05-weekly/item.md", ITEM)
    made.subscribers("ada@example.com")
    return made


def python(code: str, cwd: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_program_of_the_page_prints_what_the_page_says(newsletter: Newsletter) -> None:
    assert python(PROGRAM, newsletter.root.parent) == OUTPUT


def test_importing_loads_nothing_and_offers_what_the_page_and_the_types_say(tmp_path: Path) -> None:
    code = "import publisher, sys; print(*sorted(m for m in sys.modules if m.startswith('publisher')), *dir(publisher))"
    loaded, *offered = python(code, tmp_path).split()
    assert loaded == "publisher"
    typed = re.findall(r" as (\w+)$", (ROOT / "publisher" / "__init__.pyi").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(offered) == sorted(publisher.__all__) == sorted(typed)
    assert [
        name for name in offered if not re.search(rf"`{name}[`(]|publisher\.{name}|import .*\b{name}\b", PAGE)
    ] == []
    assert all(getattr(publisher, name).__name__ == name for name in offered)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        publisher.nothing  # type: ignore[attr-defined] # noqa: B018


def test_what_fails_is_told_by_one_tree_of_exceptions(newsletter: Newsletter, tmp_path: Path) -> None:
    with pytest.raises(publisher.ConfigError):
        publisher.load(tmp_path)
    config = publisher.load(str(newsletter.root))
    for ask in (publisher.check, publisher.render):
        with pytest.raises(publisher.UsageError, match="there is no issue none"):
            ask(config, "none")
    placeholder = config.model_copy(
        update={
            "delivery": config.delivery.model_copy(update={"transport": "smtp"}),
            "newsletter": config.newsletter.model_copy(update={"postal_address": None}),
        }
    )
    with pytest.raises(publisher.UsageError, match="postal_address is missing"):
        publisher.publish(placeholder, publisher.PublishOptions(transport=publisher.FakeTransport()))


@pytest.mark.parametrize(("name", "state"), [("bounces", "rejected"), ("nobody_knows", "uncertain")])
def test_a_fake_transport_answers_as_the_page_says(newsletter: Newsletter, name: str, state: str) -> None:
    from publisher.database import open_database

    newsletter.subscribers("gone@example.com")
    names: dict[str, Any] = {}
    exec(FAKES, names)
    fake, config = names[name], publisher.load(newsletter.root)
    edition = publisher.render(config, "2025-01-05-weekly").edition
    assert edition is not None
    database = open_database(config)
    account = send(config, database, edition, Options(transport=fake)).account
    database.close()
    assert getattr(account, state) == (1 if state == "rejected" else 2)
    assert {envelope.address for envelope in fake.seen} == {"ada@example.com", "gone@example.com"}
    assert [message["To"] for message in fake.messages] == (["ada@example.com"] if state == "rejected" else [])
