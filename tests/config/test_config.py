"""config.yaml: defaults, values as they are meant, secrets refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config import Config, load_config, read_config
from publisher.config.model import config_schema
from publisher.config.values import sender_of
from publisher.diagnostics import Diagnostic
from publisher.diagnostics.text import render_text
from publisher.errors import ConfigError
from tests.checks.corpus import SOUND

BASE = "newsletter:\n  name: AI 周报\n  url: https://news.example.com\n  from: AI 周报 <weekly@news.example.com>\n"


def read(root: Path, text: str) -> tuple[Config | None, list[Diagnostic]]:
    (root / "config.yaml").write_text(text, encoding="utf-8")
    return read_config(root)


def sound(root: Path, text: str) -> Config:
    config, found = read(root, text)
    assert [finding.message for finding in found] == []
    assert config is not None
    return config


def test_the_root_is_resolved_and_urls_end_in_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(tmp_path, BASE + "service: {url: https://letters.example.com/x}\n")
    monkeypatch.chdir(tmp_path)
    config = load_config(Path())
    assert config.root == tmp_path.resolve()
    assert config.newsletter.url == "https://news.example.com/"
    assert config.service.url == "https://letters.example.com/x/"
    assert config.newsletter.sender == ("AI 周报", "weekly@news.example.com")


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ("w@example.com", ("", "w@example.com")),
        ("AI: 周报, 新 <w@example.com>", ("AI: 周报, 新", "w@example.com")),
        ('"AI \\"周报\\"" <w@example.com>', ('AI "周报"', "w@example.com")),
        ("w@example.com (周报)", ("周报", "w@example.com")),
        ("Tech@Work <w@example.com>", ("Tech@Work", "w@example.com")),
        ("v@example.com, 周报 <w@example.com>", None),
        ("w@example.com <周报>", None),
        ("甲 <w@example.com>, 乙 <x@example.com>", None),
        ("甲 <w@example.com", None),
        ("w @example.com", None),
    ],
)
def test_a_sender_is_one_name_and_one_address_and_loses_nothing(
    written: str, sender: tuple[str, str] | None, tmp_path: Path
) -> None:
    config, findings = read(tmp_path, BASE + f"  reply_to: '{written}'\n")
    assert (config.newsletter.answers if config else None) == (sender[1] if sender else None)
    assert bool(findings) == (sender is None)
    assert sender_of(written) == sender or sender is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("24h", timedelta(hours=24)), ("30m", timedelta(minutes=30)), ("2d", timedelta(days=2)),
     ("90s", timedelta(seconds=90)),
     ("1d 12h", timedelta(hours=36)), ("1w", timedelta(days=7)), ("0", timedelta(0)), ("'24H'", timedelta(hours=24))],
)  # fmt: skip
def test_a_length_of_time_is_a_number_and_a_unit(tmp_path: Path, text: str, wanted: timedelta) -> None:
    assert sound(tmp_path, BASE + f"publish: {{expires_after: {text}}}\n").publish.expires_after == wanted


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("deploy: {to: s3}", 9, "deploy.bucket is not set"),
        ("alerts: {webhook: hooks.example.com/x}", 19, "https://"),
        ("llm: {url: localhost:1234, model: m}", 12, "https://"),
    ],
)
def test_what_would_only_fail_in_use_is_reported_at_its_place(
    tmp_path: Path, text: str, column: int, words: str
) -> None:
    config, (found,) = read(tmp_path, f"{BASE}{text}\n")
    assert (config, found.span.line, found.span.column, words in found.message) == (None, 5, column, True)


def test_an_address_of_a_service_keeps_its_query(tmp_path: Path) -> None:
    webhook = "https://hooks.example.com/x?key=a"
    assert sound(tmp_path, f"{BASE}alerts: {{webhook: '{webhook}'}}\n").alerts.webhook == webhook


@pytest.mark.parametrize("text", ["24", "-1h", "1y", "h", "1.5h", "999999999999d", "PT1H"])
def test_any_other_length_of_time_is_refused(tmp_path: Path, text: str) -> None:
    config, found = read(tmp_path, BASE + f"publish: {{expires_after: {text}}}\n")
    assert config is None
    assert [(finding.span.line, finding.span.column) for finding in found] == [(5, 26)]


ARN = "arn:aws:sns:eu-west-1:111122223333:newsletter"


@pytest.mark.parametrize(
    "wrong", ["newsletter", ARN.replace("sns", "sqs"), ARN[:-12], ARN.replace("1111", ""), "arn:…"]
)
def test_a_topic_from_which_no_event_could_be_believed_is_reported_at_its_line(tmp_path: Path, wrong: str) -> None:
    assert sound(tmp_path, f"{BASE}service: {{sns_topics: [{ARN}]}}\n").service.sns_topics == (ARN,)
    config, [finding] = read(tmp_path, f"{BASE}service:\n  sns_topics:\n    - {ARN}\n    - {wrong}\n")
    assert (config, finding.code, finding.span.line) == (None, "bad-value", 8)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@db.example.com/x",
        "postgresql+psycopg://u:hunter2@h/x",
        "postgresql://h/x?password=hunter2",
    ],
)
def test_a_password_is_refused_and_never_shown(tmp_path: Path, url: str) -> None:
    config, found = read(tmp_path, BASE + f"database: {url}\n")
    assert config is None
    assert [finding.code for finding in found] == ["database-password"]
    assert "hunter2" not in render_text(found, tmp_path)


@pytest.mark.parametrize("userinfo", ["user:hunter2@", "user@", ":hunter2@"])
@pytest.mark.parametrize("key", ["newsletter", "service"])
def test_an_address_for_readers_names_no_user(tmp_path: Path, key: str, userinfo: str) -> None:
    url = f"https://{userinfo}letters.example.com/"
    text = f"{BASE}service: {{url: {url}}}\n" if key == "service" else BASE.replace("https://news.example.com", url)
    assert url in text
    config, [finding] = read(tmp_path, text)
    assert (config, finding.code) == (None, "bad-value")
    assert finding.help == "write https://letters.example.com/"


@pytest.mark.parametrize(
    "url", ["postgresql://db.example.com/x", "postgresql://u@h/x", "sqlite:///a.db", "postgresql:///x?host=/run"]
)
def test_a_database_without_password_is_read(tmp_path: Path, url: str) -> None:
    assert sound(tmp_path, BASE + f"database: {url}\n").database == url


@pytest.mark.parametrize("transport", ["ses", "smtp"])
def test_real_mail_needs_a_way_to_leave(tmp_path: Path, transport: str) -> None:
    config, [finding] = read(tmp_path, BASE + f"delivery:\n  transport: {transport}\n")
    assert config is None
    assert (finding.code, finding.span.line, finding.span.column) == ("service-url-missing", 6, 14)
    assert sound(tmp_path, BASE + f"delivery: {{transport: {transport}}}\nservice: {{url: https://l.example.com}}\n")


def test_everything_wrong_is_said_at_once_in_order(tmp_path: Path) -> None:
    _, found = read(tmp_path, BASE.replace("https", "ftp") + "a: 1\nb: 2\npublish: {expires_after: x}\n")
    assert [finding.span.line for finding in found] == [3, 5, 6, 7]


def test_a_link_out_of_the_repository_shows_nothing_of_where_it_leads(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    root.mkdir()
    (root / "config.yaml").symlink_to(secret)
    for text in ("root:hunter2:0", "hunter2: 1\n", "newsletter: {name: [hunter2]}\n", "'hunter2"):
        secret.write_text(text)
        (found,) = read_config(root)[1]
        assert "hunter2" not in f"{found.message} {found.help}"
    secret.write_text(SOUND["config.yaml"])
    assert read_config(root)[0] is not None


def test_an_exception_carries_the_findings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert "publisher init" in str(caught.value.diagnostics[0].help)


def test_from_a_folder_within_the_repository_its_root_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "issues" / "2024-12-29-weekly"
    folder.mkdir(parents=True)
    (tmp_path / "config.yaml").write_text(SOUND["config.yaml"])
    assert str(tmp_path) in str(read_config(folder)[1][0].help)
    (tmp_path / "issues").rename(tmp_path / "other")  # a config.yaml of another program
    assert "publisher init" in str(read_config(tmp_path / "other")[1][0].help)


def test_variables_of_the_environment_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_NEWSLETTER", "x")
    monkeypatch.setenv("PUBLISHER_WHATEVER", "y")
    assert sound(tmp_path, BASE).newsletter.name == "AI 周报"


def test_the_schema_describes_the_keys_that_are_read() -> None:
    schema = config_schema()
    written = {name: field for name, field in Config.model_fields.items() if not field.exclude}
    assert Config.model_fields.keys() - written.keys() == {"root", "rule_files"}
    assert set(schema["properties"]) == {field.alias or name for name, field in written.items()}
    assert "from" in schema["$defs"]["Newsletter"]["properties"]


@given(st.text("ab:{}[]'\"-\n #&*!|>%@`中", max_size=60))
def test_any_text_is_a_config_or_findings(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        config, found = read(Path(folder), text)
    assert config is None
    assert found


@pytest.mark.parametrize(
    ("labels", "column", "said", "advice"),
    [
        ("{chinese: {source: x}}", 10, "there is no language 'chinese'", "write a tag such as zh-CN, en or ja"),
        ("{zh CN: {source: x}}", 10, "'zh CN' is not a language tag (BCP 47)", "write zh-CN"),
        ("{'': {source: x}}", 10, "'' is not a language tag (BCP 47)", "write zh-CN, en or ja"),
        ("{en: {comentary: x}}", 15, "there is no word comentary", "write commentary"),
        ("{en: {search: x}}", 15, "there is no word search", "write archive_search"),
        ("{en: {service_confirm_buton: x}}", 15, "service_confirm_buton", "write service_confirm_button"),
        ("{en: {xyz: x}}", 15, "there is no word xyz", "commentary"),
        ("{en: {length: '%(cuont)d words'}}", 23, "%(cuont)d is not filled in here", "write %(count)d"),
        ("{en: {length: '%(count) words'}}", 23, "%(count) is not filled in here", "write %(count)d"),
        ("{en: {length: '{count} words'}}", 23, "{count} is not filled in here", "write %(count)d"),
        ("{en: {archive_count: '%(count)s issues'}}", 30, "%(count)s is not filled in here", "write {count}"),
        ("{en: {source: 'From %(name)s'}}", 23, "%(name)s is not filled in here", "delete it"),
    ],
)  # fmt: skip
def test_labels_name_a_language_a_word_and_its_placeholders(
    tmp_path: Path, labels: str, column: int, said: str, advice: str
) -> None:
    config, [found] = read(tmp_path, BASE + f"labels: {labels}\n")
    assert config is None
    assert (found.path, found.span.line, found.span.column) == ("config.yaml", 5, column)
    assert said in found.message
    assert advice in (found.help or "")


@pytest.mark.parametrize(
    "labels",
    [
        "{zh: {commentary: 编者按：}, zh-TW: {source: 見：}, zh_Hans: {source: 见：}, zh_CN: {image: 图}}",
        "{en: {number: '100% No. %(number)s', length: '%(count)s words, {x} %(minutes)d min'}}",
        "{en: {archive_corrected: 'Corrected {date}', service_leave: 'Leave {newsletter}?', archive_search: Find}}",
    ],
)
def test_labels_that_are_right_are_taken(tmp_path: Path, labels: str) -> None:
    assert sound(tmp_path, BASE + f"labels: {labels}\n").labels
