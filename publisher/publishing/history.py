"""Collect the facts for decisions from files, ledger and archive."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import Connection

from publisher.checks.rules.story_repeated import letters
from publisher.config import Config
from publisher.database import Database
from publisher.database.engine import database_url
from publisher.delivery import mailings
from publisher.delivery.local_time import LocalTime
from publisher.delivery.lock import all_unknown_mail
from publisher.delivery.mailings import Mailing
from publisher.diagnostics import listed, say
from publisher.edition.model import Edition
from publisher.edition.provenance import hash_parts
from publisher.errors import UsageError
from publisher.issue.folder import ISSUES, discover, is_folder
from publisher.issue.load import read_issue
from publisher.issue.model import Status
from publisher.issue.translations import Translations, translations_of
from publisher.proofing.proof import Proof
from publisher.publishing import git, store
from publisher.publishing.due import Action, Facts, IssueDecision, Mailed, decide, renamed, with_family
from publisher.publishing.store import Publication
from publisher.publishing.witness import Witness


@dataclass(frozen=True, slots=True)
class GoneIssue:
    """Mailed issue that is no longer there: hash of its content, if known; its mail's text, letters only."""

    slug: str
    content: str | None
    letter: str = ""
    still_here: bool = False  # an issue that still exists, for comparison only


@dataclass(frozen=True, slots=True)
class History:
    """State of the database, read in one transaction."""

    publications: Mapping[str, Publication]
    mailed: Mapping[str, Mailed]
    unknown_mail: Mapping[str, str] = field(default_factory=dict)  # by slug: mail that is not in the ledger, in words
    references: frozenset[str] = frozenset()  # of all mailings
    gone: tuple[GoneIssue, ...] = ()  # mailed issues that are no longer in the repository


def read_history(config: Config, database: Database | None, slugs: Sequence[str]) -> History:
    """Read the history, and mail of ``slugs`` that it does not know of. Without a database, only marks are read."""
    url = database.engine.url if database else database_url(config)
    with database.connect() if database else nullcontext() as connection:
        found = all_unknown_mail(url, connection, slugs)
        if connection is None:
            return History({}, {}, found)
        publications, references = store.all_publications(connection), mailings.references(connection)
        gone = mailed_and_gone(connection, publications, slugs)
        return History(publications, store.mailed(connection), found, references, gone)


def decide_all(
    config: Config, prepared: Sequence[Proof], ledger: History, witness: Witness, now: datetime, idle: Set[str]
) -> list[IssueDecision]:
    """Decide about every issue that is in the repository, was live, or has a mailing; except ``idle`` ones."""
    found = [_facts(config, one, ledger, witness) for one in prepared]
    here = {one.slug for one in prepared}
    for slug in sorted((ledger.publications.keys() | ledger.mailed.keys()) - here - idle):
        publication = ledger.publications.get(slug)
        if slug in ledger.mailed or (publication and publication.archived_at):
            found.append(Facts(slug, ready=False, in_repository=False, mailed=ledger.mailed.get(slug)))
    decisions = {one.slug: decide(one, now, config.publish) for one in found}
    translations = translations_of(config)
    decisions |= dict(_unasked(decisions, translations, ledger))
    families = {slug: [decisions[one.slug] for one in translations.others(slug)] for slug in decisions}
    return [with_family(decisions[one.slug], families[one.slug]) for one in found]


def several_at_first(
    ledger: History, decisions: Sequence[IssueDecision], translations: Translations
) -> tuple[list[str], list[str]]:
    """Return the issues and families that a ledger without mailings would mail at once; empty if only one."""
    due = [one for one in decisions if one.kind is Action.DUE]
    slugs = [one.slug for one in due if one.facts.settled != "unmailed" and not one.facts.asked]
    families = list(dict.fromkeys(map(translations.original, slugs)))
    settled = ledger.mailed or any(one.settled_how for one in ledger.publications.values())
    return (slugs, families) if len(families) > 1 and not settled else ([], [])


def told_of_several(families: Sequence[str]) -> tuple[str, str]:
    """Return the message about several issues in a first run, and the advice."""
    fault = say("the first publish would mail {n} issues at once: {slugs}", n=len(families), slugs=listed(families))
    newest = say("publisher publish --mailed {slugs} mails the newest alone", slugs=" --mailed ".join(families[:-1]))
    return fault, say("{newest}; --unmailed all mails each; --mailed all mails none of them", newest=newest)


def refuse_renamed(config: Config, database: Database, edition: Edition) -> None:
    """Raise UsageError, for ``send``, if the issue was mailed under a name that no longer exists."""
    slug = edition.slug
    with database.connect() as connection:
        publications = store.all_publications(connection)
        if publications.get(slug, Publication(slug)).settled_how or mailings.newest(connection, slug):
            return
        gone = mailed_and_gone(connection, publications, discover(config.root))
    if before := mailed_as(edition, content_of(edition), gone):
        fault, ways = renamed(slug, before)
        raise UsageError(say("{slug}: {fault} Nothing was sent", slug=slug, fault=fault), help=ways)


