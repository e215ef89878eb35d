"""``publisher new --from``: create an issue from a pasted digest, and report any text that is in no file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from publisher.authoring.add import slug_words
from publisher.authoring.digest import Digest, PastedStory, read_digest
from publisher.authoring.headlines import PastedLine
from publisher.authoring.issue import LONGEST, NewIssue, day_of, next_number, write_issue
from publisher.authoring.yaml_text import key_points_block, scalar
from publisher.checks.engine import check_issue
from publisher.checks.rules.pictures import not_pasted
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Sentence, Span, say
from publisher.documents import decode
from publisher.documents.encodings import readings
from publisher.errors import UsageError
from publisher.language import Locale

_HAN = re.compile("[\u3400-\u9fff]")
_KANA = re.compile("[\u3041-\u30ff]")
_LATIN = re.compile("[A-Za-z]")
_PAGE = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|\?xml|html|head|body)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class PastedIssue:
    """The issue that was created, a sentence about the text left out, and the findings."""

    made: NewIssue
    told: Sentence | None
    findings: tuple[Diagnostic, ...]


def paste_issue(config: Config, content: bytes, name: str, slug: str | None = None) -> PastedIssue:
    """Create a draft from a digest; findings name the file ``name``. Raises UsageError, with nothing written."""
    file, findings = decode(name, content)
    if file is None and len(likely := readings(content[:1_000_000])) == 1:
        file, findings = decode(name, content.decode(likely[0], "replace").encode())
    if file is None:
        raise UsageError(findings[0].message, help=findings[0].help)
    if _PAGE.match(file.text):
        advice = say("open it in a browser, and copy its words into a plain text file")
        raise UsageError(say("{name} is a web page, not text", name=name), help=advice)
    if not file.text.strip():
        raise UsageError(say("{name} holds no text", name=name), help=say("paste the digest into it, its title first"))
    digest = read_digest(config, file.text)
    slug = slug or _free_slug(config, digest.title)
    day = day_of(config, slug)
    language = language_of(config, file.text)
    made = write_issue(config, slug, day, files_of(config, digest, day.isoformat(), language))
    for line in digest.pictures:
        start = len(line.text) - len(line.text.lstrip()) + 1
        place = Place(name, Span(line.number, start, line.number, len(line.text) + 1))
        findings.append(not_pasted(line.words, place, slug))
    return PastedIssue(made, told(digest.left_out), (*findings, *check_issue(config, slug)[1]))


def told(left_out: Iterable[PastedLine]) -> Sentence | None:
    """Describe each piece of text that is in no file, with its line numbers."""
    pieces: dict[str, list[int]] = {}
    for line in left_out:
        pieces.setdefault(line.text.strip(), []).append(line.number)
    shown = "; ".join(f"{', '.join(map(str, sorted(set(numbers))))}: {text}" for text, numbers in pieces.items())
    return say("left out, for the issue makes it itself (line: text): {pieces}", pieces=shown) if shown else None


def language_of(config: Config, text: str) -> str:
    """The newsletter's language, unless the script of the text shows that it is Chinese or English."""
    own = config.newsletter.language
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    eastern = own.partition("-")[0].lower() in {"zh", "ja"}
    if eastern and latin > 50 and han + len(_KANA.findall(text)) < latin / 50:
        return "en"
    if not eastern and han > latin and not _KANA.search(text):
        return "zh-CN"
    return own


def _free_slug(config: Config, title: str) -> str:
    today = datetime.now(config.newsletter.zone).date().isoformat()
    slug = f"{today}-{slug_words(title)}".strip("-")[: LONGEST - 3]
    names = (slug, *(f"{slug}-{number}" for number in range(2, 100)))
    return next((name for name in names if not (config.root / "issues" / name).exists()), slug)


def files_of(config: Config, digest: Digest, date: str, language: str) -> dict[str, str]:
    """The files of the issue, by name."""
    word = Locale.of(language, {}).word
    number = next_number(config)
    lines = [
        "# yaml-language-server: $schema=../../schema/issue.json",
        f"title: {scalar(digest.title)}",
        f"date: {date}",
        *([f"number: {number}"] if number is not None else []),
        *([f"language: {language}"] if language != config.newsletter.language else []),
        f"status: draft # {word('starter', 'on_status')}",
    ]
    if digest.intro:
        intro = (digest.intro[0].lstrip(), *digest.intro[1:])
        lines += ["", "intro: |", *(f"  {line}" if line else "" for line in intro)]
    if digest.points:
        lines += ["", *key_points_block(digest.points, digest.generated_by)]
    if digest.attribution:
        lines += ["", f"attribution: {scalar(digest.attribution)}"]
    width = max(2, len(str(len(digest.stories))))
    items = {
        f"{number:0{width}d}-{slug_words(story.headline) or 'item'}.md": _item(story)
        for number, story in enumerate(digest.stories, 1)
    }
    return {"issue.yaml": "\n".join([*lines, ""]), **items}


def _item(story: PastedStory) -> str:
    lines = ["---", *([f"# {story.pasted}"] if story.pasted else []), f"headline: {scalar(story.headline)}"]
    if story.section:
        lines.append(f"section: {scalar(story.section)}")
    if story.source:
        name, url = story.source
        lines += ["source:", f"  name: {scalar(name)}", *([f"  url: {scalar(url)}"] if url else [])]
    lines += ["---", *story.body]
    if story.commentary is not None:
        lines += ["", "::: commentary", *story.commentary, ":::"]
    return "\n".join([*lines, ""])
