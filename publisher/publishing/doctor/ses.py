"""Amazon SES: identity, DKIM, MAIL FROM, quota, sandbox, configuration set, events, tracking.

Rules from the SES developer guide: "Verified identities", "Easy DKIM", "Custom MAIL FROM", "Moving out of the
sandbox", "Event publishing".
"""

from __future__ import annotations

from publisher.publishing.doctor.model import Finding, fault, ok, skipped, warning
from publisher.publishing.doctor.world import World

NEEDED_EVENTS = {"BOUNCE", "COMPLAINT"}
SETTLING_EVENTS = {"SEND", "DELIVERY", "RENDERING_FAILURE"}
WATCHING_EVENTS = {"OPEN", "CLICK"}


def identity(world: World) -> Finding:
    """Is the sender verified?"""
    name, found = world.identity
    if found.get("VerifiedForSendingStatus"):
        return ok("identity", f"{name} is verified for sending")
    return fault("identity", f"{name} is not verified yet", "publish the DKIM records below, then wait for SES")


def dkim(world: World) -> Finding:
    """Does SES sign with the sender's domain?"""
    name, found = world.identity
    signing = found.get("DkimAttributes", {})
    status = signing.get("Status", "NOT_STARTED")
    if status == "SUCCESS" and signing.get("SigningEnabled"):
        return ok("dkim", f"messages are signed as {name}")
    if status == "SUCCESS":
        return fault(
            "dkim",
            f"signing is switched off for {name}",
            f"aws sesv2 put-email-identity-dkim-attributes --email-identity {name} --signing-enabled",
        )
    zone = signing.get("SigningHostedZone") or "dkim.amazonses.com"
    records = [f"{token}._domainkey.{name} CNAME {token}.{zone}" for token in signing.get("Tokens", ())]
    return fault(
        "dkim",
        f"DKIM of {name} is {status.lower().replace('_', ' ')}",
        "publish " + "; ".join(records) if records else f"aws sesv2 get-email-identity --email-identity {name}",
    )


def mail_from(world: World) -> Finding:
    """Do bounces come back to a name of the sender's domain, so that SPF is aligned?"""
    name, found = world.identity
    attributes = found.get("MailFromAttributes", {})
    domain, status = attributes.get("MailFromDomain"), attributes.get("MailFromDomainStatus")
    region = world.config.delivery.ses.region or "REGION"
    if not domain:
        return warning(
            "mail-from",
            "no custom MAIL FROM: SPF passes for amazonses.com, not for your domain",
            f"aws sesv2 put-email-identity-mail-from-attributes --email-identity {name} "
            f"--mail-from-domain bounce.{name}",
        )
    if status == "SUCCESS":
        return ok("mail-from", f"bounces come back to {domain}")
    return warning(
        "mail-from",
        f"the MAIL FROM domain {domain} is {str(status).lower()}",
        f"publish {domain} MX 10 feedback-smtp.{region}.amazonses.com",
    )


