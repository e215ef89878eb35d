"""Amazon SES: identity, DKIM, MAIL FROM, quota, sandbox, configuration set, events, tracking.

Rules from the SES developer guide: "Verified identities", "Easy DKIM", "Custom MAIL FROM", "Moving out of the
sandbox", "Event publishing".
"""

from functools import cached_property
from threading import RLock
from typing import Any

from publisher.audience.store import counts
from publisher.config.model import Config
from publisher.database import open_database
from publisher.errors import DatabaseError, ServiceError
from publisher.providers.provider import PATIENCE, Finding, fault, ok, skipped, warning
from publisher.providers.ses.aws import call, client

NEEDED_EVENTS = {"BOUNCE", "COMPLAINT"}
SETTLING_EVENTS = {"SEND", "DELIVERY", "RENDERING_FAILURE"}
WATCHING_EVENTS = {"OPEN", "CLICK"}


class SesAccount:
    """What SES's API answers, each question asked once. Every property raises ServiceError."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._lock = RLock()

    @cached_property
    def _ses(self) -> Any:
        return client("sesv2", self.config.delivery.ses.region, read_seconds=PATIENCE)

    def _ask(self, what: str, method: str, **parameters: Any) -> dict[str, Any]:
        with self._lock:
            ses = self._ses
        answer: dict[str, Any] = call(what, lambda: getattr(ses, method)(**parameters))
        return answer

    @cached_property
    def account(self) -> dict[str, Any]:
        """SES GetAccount."""
        return self._ask("the SES account", "get_account")

    @cached_property
    def identity(self) -> tuple[str, dict[str, Any]]:
        """The verified identity that covers the sender, and GetEmailIdentity's answer.

        SES takes an address, its domain, or a domain above it.
        """
        address, domain = self.config.newsletter.sender[1], self.config.newsletter.domain
        labels = domain.split(".")
        names = [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]
        for name in (address, *names):
            try:
                return name, self._ask("the identity", "get_email_identity", EmailIdentity=name)
            except ServiceError as error:
                if "NotFoundException" not in error.message:
                    raise
        message = f"SES knows neither {domain} nor the address of newsletter.from"
        raise ServiceError(message, help=f"aws sesv2 create-email-identity --email-identity {domain}")

    @cached_property
    def configuration_set(self) -> dict[str, Any]:
        """SES GetConfigurationSet."""
        name = self.config.delivery.ses.configuration_set
        return self._ask(f"the configuration set {name}", "get_configuration_set", ConfigurationSetName=name)

    @cached_property
    def published_events(self) -> set[str]:
        """The kinds of events that the destinations which are switched on get."""
        name = self.config.delivery.ses.configuration_set
        what, call = f"the configuration set {name}", "get_configuration_set_event_destinations"
        answer = self._ask(what, call, ConfigurationSetName=name)
        on = (found for found in answer.get("EventDestinations", ()) if found.get("Enabled"))
        return {kind for found in on for kind in found.get("MatchingEventTypes", ())}


def identity(account: SesAccount) -> Finding:
    """Is the sender verified?"""
    name, found = account.identity
    if found.get("VerifiedForSendingStatus"):
        return ok(f"{name} is verified for sending")
    return fault(f"{name} is not verified yet", "publish the DKIM records below, then wait for SES")


def dkim(account: SesAccount) -> Finding:
    """Does SES sign with the sender's domain?"""
    name, found = account.identity
    signing = found.get("DkimAttributes", {})
    status = signing.get("Status", "NOT_STARTED")
    if status == "SUCCESS" and signing.get("SigningEnabled"):
        return ok(f"messages are signed as {name}")
    if status == "SUCCESS":
        message = f"signing is switched off for {name}"
        return fault(message, f"aws sesv2 put-email-identity-dkim-attributes --email-identity {name} --signing-enabled")
    zone = signing.get("SigningHostedZone") or "dkim.amazonses.com"
    records = [f"{token}._domainkey.{name} CNAME {token}.{zone}" for token in signing.get("Tokens", ())]
    return fault(
        f"DKIM of {name} is {status.lower().replace('_', ' ')}",
        "publish " + "; ".join(records) if records else f"aws sesv2 get-email-identity --email-identity {name}",
    )


def mail_from(account: SesAccount) -> Finding:
    """Do bounces come back to a name of the sender's domain, so that SPF is aligned?"""
    name, found = account.identity
    attributes = found.get("MailFromAttributes", {})
    domain, status = attributes.get("MailFromDomain"), attributes.get("MailFromDomainStatus")
    region = account.config.delivery.ses.region or "REGION"
    if not domain:
        return warning(
            "no custom MAIL FROM: SPF passes for amazonses.com, not for your domain",
            f"aws sesv2 put-email-identity-mail-from-attributes --email-identity {name} "
            f"--mail-from-domain bounce.{name}",
        )
    if status == "SUCCESS":
        return ok(f"bounces come back to {domain}")
    message = f"the MAIL FROM domain {domain} is {str(status).lower()}"
    return warning(message, f"publish {domain} MX 10 feedback-smtp.{region}.amazonses.com")


