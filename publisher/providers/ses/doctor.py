"""Checks of Amazon SES: identity, DKIM, MAIL FROM, quota, sandbox, configuration set, events, tracking.

Rules from the SES developer guide: "Verified identities", "Easy DKIM", "Custom MAIL FROM", "Moving out of the
sandbox", "Event publishing".
"""

from functools import cached_property
from threading import RLock
from typing import Any

from publisher.audience.store import counts
from publisher.config.model import Config
from publisher.database import open_database
from publisher.diagnostics import listed, say
from publisher.errors import DatabaseError, ServiceError
from publisher.providers.provider import PATIENCE, Finding, fault, ok, skipped, warning
from publisher.providers.ses.aws import call, client

NEEDED_EVENTS = {"BOUNCE", "COMPLAINT"}
SETTLING_EVENTS = {"SEND", "DELIVERY", "RENDERING_FAILURE"}
WATCHING_EVENTS = {"OPEN", "CLICK"}


class SesAccount:
    """Answers of the SES API, each requested once. Every property raises ServiceError."""

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
        """The answer of GetAccount."""
        return self._ask(say("the SES account"), "get_account")

    @cached_property
    def identity(self) -> tuple[str, dict[str, Any]]:
        """The verified identity that covers the sender, and the answer of GetEmailIdentity.

        The identity may be the sender's address, its domain, or a parent domain.
        """
        address, domain = self.config.newsletter.sender[1], self.config.newsletter.domain
        labels = domain.split(".")
        names = [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))]
        for name in (address, *names):
            try:
                return name, self._ask(say("the identity"), "get_email_identity", EmailIdentity=name)
            except ServiceError as error:
                if "NotFoundException" not in error.message:
                    raise
        message = say("SES knows neither {domain} nor the address of newsletter.from", domain=domain)
        raise ServiceError(message, help=f"aws sesv2 create-email-identity --email-identity {domain}")

    @cached_property
    def configuration_set(self) -> dict[str, Any]:
        """The answer of GetConfigurationSet."""
        return self._of_set("get_configuration_set")

    @cached_property
    def published_events(self) -> set[str]:
        """The event types that the enabled event destinations receive."""
        answer = self._of_set("get_configuration_set_event_destinations")
        on = (found for found in answer.get("EventDestinations", ()) if found.get("Enabled"))
        return {kind for found in on for kind in found.get("MatchingEventTypes", ())}

    def _of_set(self, method: str) -> dict[str, Any]:
        name = self.config.delivery.ses.configuration_set
        try:
            return self._ask(say("the configuration set {name}", name=name), method, ConfigurationSetName=name)
        except ServiceError as error:
            if "NotFoundException" not in error.message:
                raise
            advice = f"aws sesv2 create-configuration-set --configuration-set-name {name}"
            raise ServiceError(say("SES knows no configuration set {name}", name=name), help=advice) from error


def identity(account: SesAccount) -> Finding:
    """Check that the sender is verified."""
    name, found = account.identity
    if found.get("VerifiedForSendingStatus"):
        return ok(say("{name} is verified for sending", name=name))
    return fault(say("{name} is not verified yet", name=name), say("publish the DKIM records below, then wait for SES"))


def dkim(account: SesAccount) -> Finding:
    """Check that SES signs with the sender's domain."""
    name, found = account.identity
    signing = found.get("DkimAttributes", {})
    status = signing.get("Status", "NOT_STARTED")
    if status == "SUCCESS" and signing.get("SigningEnabled"):
        return ok(say("messages are signed as {domain}", domain=name))
    if status == "SUCCESS":
        message = say("signing is switched off for {name}", name=name)
        return fault(message, f"aws sesv2 put-email-identity-dkim-attributes --email-identity {name} --signing-enabled")
    zone = signing.get("SigningHostedZone") or "dkim.amazonses.com"
    records = [f"{token}._domainkey.{name} CNAME {token}.{zone}" for token in signing.get("Tokens", ())]
    return fault(
        say("DKIM of {name} is {status}", name=name, status=status.lower().replace("_", " ")),
        say("publish {records}", records="; ".join(records))
        if records
        else f"aws sesv2 get-email-identity --email-identity {name}",
    )


def mail_from(account: SesAccount) -> Finding:
    """Check that a custom MAIL FROM domain is set and verified, which aligns SPF with the sender's domain."""
    name, found = account.identity
    attributes = found.get("MailFromAttributes", {})
    domain, status = attributes.get("MailFromDomain"), attributes.get("MailFromDomainStatus")
    region = account.config.delivery.ses.region or "REGION"
    if not domain:
        return warning(
            say("no custom MAIL FROM: SPF passes for amazonses.com, not for your domain"),
            f"aws sesv2 put-email-identity-mail-from-attributes --email-identity {name} "
            f"--mail-from-domain bounce.{name}",
        )
    if status == "SUCCESS":
        return ok(say("bounces come back to {domain}", domain=domain))
    message = say("the MAIL FROM domain {domain} is {status}", domain=domain, status=str(status).lower())
    advice = say("publish {domain} MX 10 feedback-smtp.{region}.amazonses.com", domain=domain, region=region)
    return warning(message, advice)


