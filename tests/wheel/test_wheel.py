"""What a user installs: the wheel alone, in an empty folder, from ``init`` to messages in an outbox."""

from __future__ import annotations

import email
import email.policy
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from publisher.language import spoken

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "2024-12-29-ai-weekly"


def run(*words: str | Path, cwd: Path, status: int = 0) -> str:
    """Run a command with nothing of this checkout in its environment; its standard output."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PUBLISHER_", "PYTHON", "COVERAGE_"))}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=env | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, as an index would have it."""
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="session")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it; the libraries are borrowed from this one, the checkout is not."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=home.parent)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home.parent).strip())
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run(python, "-c", "import publisher; print(publisher.__file__)", cwd=home.parent).strip()
    assert Path(where).is_relative_to(site)
    return home / "bin"


def test_the_wheel_ships_theme_sample_words_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "publisher/_theme/paper/email/issue.mjml.j2",
        "publisher/_theme/paper/web/base.html",
        "publisher/_sample/config.yaml",
        f"publisher/_sample/issues/{SAMPLE}/images/cover.jpg",
        "publisher/py.typed",
    ):
        assert needed in names
    for language in spoken():
        assert f"publisher/language/locales/{language}/locale.yaml" in names
        assert f"publisher/language/locales/{language}/LC_MESSAGES/publisher.mo" in names
    assert [n for n in names if n.endswith(".po")] == ["publisher/language/locales/en/LC_MESSAGES/publisher.po"]
    assert [n for n in names if n.startswith("tests") or "__pycache__" in n] == []
    assert wheel.stat().st_size < 1_500_000


def test_from_an_empty_folder_to_an_outbox(bin_folder: Path, tmp_path: Path) -> None:
    publisher, news = bin_folder / "publisher", tmp_path / "news"
    run(publisher, "init", news, cwd=tmp_path)
    sample = news / "issues" / SAMPLE / "issue.yaml"  # a draft, so that nobody is mailed by surprise
    sample.write_text(sample.read_text(encoding="utf-8").replace("status: draft", "status: ready"), encoding="utf-8")
    (news / "people.csv").write_text("email,name\nada@example.com,Ada\nlin@example.com,林晓\n", encoding="utf-8")
    run(publisher, "check", cwd=news)
    run(publisher, "build", cwd=news)
    run(publisher, "subscribers", "import", "people.csv", cwd=news)
    run(publisher, "send", SAMPLE, cwd=news)
    account = json.loads(run(publisher, "status", SAMPLE, "--format", "json", cwd=news))
    assert (account["audience"], account["submitted"]) == (2, 2)
    messages = [
        email.message_from_bytes(p.read_bytes(), policy=email.policy.default)
        for p in (news / "outbox" / SAMPLE).glob("*.eml")
    ]
    assert {str(m["To"].addresses[0].addr_spec) for m in messages} == {"ada@example.com", "lin@example.com"}
    edition = json.loads((news / "dist" / "email" / SAMPLE / "edition.json").read_text(encoding="utf-8"))
    assert {m["Subject"] for m in messages} == {edition["subject"]}
    assert (news / "dist" / "site" / "issues" / SAMPLE / "index.html").is_file()

    # A copy of all templates is the theme itself: with it the same message comes out.
    run(publisher, "theme", "eject", cwd=news)
    run(publisher, "build", "--out", "shipped", "--no-cache", cwd=news)
    built = [(news / out / "email" / SAMPLE / "email.html").read_bytes() for out in ("dist", "shipped")]
    assert built[0] == built[1]