def quota(account: SesAccount) -> Finding:
    """May the account send, and is the day's quota large enough for the audience?"""
    answer = account.account
    limits = answer.get("SendQuota", {})
    most, sent = float(limits.get("Max24HourSend", 0)), float(limits.get("SentLast24Hours", 0))
    rate = float(limits.get("MaxSendRate", 0))
    if not answer.get("SendingEnabled", True):
        return fault("sending is paused for this account", "see the reputation dashboard of SES")
    health = str(answer.get("EnforcementStatus", "HEALTHY"))
    if health == "SHUTDOWN":
        return fault("AWS has stopped this account's sending", "answer AWS's letter in the support centre")
    free = int(most - sent) if most >= 0 else None  # -1: no limit
    says = f"{rate:g} a second, " + (f"{free:,} of {int(most):,} left today" if free is not None else "no daily limit")
    if health == "PROBATION":
        return warning(f"the account is under review; {says}", "answer AWS's letter in the support centre")
    readers = _readers(account.config)
    if free is not None and readers is not None and readers > most:
        days = -(-readers // max(int(most), 1))
        message = f"{readers:,} readers, {says}: a mailing takes {days} days"
        return warning(message, "ask for a higher sending quota in Service Quotas (SES)")
    return ok(says)


def sandbox(account: SesAccount) -> Finding:
    """May mail go to addresses that nobody verified?"""
    if account.account.get("ProductionAccessEnabled"):
        return ok("the account may mail anybody")
    return fault(
        "the account is in the sandbox: only verified addresses get mail, 200 a day",
        "aws sesv2 put-account-details --production-access-enabled --mail-type MARKETING --website-url "
        f"{account.config.newsletter.url} --use-case-description …",
    )


def configuration_set(account: SesAccount) -> Finding:
    """Is there a configuration set, and does it send?"""
    name = account.config.delivery.ses.configuration_set
    if not name:
        message = "delivery.ses.configuration_set is not set: nobody would hear of bounces and complaints"
        return fault(message, "deploy deploy/aws/email.yaml and name its configuration set in config.yaml")
    if not account.configuration_set.get("SendingOptions", {}).get("SendingEnabled", True):
        return fault(
            f"sending is paused for {name}",
            "aws sesv2 put-configuration-set-sending-options --sending-enabled --configuration-set-name " + name,
        )
    return ok(f"{name} is there and sends")


def events(account: SesAccount) -> Finding:
    """Do bounces and complaints come back to us?"""
    name = account.config.delivery.ses.configuration_set
    if not name:
        return skipped("there is no configuration set")
    if missing := sorted(NEEDED_EVENTS - account.published_events):
        message = f"{name} publishes no {' and '.join(kind.lower() for kind in missing)} events"
        return fault(message, "deploy deploy/aws/email.yaml, or add an event destination to the configuration set")
    if missing := sorted(SETTLING_EVENTS - account.published_events):
        names = ", ".join(kind.lower().replace("_", " ") for kind in missing)
        message = f"{name} publishes no {names} events: what is uncertain after a crash stays so"
        return warning(message, "add them to the event destination of the configuration set")
    if not (account.config.delivery.ses.events_queue or account.config.service.sns_topics):
        advice = "set delivery.ses.events_queue (for publisher events pull) or service.sns_topics in config.yaml"
        return warning("events are published, and nothing here reads them", advice)
    return ok("bounces, complaints and deliveries come back")


def tracking(account: SesAccount) -> Finding:
    """Are readers watched? Opens and clicks are off unless somebody switched them on."""
    if not account.config.delivery.ses.configuration_set:
        return skipped("there is no configuration set")
    if watched := sorted(WATCHING_EVENTS & account.published_events):
        names = " and ".join(kind.lower() + "s" for kind in watched)
        message = f"SES records {names}: it rewrites links or adds a pixel, and messages are no longer what was built"
        return warning(message, "take OPEN and CLICK out of the event destination")
    return ok("no opens, no clicks: links reach readers as they were written")


def _readers(config: Config) -> int | None:
    """Confirmed subscribers; None where no database answers."""
    try:
        with open_database(config).connect() as connection:
            return counts(connection)["confirmed"]
    except DatabaseError:
        return None


QUESTIONS = (identity, dkim, mail_from, quota, sandbox, configuration_set, events, tracking)
