"""What the end of a run means, in a line, and what to do about it; and the account as machines read it."""

from __future__ import annotations

from typing import Any

from publisher.delivery.mailings import Mailing
from publisher.delivery.send import Sent
from publisher.delivery.states import FEEDBACK, Account, Ending, MailingState, Operator, RecipientState
from publisher.providers import Provider

COUNTS = ("audience", *(state.value for state in RecipientState))


def explain(sent: Sent, provider: Provider) -> tuple[str, str | None]:
    """The line for an operator, and the action; the line is empty where all went well."""
    account, slug = sent.account, sent.mailing.slug
    again = f"publisher send {slug} carries on"
    left = f"{account.pending:,} recipients are left"
    match sent.ending:
        case Ending.DONE | Ending.LEFT:
            return _of_account(sent)
        case Ending.INTERRUPTED:
            return f"stopped; {left}", again
        case Ending.OPERATOR if sent.code == "tripwire":
            return f"a tripwire stopped {slug}; {left}", None
        case Ending.OPERATOR if sent.code == Operator.CANCELLED:
            return f"{slug} was cancelled; {account.pending:,} recipients are not mailed", None
        case Ending.OPERATOR:
            return f"{slug} is paused; {left}", f"publisher resume {slug}, then publisher send {slug}"
        case Ending.DAILY_QUOTA:
            return f"the provider's daily quota is used up; {left}", f"{again} when the 24 hours have room again"
        case Ending.ACCOUNT_PAUSED:
            paused = f"{provider.title} has paused sending ({sent.code}); {left}"
            return paused, f"see the {provider.title} console; then {again}"
        case Ending.UNREACHABLE:
            return f"the provider could not be reached ({sent.code}); {left}", f"check the network; then {again}"
        case Ending.DEFECT:
            return f"the transport failed ({sent.code}); {left}", f"please report it; {again}"
    what, action = provider.endings.get(
        sent.code.partition(":")[0], (f"the provider refuses every message: {sent.code}", "mend what it says")
    )
    return f"{what}; {left}", f"{action}; then {again}"


def _of_account(sent: Sent) -> tuple[str, str | None]:
    account, slug = sent.account, sent.mailing.slug
    parts = []
    if account.uncertain:
        parts.append(f"{account.uncertain:,} are uncertain")
    if account.rejected:
        parts.append(f"{account.rejected:,} were rejected")
    if account.pending:
        parts.append(f"{account.pending:,} are left")
    if not parts:
        return "", None
    action = f"publisher reconcile {slug} settles the uncertain from events" if account.uncertain else None
    if account.pending:
        action = f"publisher send {slug} tries them again"
    return f"of {account.recipients:,} recipients {', '.join(parts)}", action


def account_line(slug: str, account: Account) -> str:
    """The account in one line."""
    parts = [f"{getattr(account, name):,} {name}" for name in COUNTS[1:] if getattr(account, name)]
    reasons = ", ".join(f"{people:,} {reason}" for reason, people in account.excluded_by_reason.items())
    return f"{slug}: audience {account.audience:,}: {', '.join(parts) or 'nobody has subscribed yet'}" + (
        f" ({reasons})" if reasons else ""
    )


def status_row(slug: str, mailing: Mailing | None, account: Account | None, state: MailingState) -> dict[str, Any]:
    """One issue as ``status --format json`` has it. Before the freeze all counts are 0 and the digest null."""
    counted = account or Account()
    return {
        "issue": slug,
        "state": state.value,
        "digest": mailing.digest if mailing else None,
        "commit": mailing.commit if mailing else None,
        **{name: getattr(counted, name) for name in COUNTS + FEEDBACK},
        "excluded_by_reason": dict(counted.excluded_by_reason),
    }