def quota(account: SesAccount) -> Finding:
    """Check that the account may send and that the daily quota is large enough for the audience."""
    answer = account.account
    limits = answer.get("SendQuota", {})
    most, sent = float(limits.get("Max24HourSend", 0)), float(limits.get("SentLast24Hours", 0))
    rate = float(limits.get("MaxSendRate", 0))
    if not answer.get("SendingEnabled", True):
        return fault(say("sending is paused for this account"), say("see the reputation dashboard of SES"))
    health = str(answer.get("EnforcementStatus", "HEALTHY"))
    if health == "SHUTDOWN":
        return fault(say("AWS has stopped this account's sending"), say("answer AWS's letter in the support centre"))
    free = int(most - sent) if most >= 0 else None  # -1: no limit
    left = say("no daily limit") if free is None else say("{free:,} of {most:,} left today", free=free, most=int(most))
    says = say("{rate:g} a second, {left}", rate=rate, left=left)
    if health == "PROBATION":
        advice = say("answer AWS's letter in the support centre")
        return warning(say("the account is under review; {says}", says=says), advice)
    readers = _readers(account.config)
    if free is not None and readers is not None and readers > most:
        days = -(-readers // max(int(most), 1))
        message = say("{readers:,} readers, {says}: a mailing takes {days} days", readers=readers, says=says, days=days)
        return warning(message, say("ask for a higher sending quota in Service Quotas (SES)"))
    return ok(says)


def sandbox(account: SesAccount) -> Finding:
    """Check that the account is out of the sandbox, which only mails verified addresses."""
    if account.account.get("ProductionAccessEnabled"):
        return ok(say("the account may mail anybody"))
    return fault(
        say("the account is in the sandbox: only verified addresses get mail, 200 a day"),
        "aws sesv2 put-account-details --production-access-enabled --mail-type MARKETING --website-url "
        f"{account.config.newsletter.url} --use-case-description …",
    )


def configuration_set(account: SesAccount) -> Finding:
    """Check that there is a configuration set and that sending is enabled for it."""
    name = account.config.delivery.ses.configuration_set
    if not name:
        message = say("delivery.ses.configuration_set is not set: nobody would hear of bounces and complaints")
        return fault(message, say("deploy deploy/aws/email.yaml and name its configuration set in config.yaml"))
    if not account.configuration_set.get("SendingOptions", {}).get("SendingEnabled", True):
        advice = "aws sesv2 put-configuration-set-sending-options --sending-enabled --configuration-set-name " + name
        return fault(say("sending is paused for {name}", name=name), advice)
    return ok(say("{name} is there and sends", name=name))


def events(account: SesAccount) -> Finding:
    """Check that bounces and complaints are published and read here."""
    name = account.config.delivery.ses.configuration_set
    if not name:
        return skipped(say("there is no configuration set"))
    if missing := sorted(NEEDED_EVENTS - account.published_events):
        kinds = listed((kind.lower() for kind in missing), say("{one} and {other}"))
        message = say("{name} publishes no {kinds} events", name=name, kinds=kinds)
        return fault(message, say("deploy deploy/aws/email.yaml, or add an event destination to the configuration set"))
    if missing := sorted(SETTLING_EVENTS - account.published_events):
        kinds = listed(kind.lower().replace("_", " ") for kind in missing)
        told = say("{name} publishes no {kinds} events", name=name, kinds=kinds)
        message = say("{told}: what is uncertain after a crash stays so", told=told)
        return warning(message, say("add them to the event destination of the configuration set"))
    if not (account.config.delivery.ses.events_queue or account.config.service.sns_topics):
        advice = say("set delivery.ses.events_queue (for publisher events pull) or service.sns_topics in config.yaml")
        return warning(say("events are published, and nothing here reads them"), advice)
    return ok(say("bounces, complaints and deliveries come back"))


def tracking(account: SesAccount) -> Finding:
    """Check that opens and clicks are not recorded."""
    if not account.config.delivery.ses.configuration_set:
        return skipped(say("there is no configuration set"))
    if watched := sorted(WATCHING_EVENTS & account.published_events):
        kinds = listed((kind.lower() + "s" for kind in watched), say("{one} and {other}"))
        told = say("SES records {kinds}", kinds=kinds)
        message = say("{told}: it rewrites links or adds a pixel, and messages are no longer what was built", told=told)
        return warning(message, say("take OPEN and CLICK out of the event destination"))
    return ok(say("no opens, no clicks: links reach readers as they were written"))


def _readers(config: Config) -> int | None:
    """Return the number of confirmed subscribers; None if the database cannot be opened."""
    try:
        with open_database(config).connect() as connection:
            return counts(connection)["confirmed"]
    except DatabaseError:
        return None


QUESTIONS = (identity, dkim, mail_from, quota, sandbox, configuration_set, events, tracking)
