"""Pictures of a theme's own folder: published hashed, where a template asks for them, and only whole ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from publisher.config import load_config
from publisher.config.theme import BASE, store
from publisher.edition.model import ThemeError
from publisher.preview.workshop import Workshop
from publisher.proofing.checking import check_repository
from publisher.site.build import build
from publisher.web.service import ServicePages
from tests.checks.corpus import SLUG, SOUND, Case, lay_out

ASKED = '<img src="{{ image(\'images/leaf.png\') }}" width="40" height="20" alt="leaf">'
NO_LINKS = {"preferences_link": None, "subscribe_link": None}
LEAF = r"assets/leaf\.[0-9a-f]{12}\.png"
MAIL, HEAD, FOOT = "email/_opening.mjml.j2", "edition/_opening.html.j2", "web/404.html"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A newsletter whose theme shows a leaf in mail, on the page of an issue and on one of the archive."""
    root = tmp_path / "newsletter"
    lay_out(Case("sound-0", (), ""), root)
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {name: ./harbour}\n")
    issue = root / SLUG / "issue.yaml"
    issue.write_text(f"{issue.read_text()}status: ready\n")
    for name, more in ((MAIL, f"<mj-text>{ASKED}</mj-text>\n"), (HEAD, ASKED)):
        write(root, name, (store() / BASE / name).read_text() + more)
    write(root, FOOT, ASKED)
    paint(root, "images/leaf.png", "#0b6478")
    paint(root, "images/unasked.png", "#0b6478")
    return root


def write(root: Path, name: str, text: str) -> None:
    (root / "harbour" / name).parent.mkdir(parents=True, exist_ok=True)
    (root / "harbour" / name).write_text(text)


def paint(root: Path, name: str, colour: str) -> None:
    (root / "harbour" / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (80, 40), colour).save(root / "harbour" / name)


def built(root: Path, *, use_cache: bool = True) -> dict[str, bytes]:
    """Every file of a build without findings."""
    out = root.parent / "dist"
    assert [one.code for one in build(load_config(root), [], out, use_cache=use_cache).diagnostics] == []
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_mail_and_pages_lead_to_one_hashed_file_and_what_nobody_asks_for_stays(root: Path) -> None:
    files = built(root)
    (leaf,) = (path for path in files if re.fullmatch(f"site/{LEAF}", path))
    assert files[leaf] == (root / "harbour/images/leaf.png").read_bytes()
    assert not [path for path in files if "unasked" in path]
    slug, name = SLUG.rpartition("/")[2], leaf.removeprefix("site/")
    assert f'src="https://news.example.com/{name}"' in files[f"email/{slug}/email.html"].decode()
    assert f'src="../../{name}"' in files[f"site/{SLUG}/index.html"].decode()
    assert files["site/404.html"].decode().startswith(f'<img src="/{name}"')


def test_a_path_in_a_template_is_from_the_root_of_the_theme(root: Path) -> None:
    leaf, kept = 'src="images/leaf.png" width="40" height="20"', 'data-src="images/unasked.png"'
    other = (
        '{# <img src="images/gone.png"> #}{% raw %}<i title="src="></i>{% endraw %}<img src="https://x.example/a.png">'
    )
    write(
        root,
        MAIL,
        (store() / BASE / MAIL).read_text()
        + "<mj-text><img src='images/leaf.png' width='40' height='20' alt='leaf'></mj-text>\n",
    )
    write(root, HEAD, (store() / BASE / HEAD).read_text() + f'<img {leaf} alt="leaf">')
    write(root, FOOT, f'<img {leaf}><b style="background:url(images/leaf.png)" {kept}></b>{other}')
    files = built(root)
    (name,) = re.findall(LEAF, "\n".join(path for path in files if path.startswith("site/assets/leaf")))
    slug = SLUG.rpartition("/")[2]
    assert f'src="https://news.example.com/{name}"' in files[f"email/{slug}/email.html"].decode()
    assert f'src="../../{name}"' in files[f"site/{SLUG}/index.html"].decode()
    page = files["site/404.html"].decode()
    assert page.startswith(f'<img src="/{name}" width="40"')
    assert f"url(/{name})" in page
    assert kept in page
    assert 'src="https://x.example/a.png"' in page
    assert not [path for path in files if "unasked" in path]


SHEET = """/* url(images/gone.png) */ .a { background: url("images/leaf.png") }
.b { background: url(data:image/png;base64,AA) } .c { background: url(https://x.example/a.png) } .d { fill: url(#d) }
"""


