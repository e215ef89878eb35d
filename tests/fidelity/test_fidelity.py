"""No word and no address is lost without a finding that names it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import yaml

from tests.checks.corpus import SOUND, _write
from tests.checks.newsletters import LANGUAGES, lay_out
from tests.edition.make import ROOT

from .convert import convert
from .fidelity import lost
from .generate import Maker

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_UNSEEN = re.compile(
    r"<!--.*?-->|^::: commentary|^:::|```[a-z]*$|\[\^[^\]\n]+\]|</?(?!T>|u32|string>)[a-z]+[^<>]*>",
    re.DOTALL | re.MULTILINE,
)
_URL = re.compile(r"(?:mailto:|tel:|(?=https?://))([A-Za-z0-9:/.?&;=#%~+@_-]+)")
SLUG = "2024-12-29-weekly"


def issue(root: Path, markdown: str) -> None:
    _write(root / "config.yaml", SOUND["config.yaml"].encode())
    _write(root / "issues" / SLUG / "images/a.gif", GIF)
    for name, text in convert(markdown, "2024-12-29").items():
        _write(root / "issues" / SLUG / name, text.encode())


@pytest.mark.parametrize("seed", range(60))
def test_every_word_of_a_newsletter_reaches_the_reader_or_is_named(seed: int, tmp_path: Path) -> None:
    maker = Maker(seed)
    markdown = maker.newsletter()
    issue(tmp_path, markdown)
    assert lost(tmp_path, SLUG, maker.wanted) == [], markdown


@pytest.mark.parametrize("folder", sorted((ROOT / "issues").iterdir()), ids=lambda folder: folder.name)
def test_every_word_of_the_samples_reaches_the_reader(folder: Path) -> None:
    wanted = words_of(folder)
    assert len(wanted) > 300
    assert lost(ROOT, folder.name, wanted) == []


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_word_of_sound_newsletters_reaches_the_reader(language: str, tmp_path: Path) -> None:
    for slug in lay_out(tmp_path, language):
        assert lost(tmp_path, slug, words_of(tmp_path / "issues" / slug)) == [], slug


def words_of(folder: Path) -> list[str]:
    """The words and addresses that an issue shows: of its title, its points, and all that its items say."""
    keys = yaml.safe_load((folder / "issue.yaml").read_text(encoding="utf-8"))
    points = keys.get("key_points", [])
    said = [keys["title"], keys.get("attribution", ""), keys.get("intro", "")]
    said += points["points"] if isinstance(points, dict) else points
    for path in sorted(folder.glob("*.md")):
        _, matter, text = path.read_text(encoding="utf-8").split("---\n", 2)
        said += [*_values({**yaml.safe_load(matter), "tags": [], "image": []}), text]
        said += _values({**yaml.safe_load(matter).get("image", {}), "image": []})
    text = unescape(_UNSEEN.sub("", "\n".join(said)))
    return [*_URL.findall(text), *re.findall(r"\w+", _URL.sub(" ", text))]


def _values(of: object) -> list[str]:
    if isinstance(of, dict | list):
        return [text for value in (of.values() if isinstance(of, dict) else of) for text in _values(value)]
    return [] if isinstance(of, bool) else [str(of)]


def test_a_loss_that_nobody_names_is_seen(tmp_path: Path) -> None:
    issue(tmp_path, "# Title\n\n## Story\n\nOne <!-- two -->.\n\nA <title>three</title>.\n")
    assert lost(tmp_path, SLUG, ["One", "three"]) == []
    assert lost(tmp_path, SLUG, ["two"]) == ["two is not in email.html, email.txt, the page"]
