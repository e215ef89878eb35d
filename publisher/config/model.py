"""config.yaml as a frozen value. All defaults are defined here."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from publisher.config.audience import AudienceConfig, as_audience
from publisher.config.plugins import known_channel, known_transport, transport_names
from publisher.config.theme import AuthorConfig, ThemeConfig
from publisher.config.values import (
    PLACES_IN_POSTS,
    ChannelName,
    DatabaseUrl,
    Duration,
    HttpUrl,
    Language,
    OneLine,
    PostText,
    RulePath,
    Section,
    Sender,
    SnsTopic,
    TimeZone,
    Tracking,
    WebUrl,
    ascii_domain,
    composed,
    sender_of,
)
from publisher.diagnostics import say
from publisher.documents import TextFile
from publisher.documents.validate import refuse

Level = Literal["off", "info", "warning", "error"]


class Newsletter(Section):
    """The publication."""

    name: OneLine = Field(description=say("The name that readers know"))
    language: Language = Field("en", description="BCP 47 tag; an issue can override it")
    timezone: TimeZone = Field("UTC", description="IANA name; applies to times without an offset")
    url: WebUrl = Field(description=say("Where the archive is served, ending in /"))
    from_: Sender = Field(alias="from", description=say("The sender, as Name <address>"))
    reply_to: Sender | None = Field(None, description="The address for replies")
    postal_address: str | None = Field(None, description="Required by law in bulk mail")
    description: str | None = Field(None, description="One sentence: what the newsletter is about")
    name_models: Literal["plain", "ai"] = Field("plain", description="ai: labels show a model's name as AI（name）")
    tracking: Tracking = Field("off", description="clicks: count clicks on links in mail, without identifying readers")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as a ZoneInfo."""
        return ZoneInfo(self.timezone)

    @property
    def sender(self) -> tuple[str, str]:
        """Display name and address of ``from``."""
        return sender_of(self.from_)

    @property
    def answers(self) -> str | None:
        """The address of ``reply_to``."""
        return sender_of(self.reply_to)[1] if self.reply_to else None

    @property
    def domain(self) -> str:
        """The domain of ``from``, in ASCII and lower case."""
        domain = self.sender[1].rpartition("@")[2].lower()
        try:
            return ascii_domain(domain)
        except UnicodeError:
            return domain


class FolderConfig(Section):
    """One file per message."""

    path: str = "outbox"


