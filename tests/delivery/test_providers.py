"""The registry of providers: by name, loaded on demand, and from other packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.config import read_config
from publisher.config.plugins import BUILT_IN, plugins
from publisher.delivery.states import Operator, RecipientState
from publisher.delivery.tables import mailings, recipients
from publisher.providers import events_of, open_provider, providers
from publisher.providers.events import Event, EventKind
from publisher.providers.folder import FolderTransport
from publisher.providers.provider import Provider, Transport
from tests.delivery.world import make_config

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_provider_is_a_folder_and_only_the_one_in_use_loads_its_libraries(name: str, tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from publisher.providers import open_provider, providers
from tests.delivery.world import make_config
config = make_config(Path({str(tmp_path)!r}), {name!r})
provider = open_provider(config)
assert (provider.name, [other.name for other in providers(config)][0]) == ({name!r}, {name!r})
print(*sorted({{"boto3", "httpx", "smtplib"}} & sys.modules.keys()))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_every_provider_can_be_asked_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for provider in providers(make_config(tmp_path)):
        assert provider.title
        assert all(what and action for what, action in provider.endings.values())
        assert (provider.written("x") is None) is (provider.name != "folder")
        assert provider.webhook() is None
        assert provider.queue() is None
        assert provider.tells == bool(provider.event_keys) == bool(provider.questions())


class Pigeon(Provider):
    """What another package might bring."""

    name, title, event_keys = "pigeon", "the pigeon", frozenset({"coo"})

    def transport(self, *, single: bool = False) -> Transport:
        return FolderTransport(self.config.root / "loft")

    @classmethod
    def events_of(cls, value: dict[str, str]) -> tuple[Event, ...]:
        return (Event(EventKind.SEND, value["coo"], None),)


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package with an entry point."""
    package = tmp_path / "path"
    (package / "pigeon-1.dist-info").mkdir(parents=True)
    (package / "pigeon-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1\n")
    (package / "pigeon-1.dist-info" / "entry_points.txt").write_text(
        f"[publisher.providers]\npigeon = {__name__}:Pigeon\nses = {__name__}:Pigeon\n"
    )
    monkeypatch.syspath_prepend(str(package))
    plugins.cache_clear()
    yield tmp_path
    plugins.cache_clear()


CONFIG = (
    "newsletter: {name: n, url: 'https://n.example/', from: a@n.example}\n"
    "service: {url: 'https://l.example/'}\ndelivery: {transport: NAME}\n"
)


def test_another_package_brings_a_provider_and_takes_none_of_our_names(pigeon: Path) -> None:
    (pigeon / "config.yaml").write_text(CONFIG.replace("NAME", "pigeon"))
    config, findings = read_config(pigeon)
    assert findings == []
    assert config is not None
    assert type(open_provider(config)) is Pigeon
    assert events_of({"coo": "m"})[0].message_id == "m"
    assert open_provider(make_config(pigeon, "ses")).title == "SES"


def test_an_unknown_name_is_reported_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.replace("NAME", "sess"))
    _, (finding,) = read_config(tmp_path)
    assert (finding.code, finding.span.line) == ("bad-value", 3)
    assert finding.message == "delivery.transport cannot be 'sess'"
    assert finding.help == "write 'folder', 'smtp', 'ses' or 'postmark'"


def test_every_state_fits_its_column() -> None:
    for states, column in ((RecipientState, recipients.c.state), (Operator, mailings.c.operator)):
        assert all(len(state) <= column.type.length for state in states)  # type: ignore[attr-defined]