def quota(world: World) -> Finding:
    """May the account send, and is the day's quota large enough for the audience?"""
    account = world.account
    limits = account.get("SendQuota", {})
    most, sent = float(limits.get("Max24HourSend", 0)), float(limits.get("SentLast24Hours", 0))
    rate = float(limits.get("MaxSendRate", 0))
    if not account.get("SendingEnabled", True):
        return fault("quota", "sending is paused for this account", "see the reputation dashboard of SES")
    health = str(account.get("EnforcementStatus", "HEALTHY"))
    if health == "SHUTDOWN":
        return fault("quota", "AWS has stopped this account's sending", "answer AWS's letter in the support centre")
    free = int(most - sent) if most >= 0 else None  # -1: no limit
    says = f"{rate:g} a second, " + (f"{free:,} of {int(most):,} left today" if free is not None else "no daily limit")
    if health == "PROBATION":
        return warning("quota", f"the account is under review; {says}", "answer AWS's letter in the support centre")
    readers = _readers(world)
    if free is not None and readers is not None and readers > most:
        days = -(-readers // max(int(most), 1))
        return warning(
            "quota",
            f"{readers:,} readers, {says}: a mailing takes {days} days",
            "ask for a higher sending quota in Service Quotas (SES)",
        )
    return ok("quota", says)


def sandbox(world: World) -> Finding:
    """May mail go to addresses that nobody verified?"""
    if world.account.get("ProductionAccessEnabled"):
        return ok("sandbox", "the account may mail anybody")
    return fault(
        "sandbox",
        "the account is in the sandbox: only verified addresses get mail, 200 a day",
        "aws sesv2 put-account-details --production-access-enabled --mail-type MARKETING --website-url "
        f"{world.config.newsletter.url} --use-case-description …",
    )


def configuration_set(world: World) -> Finding:
    """Is there a configuration set, and does it send?"""
    name = world.config.delivery.ses.configuration_set
    if not name:
        return fault(
            "configuration-set",
            "delivery.ses.configuration_set is not set: nobody would hear of bounces and complaints",
            "deploy deploy/aws/email.yaml and name its configuration set in config.yaml",
        )
    if not world.configuration_set.get("SendingOptions", {}).get("SendingEnabled", True):
        return fault(
            "configuration-set",
            f"sending is paused for {name}",
            "aws sesv2 put-configuration-set-sending-options --sending-enabled --configuration-set-name " + name,
        )
    return ok("configuration-set", f"{name} is there and sends")


def events(world: World) -> Finding:
    """Do bounces and complaints come back to us?"""
    name = world.config.delivery.ses.configuration_set
    if not name:
        return skipped("events", "there is no configuration set")
    kinds = {kind for found in world.event_destinations for kind in found.get("MatchingEventTypes", ())}
    if missing := sorted(NEEDED_EVENTS - kinds):
        return fault(
            "events",
            f"{name} publishes no {' and '.join(kind.lower() for kind in missing)} events",
            "deploy deploy/aws/email.yaml, or add an event destination to the configuration set",
        )
    if missing := sorted(SETTLING_EVENTS - kinds):
        names = ", ".join(kind.lower().replace("_", " ") for kind in missing)
        return warning(
            "events",
            f"{name} publishes no {names} events: what is uncertain after a crash stays so",
            "add them to the event destination of the configuration set",
        )
    if not (world.config.delivery.ses.events_queue or world.config.service.sns_topics):
        return warning(
            "events",
            "events are published, and nothing here reads them",
            "set delivery.ses.events_queue (for publisher events pull) or service.sns_topics in config.yaml",
        )
    return ok("events", "bounces, complaints and deliveries come back")


def tracking(world: World) -> Finding:
    """Are readers watched? Opens and clicks are off unless somebody switched them on."""
    if not world.config.delivery.ses.configuration_set:
        return skipped("tracking", "there is no configuration set")
    kinds = {kind for found in world.event_destinations for kind in found.get("MatchingEventTypes", ())}
    if watched := sorted(WATCHING_EVENTS & kinds):
        names = " and ".join(kind.lower() + "s" for kind in watched)
        return warning(
            "tracking",
            f"SES records {names}: it rewrites links or adds a pixel, and messages are no longer what was built",
            "take OPEN and CLICK out of the event destination",
        )
    return ok("tracking", "no opens, no clicks: links reach readers as they were written")


def _readers(world: World) -> int | None:
    """Confirmed subscribers; None where no database answers."""
    from sqlalchemy import func, select

    from publisher.audience.tables import subscribers
    from publisher.database import open_database
    from publisher.errors import DatabaseError

    try:
        with open_database(world.config).connect() as connection:
            found = select(func.count()).select_from(subscribers).where(subscribers.c.state == "confirmed")
            return int(connection.execute(found).scalar_one())
    except DatabaseError:
        return None