def other_newsletter(config: Config, connection: Connection) -> tuple[str, str] | None:
    """Return that this database seems to be another newsletter's, and the advice; None if it may be this one's.

    It does if mail has left from it, none of which links to this archive, and no issue here was mailed under its
    present title or settled by an operator (``--mailed``, ``--unmailed``, ``publish.unmailed``). A newsletter may thus
    change its name, address, archive and old issues.
    """
    here = discover(config.root) if is_folder(config.root / ISSUES) else []  # a worker may have no checkout
    mailed = {one.slug: one for one in mailings.every_newest(connection)}
    if not config.delivery.leaves or not here or not mailed:
        return None
    for slug in (slug for slug in reversed(here) if slug in mailed):
        issue = read_issue(config, slug).partial
        if issue is None or issue.title == mailed[slug].title:
            return None
    publications = store.all_publications(connection)
    asked = config.publish.unmailed
    settled = any(slug in asked or (slug in publications and publications[slug].settled_how) for slug in here)
    if settled or (last := mailings.last_of_others(connection, config.newsletter.url)) is None:
        return None
    about = {"title": last.title, "day": f"{last.frozen_at:%Y-%m-%d}", "url": config.newsletter.url}
    message = say(
        "this database seems to belong to another newsletter: it has mailed “{title}” ({day}), but no issue of this"
        " repository, and nothing that links to {url}",
        **about,
    )
    return message, say(
        "name this newsletter's own database (database in config.yaml, or PUBLISHER_DATABASE_URL); if those readers are"
        " its own, publisher publish --unmailed ISSUE mails them an issue that is due"
    )


def refuse_other_newsletter(config: Config, database: Database) -> None:
    """Raise UsageError if the database seems to be another newsletter's (:func:`other_newsletter`)."""
    with database.connect() as connection:
        if found := other_newsletter(config, connection):
            raise UsageError(say("{fault}; nothing was sent", fault=found[0]), help=found[1])


def refuse_other_history(root: Path, database: Database, commit: str | None) -> None:
    """Raise UsageError if the commit does not descend from the published one, as it would revert the archive, or if git
    does not answer where a commit was published. Outside a git repository, commits are not compared.
    """
    with database.connect() as connection:
        last = store.last_deployment(connection)
    if last is None:
        return
    if commit is None:
        if silent := git.trouble(root):
            told = {"fault": silent.message, "theirs": last[0][:12]}
            raise UsageError(say("{fault}; the published commit {theirs} may be newer", **told), help=silent.help)
        return
    if git.leads_to(root, last[0], commit):
        return
    told, way = {"mine": commit[:12], "theirs": last[0][:12]}, {"accept": "publisher publish --accept-history"}
    if git.leads_to(root, commit, last[0]):
        message = say("this is commit {mine}, and the newer {theirs} is published already: nothing was done", **told)
        advice = say("check out the newest commit; to go back on purpose, revert in a new commit, or {accept}", **way)
    elif git.is_shallow(root):  # the published commit may be there by another branch or a tag
        message = say("this shallow checkout does not show how {mine} follows the published commit {theirs}", **told)
        advice = say("fetch the whole history: fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 of GitLab")
    else:
        message = say(
            "the published commit {theirs} does not lead to {mine}: the history was rewritten, or this is another"
            " branch",
            **told,
        )
        advice = say(
            "check out the branch that was published; if its history was rewritten on purpose, {accept}", **way
        )
    raise UsageError(message, help=advice)


def _unasked(
    decisions: Mapping[str, IssueDecision], translations: Translations, ledger: History
) -> Iterator[tuple[str, IssueDecision]]:
    """Yield provisional decisions about translations that have none, from ledger and file."""
    for slug in decisions:
        for one in translations.others(slug):
            if one.slug not in decisions:
                kind = Action.DUE if one.ready else Action.DRAFT
                mailed = ledger.mailed.get(one.slug)
                yield one.slug, IssueDecision(Facts(one.slug, mailed=mailed), Action.DONE if mailed else kind)


def _facts(config: Config, one: Proof, ledger: History, witness: Witness) -> Facts:
    publication = ledger.publications.get(one.slug, Publication(one.slug))
    draft = one.draft
    if one.broken and not draft:  # its status may be readable: a broken draft is no problem
        partial = read_issue(config, one.slug).partial
        draft = partial is not None and partial.status is Status.DRAFT
    facts = Facts(
        one.slug, ready=not draft, broken=one.broken, held_at=publication.held_at, held_why=publication.held_why,
        archived=publication.archived_at is not None, mailed=ledger.mailed.get(one.slug),
        unknown_mail=ledger.unknown_mail.get(one.slug), settled=publication.settled_how,
    )  # fmt: skip
    edition = one.edition
    if edition is None or one.draft:
        return facts
    mailed, content, local = facts.mailed, None, LocalTime.of(config, edition)
    if mailed is None or mailed.digest != edition.digest or publication.mailed_content is None:
        content = content_of(edition)
    if mailed:
        mailed = replace(mailed, content=publication.mailed_content)
    same = content is not None and publication.seen_content == content
    unknown = mailed is None and publication.archived_at is None and publication.settled_how is None
    # An issue settled by an operator needs no look at the archive, unless its mailing has recipients left.
    unfinished = mailed.sendable > 0 if mailed else publication.settled_how != "mailed"
    asked = one.slug in config.publish.unmailed
    strange = mailed is None and publication.settled_how is None and not asked
    contradicted = None
    if unfinished and not facts.unknown_mail:
        contradicted = witness.contradiction(publication, mailed, ledger.references)
    return replace(
        facts, publish_at=edition.publish_at or (local.opens if local else None),
        last_at=max(local.closes, edition.publish_at or local.closes) if local else None,
        day_ends=datetime.combine(edition.date, time.max, config.newsletter.zone), title=edition.title,
        digest=edition.digest, content=content, mailed=mailed, asked=asked, known=publication.seen_at is not None,
        seen_at=publication.seen_at if same else None, unknown_mail=facts.unknown_mail or contradicted,
        claimed=witness.readers_have(one.slug) if unknown else None,
        mailed_as=mailed_as(edition, content, ledger.gone) if strange and content else None,
    )  # fmt: skip


