"""Types of single values in config.yaml. Each validator raises with a message and an action, at the value's place."""

import os
import re
import unicodedata
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from publisher.diagnostics import Severity, define, listed, say
from publisher.documents.validate import canonical_language, refuse
from publisher.errors import PublisherError

DATABASE_PASSWORD = define("database-password", Severity.ERROR, fixed=True, secret=True)

SYSTEM_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Entries of a system's zone database that are not time zones or that differ from machine to machine."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts to which a secret may be sent without TLS."""
_IT = say("it")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)\s*([smhdw])")
_RULE_FILE = re.compile(r"(?:[^/\\]+/)*[a-z][a-z0-9_]*\.py")
_SENDER = re.compile(
    r"(?P<name>(?:[^<>@]|@(?![\w-]+\.))*)<(?P<address>[^<>\s]+)>|(?P<alone>[^<>()\s]+)(?:\s*\((?P<after>[^()]*)\))?"
)
TOPIC_ARN = re.compile(
    r"arn:(aws|aws-us-gov|aws-cn):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):(\d{12}):([A-Za-z0-9_-]{1,256})"
)
"""ARN of an SNS topic whose messages can be verified: partition, region, account, name."""
_ADDRESS = re.compile(r"[^@\s<>(),;:\"\[\]\\]+@[^@\s<>(),;:\"\[\]\\]+")


def composed(text: str) -> str:
    """Return the text in Unicode's form NFC, in which subscribers are stored: equal texts have equal code points."""
    return unicodedata.normalize("NFC", text)


def secret_url(variable: str, usual: str, raises: type[PublisherError]) -> str:
    """Return the URL that an environment variable gives, otherwise ``usual``, to which a secret is sent.

    Raises ``raises`` if it is not a URL of a host, or if the secret would go there without TLS.
    """
    url, advice = os.environ.get(variable) or usual, say("begin {name} with https://", name=variable)
    try:
        parts = urlsplit(url)
        if not parts.hostname or not url.isprintable() or parts.port == 0:  # a port that is no number raises
            raise ValueError
    except ValueError:
        raise raises(say("{name}: it is not a URL", name=variable), help=advice) from None
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        message = say("{name}: a secret would go to {host} in the clear", name=variable, host=parts.hostname)
        raise raises(message, help=advice)
    return url


class Section(BaseModel):
    """A section of config.yaml: unknown keys are rejected, instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


def _duration(value: Any) -> Any:
    """``30m``, ``24h``, ``2d``, ``1d 12h``; a bare ``0``."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if text == "0":
        return timedelta(0)
    if not text or _DURATION.sub("", text).strip():
        message = say("{value!r} is not a length of time", value=value)
        raise refuse(message, say("write a number and s, m, h, d or w, such as 24h"))
    try:
        return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)))
    except (OverflowError, ValueError):
        message = say("{value!r} is too long a time", value=value)
        raise refuse(message, say("write a shorter one, such as 24h")) from None


def ascii_domain(domain: str) -> str:
    """Return a domain in A-labels, as browsers and mail servers do (IDNA 2008: ß is not ss). Raises UnicodeError."""
    if domain.isascii():
        return domain
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:  # a symbol, which only IDNA 2003 allows
        return domain.encode("idna").decode()


def ascii_url(url: str) -> str:
    """Return a URL of a host and a path in ASCII. Raises UnicodeError."""
    parts = urlsplit(url)
    host, colon, port = parts.netloc.partition(":")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((parts.scheme, ascii_domain(host) + colon + port, path, "", ""))


def _http_url(value: str) -> str:
    """An http or https URL."""
    try:
        parts = urlsplit(value.strip())
        host, _ = ascii_domain(parts.hostname or ""), parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", value.strip()):
        message = say("the URL has to begin with https:// or http:// and name a host")
        named = re.fullmatch(r"[\w-]+(?:\.[\w-]+)+(?:/\S*)?", value.strip())
        raise refuse(message, say("write {words}", words=f"https://{named[0] if named else 'example.com/'}"))
    return value.strip()


def _web_url(value: str) -> str:
    """An http or https URL of a host and a path, ending in ``/``."""
    parts = urlsplit(value := _http_url(value))
    if parts.query or parts.fragment or parts.username or parts.password:
        message = say("the URL can hold a host and a path only")
        raise refuse(message, say("write {scheme}://{host}/", scheme=parts.scheme, host=parts.hostname))
    return value.rstrip("/") + "/"


def _sender(value: str) -> str:
    """``Name <address>`` or just an address."""
    if re.search(r"[\r\n]", value):
        raise refuse(say("the sender has to be one line"), say("write Name <address@example.com>"))
    if not _ADDRESS.fullmatch(sender_of(value)[1]):
        raise refuse(say("it has to be a name and one address"), say("write Name <address@example.com>"))
    return value.strip()


