"""The pictures that networks show beside a link."""

from __future__ import annotations

import io
from pathlib import Path
from time import process_time

import pytest
from PIL import Image

from publisher.config import read_config
from publisher.edition import card
from publisher.edition.model import Asset
from publisher.proofing.checking import check_repository
from publisher.site.archive import arrange
from publisher.site.pages import ArchivePages
from tests.checks.corpus import SLUG, SOUND
from tests.edition.make import config
from tests.site.editions import make_config, make_edition

PICTURE = io.BytesIO()
Image.new("RGB", (800, 600), "#00ff00").save(PICTURE, "PNG")
COVER = Asset("media/cover.0123456789ab.png", PICTURE.getvalue(), "image/png", 800, 600)


def drawn(root: Path, title: str, language: str = "en", cover: Asset | None = None) -> Image.Image:
    made = card.draw(make_config(root, newsletter={"name": "The Signal", "language": "en"}), title, language, cover)
    assert len(made) < 300_000
    with Image.open(io.BytesIO(made)) as opened:
        assert (opened.format, opened.size) == ("PNG", (1200, 630))
        return opened.convert("RGB")


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many dark pixels a box has."""
    return sum(image.crop(box).convert("L").histogram()[:90])


def test_a_card_shows_name_and_title_and_where_there_is_one_the_cover(tmp_path: Path) -> None:
    plain, covered = drawn(tmp_path, "Chips"), drawn(tmp_path, "Chips", cover=COVER)
    assert ink(plain, (0, 150, 1200, 630)) > 1000
    assert plain.getpixel((1100, 300)) != (0, 255, 0)
    assert covered.getpixel((1100, 300))[1] > 200 > covered.getpixel((1100, 300))[0] + 100  # type: ignore[index]
    assert ink(covered, (0, 150, 740, 630)) > 1000


@pytest.mark.parametrize(
    "title", ["A" * 400, "words " * 80, "存储器连涨五个月" * 12, f"{'Verordnungs' * 9}entwurf vertagt"]
)
def test_a_long_title_stays_on_the_card(tmp_path: Path, title: str) -> None:
    image = drawn(tmp_path, title, cover=COVER)
    assert ink(image, (0, 600, 740, 630)) == 0
    assert ink(drawn(tmp_path, title), (1150, 150, 1200, 630)) == 0


@pytest.mark.parametrize(
    ("title", "language"),
    [
        ("モデルの費用と、その他の請求書――「安い」とはどういう意味か。「ッ」とOpenAI「計画」（案）", "ja"),
        ("大模型的账单：“便宜”究竟是什么意思——以及 GPT-4（o）与《华尔街日报》", "zh-CN"),
        ("모델의 비용과 그 밖의 청구서: ‘싸다’는 것은 무슨 뜻인가", "ko"),
    ],
)
def test_no_line_ends_with_what_opens_or_begins_with_what_closes_and_korean_words_stay_whole(
    tmp_path: Path, title: str, language: str
) -> None:
    font = card.font_for(make_config(tmp_path), title, language)
    assert font
    for room in range(250, 900, 7):
        lines = card._lines(title, font, 46, room)
        assert "".join(lines).replace(" ", "") == title.replace(" ", "")
        assert not [line for line in lines if line[-1] in "「（《“‘" or line[0] in "」）》”’、。：っッ"]
        assert language != "ko" or " ".join(lines) == title


def test_a_name_that_is_cut_says_so(tmp_path: Path) -> None:
    name = "The Quarterly Bulletin of the Association for the Study of Mediterranean Harbours and Lighthouses"
    about = make_config(tmp_path, newsletter={"name": name, "language": "en"})
    font = card.font_for(about, name, "en")
    assert font
    lines = card._lines(name, font, 34, 500)
    assert card._cut(lines, 1) == [lines[0] + "…"]
    assert card._cut(lines, len(lines)) == lines


def test_what_is_written_from_right_to_left_stands_at_the_right(tmp_path: Path) -> None:
    title = "Chips"
    left, right = (0, 150, 600, 630), (600, 150, 1200, 630)
    assert ink(drawn(tmp_path, title, "ar"), right) > 1000 > ink(drawn(tmp_path, title, "ar"), left)
    assert ink(drawn(tmp_path, title, "en"), left) > 1000 > ink(drawn(tmp_path, title, "en"), right)


def test_a_title_that_no_font_has_is_reported_and_the_newsletters_card_is_used(tmp_path: Path) -> None:
    odd = "\U0001e900\U0001e901"  # Adlam
    if not card._of_system("sans", "en"):
        pytest.skip("no font is installed")
    assert card.lacking(config(tmp_path), f"ok {odd}", "en") == odd
    for name, text in (SOUND | {f"{SLUG}/issue.yaml": f"title: ok {odd}\ndate: 2024-12-29\n"}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (found,) = check_repository(read_config(tmp_path)[0], use_cache=False).diagnostics
    assert (found.code, found.path, found.span.line) == ("card-glyphs", f"{SLUG}/issue.yaml", 1)
    assert " ".join(odd) in found.message
    assert drawn(tmp_path, odd).tobytes() != drawn(tmp_path, "Chips").tobytes()
    assert ink(drawn(tmp_path, odd), (0, 170, 1200, 630)) == 0


def test_a_long_word_is_written_smaller_before_it_leaves_its_column(tmp_path: Path) -> None:
    image = drawn(tmp_path, "Donaudampfschifffahrt", cover=COVER)
    assert ink(image, (700, 150, 740, 630)) == 0
    assert image.getpixel((760, 300))[1] > 200  # type: ignore[index]
    before = process_time()
    drawn(tmp_path, "a" * 8000)
    assert process_time() - before < 5  # measuring each rest of the word took over a minute


def test_a_title_of_pictographs_beside_a_file_that_is_no_font_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "letters.ttf").write_text("not a font")
    config = make_config(tmp_path, theme={"fonts": {"card": "letters.ttf"}})
    assert card.draw(config, "🚀", "en").startswith(b"\x89PNG")


@pytest.mark.parametrize("title", ["Robots 🚀 fold", "naïve façade — “quoted”…", "Ω and ж", "a\u0301"])
def test_pictographs_marks_and_common_letters_are_no_fault(tmp_path: Path, title: str) -> None:
    assert card.lacking(config(tmp_path), title, "en") == ""


def test_pages_name_their_card_and_its_size(tmp_path: Path) -> None:
    made = make_edition(tags=("ai",))
    files = {file.path: file for file in ArchivePages(make_config(tmp_path), arrange([made])).all()}
    for path in ("", f"issues/{made.slug}/", "tags/ai/"):
        page = files[f"{path}index.html"].content.decode()
        assert f'<meta property="og:image" content="https://news.example.com/{path}card.png">' in page
        assert '<meta property="og:image:width" content="1200">' in page
        assert '<meta property="og:image:alt" content="' in page
        assert '<meta name="twitter:card" content="summary_large_image">' in page
        assert files[f"{path}card.png"].content.startswith(b"\x89PNG")


def test_a_newsletter_may_have_none(tmp_path: Path) -> None:
    files = [*ArchivePages(make_config(tmp_path, theme={"cards": False}), arrange([make_edition()])).all()]
    assert not [file.path for file in files if file.path.endswith("card.png")]
    assert not [file.path for file in files if file.path.endswith("html") and b"card.png" in file.content]
