"""Keys of issue.yaml: date, language, names, subject and preheader, and reviewers."""

import re
from collections.abc import Iterator

from publisher.checks.context import HAN, Context, Line, fields
from publisher.config.names import unsupported_language
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.diagnostics.width import display_width
from publisher.documents.yaml_typos import shortened
from publisher.issue.load import date_of_slug
from publisher.issue.model import Grade, Issue, Item
from publisher.issue.personal import with_defaults
from publisher.regex import regex

SUBJECT_WIDTH, PREHEADER_WIDTH = 78, 140  # columns
ALL_CAPITALS = define("subject-all-capitals", Severity.WARNING)
DATE_CONTRADICTS_SLUG = define("date-contradicts-slug", Severity.ERROR)
MARKS_IN_NAME = define("marks-in-name", Severity.WARNING)
PREHEADER_TOO_LONG = define("preheader-too-long", Severity.WARNING)
SUBJECT_TOO_LONG = define("subject-too-long", Severity.WARNING)
WITHOUT_TEXT = define("generated-without-text", Severity.WARNING)
UNREVIEWED = define("unreviewed", Severity.ERROR)
_BETWEEN = regex(rf"[，、；]|(?<={HAN.pattern})[,;]|[,;](?=\s*{HAN.pattern})")
_NO_NAME = regex(
    r"(?-i:[a-z\d].*)|(?:the|a|an|new|san|los|hong|der|die|das|le|la|el|il)\s.*|(?:\S+\s+){4}.*|\w+(?-i:\s+[A-Z]\.)+"
    r"|.*\b(?:university|institute|college|school|labs?|news|times|post|journal|magazine|team|group|press|media|foundation"
    r"|council|cent(?:er|re)|bureau|department|ministry|editor|reporter|writer|director|manager|chief|head|c[ef]o|cto"
    r"|professor|author|analyst|correspondent|columnist|contributor|fellow|lecturer|founder|president|counsel|engineer"
    r"|researcher|scientist|consultant|economist|strategist|partner|associate|chair\w*|senior|vice|staff"
    r"|inc|ltd|llc|plc|corp|company|gmbh|ag)\b.*"
    r"|.*[《》].*|.*(?:记者|記者|编辑|編輯|作者|教授|研究员|研究員|分析师|分析師|主编|主編|博士|大学|大學|[院校所部社台报報司局])|[\u3400-\u9fff]{5,}",
    re.IGNORECASE,
)
"""What follows a comma but is not another person's name: an employer, a position, a given name after the family name,
or more words than a name has.
"""
_QUOTES, _COMMAS = "“”‘’「」『』＂＇", frozenset("，、；,;")
_WIDE = regex("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare the date with the slug, check language and names, and measure subject and preheader."""
    issue = context.issue
    named = date_of_slug(issue.slug)
    if named is not None and named != issue.date:
        message = say("the date {date} contradicts the slug {slug}", date=str(issue.date), slug=issue.slug)
        advice = say("write {named}, or rename the folder", named=str(named))
        yield DATE_CONTRADICTS_SLUG.at(issue.places.of("date"), message, help=advice)
    if ("language",) in issue.places.values and (told := unsupported_language(issue.language, context.config)):
        yield told.at(issue.places.of("language"))  # the newsletter's language is checked in config.yaml
    for line in fields(context):
        if line.key in {"authors", "commentary_by", "tags", "reviewed_by"}:
            yield from _marks(line)
    yield from _inbox(context)
    yield from _generated(context)


def _marks(line: Line) -> Iterator[Diagnostic]:
    """Lists with separators or quotes that YAML does not know, which make one name or become part of it."""
    if line.text[0] not in _QUOTES and _COMMAS.isdisjoint(line.text):
        return
    names = [part.strip().strip(_QUOTES) for part in _BETWEEN.split(line.text)]
    first, *others = map(_NO_NAME.fullmatch, re.split(r"[，,]\s*", line.text))
    if line.key != "tags" and not first and any(others):
        return
    if len(names) > 1 and line.key != "commentary_by":
        message = say("{name} is one name: only a plain comma separates names in YAML", name=shortened(line.text))
    elif len(names) == 1 and [mark for mark in line.text if mark in _QUOTES] == [line.text[0], line.text[-1]]:
        message = say("the quotes of {name} are not YAML's: readers would see them", name=shortened(line.text))
    else:
        return
    meant = ", ".join(filter(None, names))
    advice = say("write {words}", words=shortened(f"[{meant}]" if len(names) > 1 else meant))
    yield MARKS_IN_NAME.at(line.place(0, len(line.text)), message, help=advice)


def _inbox(context: Context) -> Iterator[Diagnostic]:
    """Check subject (by default the title) and preheader. Capitals are reported if they outnumber wide letters."""
    issue = context.issue
    own = ("subject",) in issue.places.values
    place = issue.places.of("subject" if own else "title")
    attributes = context.config.audience.attributes
    subject = with_defaults(issue.subject, attributes) if own else issue.subject
    letters = re.findall("[A-Za-z]", subject)
    if letters and all(letter.isupper() for letter in letters) and 0 < len(_WIDE.findall(subject)) < len(letters):
        message = say("the only Latin letters of the subject are capitals, which spam filters treat as shouting")
        yield ALL_CAPITALS.at(place, message, help=say("add a word with small letters, such as OpenAI, or use none"))
    if (width := display_width(subject)) > SUBJECT_WIDTH:
        message = say("the subject is {width} columns wide, over {most}", width=width, most=SUBJECT_WIDTH)
        advice = say("shorten it") if own else say("write a shorter subject: beside the title")
        yield SUBJECT_TOO_LONG.at(place, message, help=advice)
    if (width := display_width(with_defaults(issue.preheader or "", attributes))) > PREHEADER_WIDTH:
        message = say("the preheader is {width} columns wide, over {most}", width=width, most=PREHEADER_WIDTH)
        yield PREHEADER_TOO_LONG.at(issue.places.of("preheader"), message, help=say("shorten it"))


def _generated(context: Context) -> Iterator[Diagnostic]:
    """Check each ``generated`` of the issue and its items: its text has to be there, and, where config.yaml requires
    it, to have a reviewer, unless a model only assisted with it.

    Regulation (EU) 2024/1689, Art. 50(4): no label is required if a person reviewed the text and is responsible.
    """
    owners: tuple[Issue | Item, ...] = (context.issue, *context.issue.items)
    required = context.config.checks.generated == "required"
    for owner in owners:
        for part, origin in owner.generated:
            place = owner.places.of("generated", *([part] if part else []))
            if part and context.whole and not getattr(owner, part):
                message = say("{part} is said to be written by {model}, and is not there", part=part, model=origin.by)
                yield WITHOUT_TEXT.at(place, message, help=say("write {part}, or delete the line", part=part))
            if required and origin.grade is not Grade.ASSISTED and not origin.reviewed_by:
                message = say("no reviewer is named for what {model} wrote", model=origin.by)
                yield UNREVIEWED.at(place, message, help=say("review it, and name yourself: reviewed_by: …"))
