"""Steps of series in a run of publish and on a worker: freeze those who are due, then mail them."""

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Config
from publisher.database import Database
from publisher.delivery import mailings, tripwires
from publisher.delivery.lock import unknown_mail
from publisher.delivery.mailings import Mailing
from publisher.delivery.send import Options
from publisher.delivery.series import Step, StepPlan, freeze_due, parts, plan_steps, ready_steps
from publisher.delivery.states import Operator, RecipientState, left_over
from publisher.diagnostics import say
from publisher.issue.folder import SERIES
from publisher.issue.model import Status
from publisher.mail.message import MailContent
from publisher.proofing.proof import Proof, proofread
from publisher.publishing.due import Action, Facts, IssueDecision
from publisher.publishing.run import IssueResult, Run


def mail_steps(run: Run, proofs: Iterable[Proof], blocked: str | None, options: Options) -> list[IssueResult]:
    """Freeze and mail those who are due, and those left by an earlier run; return a result per step with work.

    A step that has errors, or whose readers the ledger knows only in part, holds back its series. So does a step with
    pictures if the archive is ``blocked``: they would be missing.
    """
    judged, unfit = _judged(run.database, proofs, blocked)
    letters = {slug: MailContent.of(one.edition) for slug, one in judged.items() if one.edition}
    steps = [step for step in ready_steps(run.config) if step.slug in letters]

    held = _series_of(unfit)
    with run.database.connect() as connection:
        due = parts(connection, steps, run.now)
    home, grown = run.config.newsletter.language, set[str]()
    for part in due:
        with run.begin() as connection:
            found = freeze_due(connection, steps, run.now, lambda one: letters[one.slug], home, held=held, part=part)
            grown |= {one.slug for one in found}
        time.sleep(0.1 if part is not due[-1] else 0)  # SQLite: who waits for the lock looks again at this interval
    with run.database.connect() as connection:
        stranded = _withdrawn(run.config, connection)
    results = [IssueResult(decision) for decision in (*unfit.values(), *stranded)]
    for slug in (step.slug for step in steps if step.slug not in unfit):
        result = _mail(run, slug, slug in grown, options)
        results += [result] if result else []
    return results


def _judged(
    database: Database | None, proofs: Iterable[Proof], blocked: str | None
) -> tuple[dict[str, Proof], dict[str, IssueDecision]]:
    """Return the ready steps, and the reasons of those that cannot be mailed."""
    found = {one.slug: one for one in proofs if one.issue is None or one.issue.status is Status.READY}
    return found, {slug: why for slug, one in found.items() if (why := _unfit(database, one, blocked))}


def _series_of(slugs: Iterable[str]) -> set[str]:
    return {slug.split("/")[1] for slug in slugs}


def _unfit(database: Database | None, proof: Proof, blocked: str | None) -> IssueDecision | None:
    facts, fault = Facts(proof.slug), None
    if proof.edition is None:
        return IssueDecision(facts, Action.BROKEN, say("it has errors"), f"publisher check {proof.slug}")
    if database:
        with database.connect() as connection:
            fault = unknown_mail(database.engine.url, connection, proof.slug)
    if fault:
        ways = say("restore the newest copy; or publisher publish --unmailed {slug} goes on as this database knows it")
        advice = say("{advice} (docs/backup.md)", advice=say(ways, slug=proof.slug))
        return IssueDecision(facts, Action.UNKNOWN, say("{what}: was it restored?", what=fault), advice)
    if blocked and proof.edition.assets:
        return IssueDecision(facts, Action.WAITING, say("for the archive, which holds its pictures"))
    return None


def _mail(run: Run, slug: str, frozen: bool, options: Options) -> IssueResult | None:
    """Continue the step's newest mailing as it was frozen."""
    with run.database.connect() as connection:
        mailing = mailings.newest(connection, slug)
        decision = left_of(connection, mailing) if mailing else None
        letter = mailings.letter_of(connection, mailing.id) if mailing else None
    if decision is None or letter is None:
        return None
    if decision.kind is Action.PAUSED:
        return IssueResult(decision)
    if frozen:
        decision = IssueDecision(Facts(slug), Action.DUE, say("due now"))
    return run.mail(decision, letter, options)


def left_of(connection: Connection, mailing: Mailing) -> IssueDecision | None:
    """Return what a run does with the newest mailing of a step or a month; None if no recipient is left."""
    slug, states = mailing.slug, mailings.unsettled(connection, mailing.id)
    left = states[RecipientState.PENDING] + states[RecipientState.CLAIMED]
    if not left or mailing.operator == Operator.CANCELLED:
        return None
    told = left_over(left)
    if mailing.operator == Operator.PAUSED:
        return IssueDecision(Facts(slug), Action.PAUSED, say("paused; {left}", left=told), f"publisher resume {slug}")
    return IssueDecision(Facts(slug), Action.RESUME, told)


def freeze_here(config: Config, database: Database, now: datetime) -> list[Mailing]:
    """Freeze, for a worker in a checkout, those who are due for steps that a run of publish knows."""

    def write(step: Step) -> MailContent | None:
        edition = proofread(config, step.slug).edition
        return MailContent.of(edition) if edition else None

    with database.begin() as connection:
        return freeze_due(connection, ready_steps(config), now, write, config.newsletter.language, register=False)


def plan_of(
    config: Config, database: Database | None, proofs: Iterable[Proof], blocked: str | None, now: datetime
) -> tuple[list[StepPlan], list[IssueDecision]]:
    """Return the readers of each step (None without a database), and decisions about steps held or unfinished."""
    steps, (_, unfit) = sorted(ready_steps(config)), _judged(database, proofs, blocked)
    held = _series_of(unfit)
    if database is None:
        return [StepPlan(step.slug, None, None) for step in steps], [*unfit.values()]
    with database.connect() as connection:
        plans = [
            replace(plan, now=0) if step.series in held else plan
            for step, plan in zip(steps, plan_steps(connection, steps, now), strict=True)
        ]
        newest = (mailings.newest(connection, step.slug) for step in steps if step.slug not in unfit)
        left = [left_of(connection, mailing) for mailing in newest if mailing]
        return plans, [*unfit.values(), *filter(None, left), *_withdrawn(config, connection)]


def _withdrawn(config: Config, connection: Connection) -> list[IssueDecision]:
    """Return decisions for steps that were removed during their mailing."""
    steps = (one for one in mailings.every_newest(connection) if one.slug.startswith(f"{SERIES}/"))
    found = tripwires.stranded(config, connection, steps)
    return [IssueDecision(Facts(slug), Action.WITHDRAWN, told, ways) for slug, told, ways in found]