class SmtpConfig(Section):
    """An SMTP relay. The password comes from PUBLISHER_SMTP_PASSWORD."""

    host: str = "127.0.0.1"
    port: int = Field(1025, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    username: str | None = None
    timeout: float = Field(30.0, gt=0, description="Seconds to wait for a connection")
    reply_timeout: float = Field(300.0, gt=0, description="Seconds to wait for a reply before data (RFC 5321, 4.5.3.2)")
    data_timeout: float = Field(180.0, gt=0, description="Seconds to wait for a block of the data")
    final_timeout: float = Field(600.0, gt=0, description="Seconds to wait for the reply after the final dot")


class SesTransport(Section):
    """Amazon SES, API v2."""

    region: str | None = None
    configuration_set: str | None = None
    bulk: bool = True
    events_queue: str | None = Field(None, description="URL of the SQS queue that events pull reads")


class PostmarkConfig(Section):
    """Postmark's API. The token comes from PUBLISHER_POSTMARK_TOKEN."""

    stream: str = Field("broadcast", min_length=1, description="ID of the message stream, of type Broadcasts")


class DeliveryConfig(Section):
    """How messages are sent."""

    transport: Annotated[str, AfterValidator(known_transport)] = Field(
        "folder", json_schema_extra=lambda schema: schema.update(enum=[*transport_names()])
    )
    folder: FolderConfig = FolderConfig()
    smtp: SmtpConfig = SmtpConfig()
    ses: SesTransport = SesTransport()
    postmark: PostmarkConfig = PostmarkConfig()
    picture_bytes: int = Field(
        300_000, ge=10_000, description="Maximum bytes of a picture in mail; the archive has the original"
    )
    max_send_rate: float | None = Field(None, gt=0, description="Maximum number of recipients per second")

    @property
    def leaves(self) -> bool:
        """Whether mail leaves this machine."""
        return self.transport != "folder"


class Deploy(Section):
    """Where the archive is deployed."""

    to: Literal["folder", "s3"] = "folder"
    path: str | None = None
    bucket: str | None = None
    prefix: str = ""
    region: str | None = None
    distribution: str | None = Field(None, description="CloudFront distribution to invalidate")
    verify: Literal["auto", "url", "file", "none"] = Field(
        "auto", description="How publish verifies that a page is live: by its URL (auto: on s3) or the deployed file"
    )
    verify_timeout: Duration = Field(timedelta(minutes=3), description="How long publish waits for a page to be live")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.to == "s3" and not self.bucket:
            raise refuse(say("deploy.bucket is not set"), say("add deploy: {to: s3, bucket: …} to config.yaml"))
        return self


class ServiceConfig(Section):
    """The readers' web service."""

    url: WebUrl | None = Field(None, description="Its public address; unsubscribe and confirm links begin with it")
    sns_topics: tuple[SnsTopic, ...] = ()


class ReadingSpeed(Section):
    """How much is read per minute."""

    characters: int = Field(350, gt=0)
    words: int = Field(238, gt=0)


class PublishConfig(Section):
    """When a merged issue is published."""

    expires_after: Duration = Field(timedelta(hours=24), description="An issue later than this is reported, not sent")
    veto_window: Duration = Field(timedelta(0), description="How long publish waits after the merge")
    unmailed: list[str] = Field(default_factory=list, description="Issues to mail even though they are old")


class Feedback(Section):
    """How feedback changes the audience."""

    transient_bounces: int = Field(
        5, ge=1, description="Consecutive issues that bounce before an address is suppressed"
    )
    opens_and_clicks: bool = Field(
        False, description="Keep opens and clicks that the provider reports; false: discard them unread"
    )


class Alerts(Section):
    """Where tripwires are reported."""

    webhook: HttpUrl | None = Field(None, description="A secret; prefer PUBLISHER_ALERTS_WEBHOOK, which wins")


class ChannelConfig(Section):
    """Where issues are announced. The address is read from the environment only."""

    name: ChannelName = Field(description=say("The channel's name, in lower-case letters"), examples=["team"])
    via: Annotated[str, AfterValidator(known_channel)] = Field("apprise", description="apprise, or a plug-in")
    language: Language | None = Field(None, description="Announce only issues in this language")
    text: PostText = Field(
        "{summary}\n{url}", description="The post below the title; may use {title}, {summary}, {url}"
    )

    @property
    def variable(self) -> str:
        """The environment variable that holds the address."""
        return f"PUBLISHER_CHANNEL_{self.name.upper().replace('-', '_')}"

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with each placeholder replaced."""
        return PLACES_IN_POSTS.sub(lambda place: values[place[1]], self.text)


def _named_once(value: tuple[ChannelConfig, ...]) -> tuple[ChannelConfig, ...]:
    for at, one in enumerate(value):
        if one.name in {other.name for other in value[:at]}:
            raise refuse(say("two channels are named {name}", name=one.name), say("give each its own name"))
    return value


class Llm(Section):
    """An OpenAI-compatible endpoint that drafts key points. The key comes from PUBLISHER_LLM_API_KEY."""

    url: HttpUrl | None = None
    model: str | None = None


class Clip(Section):
    """The sizes of the email's HTML, in bytes, at which mail clients cut a message off."""

    decoded: int = Field(100_000, gt=0, description="As written; a larger issue is refused")
    encoded: int = Field(100_000, gt=0, description="As encoded for transport; a larger issue gets a warning")


class Checks(Section):
    """What is checked, and how strictly."""

    levels: dict[str, Level] = Field(default_factory=dict, description="Severity of findings, by code")
    rules: tuple[RulePath, ...] = Field((), description="Files with your own rules, such as rules/house.py")
    commentary: Literal["optional", "required"] = "optional"
    generated: Literal["optional", "required"] = Field(
        "optional", description="required: text by a model needs a reviewer before it is published"
    )
    allow_private_links: bool = False
    clip: Clip = Clip()


class Preview(Section):
    """The editors' preview."""

    editor: str = Field("vscode://file/{path}:{line}:{column}", description="Link that opens a file at a position")


class Config(Section):
    """All of config.yaml. ``root`` is its folder; ``rule_files`` are read with it."""

    newsletter: Newsletter
    database: DatabaseUrl = Field(
        "sqlite:///.publisher/publisher.db", description="sqlite:///… or postgresql://…; PUBLISHER_DATABASE_URL wins"
    )
    templates: str = Field("templates", description="Folder of your templates; the built-in ones if it does not exist")
    theme: ThemeConfig = ThemeConfig()
    authors: dict[OneLine, AuthorConfig] = Field(default_factory=dict, description="Picture and link by author's name")
    audience: Annotated[
        AudienceConfig, BeforeValidator(as_audience, json_schema_input_type=AudienceConfig | str | None)
    ] = Field(AudienceConfig(), description="The default audience of issues, and the attributes of subscribers")
    topics: dict[Annotated[str, AfterValidator(composed)], str] = Field(
        default_factory=dict, description="Topics that readers can choose: names, each with the text that readers see"
    )
    labels: dict[str, dict[str, str]] = Field(default_factory=dict, description="Custom texts by language, then name")
    reading_speed: ReadingSpeed = ReadingSpeed()
    delivery: DeliveryConfig = DeliveryConfig()
    deploy: Deploy = Deploy()
    service: ServiceConfig = ServiceConfig()
    publish: PublishConfig = PublishConfig()
    channels: Annotated[tuple[ChannelConfig, ...], AfterValidator(_named_once)] = Field(
        (), description="Where publish announces an issue once its mailing is complete"
    )
    feedback: Feedback = Feedback()
    alerts: Alerts = Alerts()
    checks: Checks = Checks()
    preview: Preview = Preview()
    llm: Llm = Llm()
    root: SkipJsonSchema[Annotated[Path, Field(exclude=True)]] = Path()
    rule_files: SkipJsonSchema[Annotated[tuple[TextFile, ...], Field(exclude=True)]] = ()

    @property
    def brand_files(self) -> tuple[str, ...]:
        """The files that theme and authors name, relative to the root."""
        font, portraits = self.theme.fonts.card, (author.picture for author in self.authors.values())
        fonts = (font,) if font and os.path.isfile(self.root / font) else ()  # noqa: PTH113 - a name may be too long
        return (*self.theme.files, *fonts, *filter(None, portraits))


def config_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of config.yaml, with a description of every key."""
    schema = Config.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "config.yaml"}