def test_a_path_in_a_sheet_is_from_the_root_of_the_theme(root: Path) -> None:
    for name in (MAIL, HEAD, FOOT):
        (root / "harbour" / name).unlink()
    for name in ("web", "service"):
        write(root, f"{name}/theme.css", SHEET)
    files = built(root)
    (leaf,) = (path for path in files if re.fullmatch(f"site/{LEAF}", path))
    (sheet,) = (content.decode() for path, content in files.items() if path.startswith("site/assets/style."))
    assert f'url("{leaf.removeprefix("site/assets/")}")' in sheet
    for kept in ("url(data:image/png;base64,AA)", "url(https://x.example/a.png)", "url(#d)"):
        assert kept in sheet
    pages = ServicePages(load_config(root))
    assert f'url("https://news.example.com/{leaf.removeprefix("site/")}")' in pages.html(
        "message", word="missing", **NO_LINKS
    )
    assert "img-src data: https://news.example.com;" in pages.policy
    paint(root, "images/leaf.png", "#a4371c")
    assert not [path for path in built(root) if path == leaf or (path in files and "assets/style." in path)]


def test_a_picture_that_a_sheet_cannot_show_is_an_error_at_its_line(root: Path) -> None:
    write(root, "web/theme.css", ".a { color: red }\n/*\n*/ .b { background: url(images/gone.png) }\n")
    (found,) = build(load_config(root), [], root.parent / "dist").diagnostics
    assert (found.code, found.path, found.span.line) == ("theme-broken", "harbour/web/theme.css", 3)
    assert found.message == "the theme has no picture images/gone.png"
    write(root, "service/theme.css", "\n.b { background: url(images/gone.png) }\n")
    with pytest.raises(ThemeError, match=r"^harbour/service/theme\.css:2: the theme has no picture images/gone\.png$"):
        ServicePages(load_config(root))


def test_a_changed_picture_is_a_new_address_wherever_it_is_shown(root: Path) -> None:
    before = built(root)
    assert built(root) == before
    paint(root, "images/leaf.png", "#a4371c")
    after = built(root)
    assert not {path for path in before if "leaf" in path} & after.keys()
    assert {path for path in before if before[path] != after.get(path)} >= {
        "site/404.html",
        f"site/{SLUG}/index.html",
        f"email/{SLUG.rpartition('/')[2]}/email.html",
    }
    site = {path: content for path, content in after.items() if not path.rpartition("/")[2].startswith(".")}
    clean = built(root, use_cache=False)
    assert {path: clean[path] for path in site} == site


def test_the_preview_serves_it_as_it_is_now(root: Path) -> None:
    workshop = Workshop(root)
    for colour in ("#0b6478", "#a4371c"):
        paint(root, "images/leaf.png", colour)
        workshop.changed([root / "harbour/images/leaf.png"])
        edition = workshop.view(SLUG.rpartition("/")[2]).edition
        assert edition is not None
        found = re.search(LEAF, str(edition.html))
        assert found
        assert workshop.asset(found[0]) == ((root / "harbour/images/leaf.png").read_bytes(), "image/png")
    assert workshop.asset("assets/unasked.png") is None


def test_readers_pages_may_show_it(root: Path) -> None:
    assert "img-src data: https://news.example.com;" in ServicePages(load_config(root)).policy


def test_the_newsletters_own_folder_comes_before_the_theme_and_what_it_hides_asks_for_nothing(root: Path) -> None:
    own = root / "templates"
    (own / "email").mkdir(parents=True)
    asking = (root / "harbour" / MAIL).read_text().replace("images/leaf.png", "images/own.png")
    (own / MAIL).write_text(asking)
    (own / "images").mkdir()
    Image.new("RGB", (8, 8)).save(own / "images/own.png")
    for name in (HEAD, FOOT):
        (root / "harbour" / name).unlink()
    names = {path.rpartition("/")[2].partition(".")[0] for path in built(root) if path.startswith("site/assets/")}
    assert "own" in names
    assert "leaf" not in names


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("image('images/gone.png')", "the theme has no picture images/gone.png"),
        ("image('images/note.png')", "images/note.png is text"),
        ("image('images/short.png')", "images/short.png is cut off or damaged"),
        ("image('images/link.png')", "images/link.png leads out of the folder of the theme"),
        ("image('../config.yaml')", "../config.yaml leads out of the folder of the theme"),
        ("image('images/' ~ 'leaf.png')", "images/leaf.png is put together, and a picture is published by its name"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_an_error_at_the_line_that_asks_for_it(
    root: Path, asked: str, message: str
) -> None:
    (root / "harbour/images/note.png").write_text("no picture")
    (root / "harbour/images/short.png").write_bytes((root / "harbour/images/leaf.png").read_bytes()[:-20])
    outside = root.parent / "outside.png"
    Image.new("RGB", (8, 8)).save(outside)
    (root / "harbour/images/link.png").symlink_to(outside)
    for name in (HEAD, FOOT):
        write(root, name, "")
    write(root, MAIL, f'<mj-text>\n<img src="{{{{ {asked} }}}}" alt="">\n</mj-text>')
    (found,) = check_repository(load_config(root), use_cache=False).diagnostics
    assert (found.code, found.path, found.span.line) == ("theme-broken", f"harbour/{MAIL}", 2)
    assert found.message == message
    assert found.help