def content_of(edition: Edition) -> str:
    """Hash what readers see of an edition: ``sha256:`` and 64 hex digits over title, text, links and pictures.

    The edition's digest also depends on the theme, the footer's address and library versions. Only this hash tells
    whether an issue was *corrected* after it was mailed.
    """
    tree = LexborHTMLParser(edition.web)
    parts = [("title", edition.title), ("words", tree.body.text(separator=" ") if tree.body else "")]
    parts += (("link", node.attributes.get("href") or "") for node in tree.css("a[href]"))
    parts += (("alt", node.attributes.get("alt") or "") for node in tree.css("img"))
    for asset in sorted(edition.assets, key=lambda asset: asset.name):
        if not asset.copied:  # a copy depends on its original and on a library's version
            parts.append(("picture", hashlib.sha256(asset.content).hexdigest()))
    for one in edition.variants:
        parts += (("condition", one.condition), ("variant", content_of(one.edition)))
    shown = ((kind, " ".join(text.split()).encode("utf-8", "surrogatepass")) for kind, text in parts)
    return hash_parts("publisher content 1", shown)


RECENT = timedelta(days=31)
"""Older mail is not compared: a newsletter that prunes old issues would read all of it in each run."""
_MOST = 0.5  # share of the letters in its sentences
_BESIDE = 5  # mails of existing issues, to find text that every mail repeats
_SHORTEST = 8  # letters; shorter sentences occur in any issue
_SENTENCES = re.compile(r"[\n。！？!?]|\.\s")


def mailed_and_gone(
    connection: Connection, publications: Mapping[str, Publication], here: Sequence[str]
) -> tuple[GoneIssue, ...]:
    """Return mailed issues that are not among those ``here``, newest mailing first.

    The ledger identifies issues by name, so an issue that was mailed and whose folder was renamed is new to it.
    """
    known, since, gone, beside = set(here), datetime.now(UTC) - RECENT, list[GoneIssue](), list[Mailing]()
    for one in sorted(mailings.every_newest(connection), key=lambda mailing: mailing.id, reverse=True):
        if "/" in one.slug or not one.audience:
            continue  # a step or a month's edition has no folder in issues/
        if one.slug in known:
            beside.append(one)
            continue
        if mailings.reached_nobody(connection, one):
            continue
        content = found.mailed_content if (found := publications.get(one.slug)) else None
        gone.append(GoneIssue(one.slug, content, _letter(connection, one) if one.frozen_at > since else ""))
    if any(one.letter for one in gone):
        gone += [GoneIssue(one.slug, None, _letter(connection, one), still_here=True) for one in beside[:_BESIDE]]
    return tuple(gone)


def _letter(connection: Connection, mailing: Mailing) -> str:
    body = LexborHTMLParser(str(mailings.letter_of(connection, mailing.id).html)).body
    return letters(body.text()) if body else ""


def mailed_as(edition: Edition, content: str, gone: Sequence[GoneIssue]) -> str | None:
    """Return the former name under which this issue was mailed, or None.

    Texts are compared, because name and headline are often changed in one commit: either the content is the same as
    when it was mailed, or most sentences occur in the frozen mail, or its title and day do. Sentences in several
    mails, such as a greeting or a sponsor's text, do not count.
    """
    mails = [one.letter for one in gone if one.letter]
    sentences = [words for words in _sentences(edition) if sum(words in letter for letter in mails) < 2]
    most, title = _MOST * sum(map(len, sentences)), letters(edition.title)
    for one in gone:
        same = 0 < most <= sum(len(words) for words in sentences if words in one.letter)
        same |= one.slug.startswith(f"{edition.date}-") and title != "" and title in one.letter
        if one.content == content or (same and not one.still_here):
            return one.slug
    return None


def _sentences(edition: Edition) -> Iterator[str]:
    for story in edition.stories[: edition.mailed]:
        for words in map(letters, (story.headline, *_SENTENCES.split(story.text))):
            if len(words) >= _SHORTEST:
                yield words