def sender_of(value: str) -> tuple[str, str]:
    """Name and address of ``Name <address>``, ``address`` or ``address (Name)``; both empty for anything else."""
    match = _SENDER.fullmatch(value.strip())
    if match is None:
        return "", ""
    name = (match["name"] or match["after"] or "").strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, match["address"] or match["alone"]


_OFFSET = re.compile(r"(?:utc|gmt)?_?(?P<sign>[+-])_?0?(?P<hours>\d{1,2})(?::?00)?")


def _timezone(value: str) -> str:
    try:
        if value in SYSTEM_ZONES:
            raise ValueError(value)
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # OSError: the name is a folder of the zone database, such as "Asia"
        zones, wanted = available_timezones() - SYSTEM_ZONES, value.strip().lower().replace(" ", "_")
        near = [zone for zone in zones if wanted in {zone.lower(), zone.rpartition("/")[2].lower()}]
        advice = say("write an IANA name, such as Asia/Shanghai or UTC")
        advice = say("write {words}", words=min(near)) if near else advice
        if (found := _OFFSET.fullmatch(wanted)) and int(found["hours"]) in range(1, 13):
            zone = f"Etc/GMT{'-' if found['sign'] == '+' else '+'}{int(found['hours'])}"
            advice = say(
                "write the zone of a city there, in the form Asia/Shanghai, or {zone}: its sign is the other way round",
                zone=zone,
            )
        raise refuse(say("there is no time zone {value!r}", value=value), advice) from None
    return value


def _database(value: str) -> str:
    try:
        parts = urlsplit(value)
        password = parts.password or parse_qs(parts.query).get("password")
    except ValueError:
        raise refuse(say("the database URL cannot be read"), say("write sqlite:///.publisher/publisher.db")) from None
    if password:
        ways = say("set PUBLISHER_DATABASE_URL to this URL instead, delete the line, and change the password")
        raise refuse(say("config.yaml contains a password"), ways, DATABASE_PASSWORD)
    if parts.scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        message = say("no database is reached with {scheme}", scheme=parts.scheme or say("no scheme"))
        raise refuse(message, say("write sqlite:///PATH or postgresql://HOST/NAME"))
    return value


def _rule_path(value: str) -> str:
    """A file below the root, so that only code in the repository is run."""
    if not _RULE_FILE.fullmatch(value) or ".." in value.split("/"):
        message = say("{value!r} is not a rule file below config.yaml", value=value[:80])
        raise refuse(message, say("write a path such as {path}", path="rules/house.py"))
    return value


def _one_line(value: str) -> str:
    if not value.strip():
        raise refuse(say("{it} is empty", it=_IT), say("write it, or delete the key"))
    if "\n" in value.strip():
        raise refuse(say("{it} has to be one line", it=_IT), say("join the lines"))
    return value.strip()


def _channel_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value) or len(value) > 40:
        message = say("{value!r} is not the name of a channel", value=value[:80])
        raise refuse(message, say("write small letters, digits and hyphens, such as {path}", path="team"))
    return value


def _topic(value: str) -> str:
    if not TOPIC_ARN.fullmatch(value.strip()):
        message = say("{value!r} is not the ARN of an SNS topic: no event would be believed", value=value[:80])
        raise refuse(message, say("write it as SNS shows it: arn:aws:sns:REGION:ACCOUNT:NAME"))
    return value.strip()


def _post(value: str) -> str:
    if strange := [name for name in PLACES_IN_POSTS.findall(value) if name not in POST_NAMES]:
        message = say("{place} is not filled in here: readers would see it as it is", place=f"{{{strange[0]}}}")
        raise refuse(message, say("write {words}", words=listed(f"{{{name}}}" for name in POST_NAMES)))
    return value


PLACES_IN_POSTS = re.compile(r"\{(\w+)\}")
POST_NAMES = ("title", "summary", "url", "newsletter")
ChannelName = Annotated[str, AfterValidator(_channel_name)]
SnsTopic = Annotated[str, AfterValidator(_topic)]
PostText = Annotated[str, AfterValidator(_post)]
_LENGTH = {"type": ["string", "integer"], "examples": ["24h", "30m", "2d"], "pattern": r"^(0|(\d+\s*[smhdw]\s*)+)$"}
Duration = Annotated[timedelta, BeforeValidator(_duration), WithJsonSchema(_LENGTH)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
Sender = Annotated[str, AfterValidator(_sender)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Tracking = Annotated[
    Literal["off", "clicks"],
    BeforeValidator(lambda value: "off" if str(value).lower() == "false" else value),  # YAML 1.1 reads off as false
]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
RulePath = Annotated[str, AfterValidator(_rule_path)]
OneLine = Annotated[str, AfterValidator(_one_line)]
Language = Annotated[str, AfterValidator(canonical_language)]
