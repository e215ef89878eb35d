"""Models of issue.yaml and items as written by editors, for validation and the JSON Schemas of ``publisher schema``."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from publisher.config.segments import checked_audience
from publisher.config.values import Duration
from publisher.diagnostics import say
from publisher.issue.model import Grade
from publisher.issue.values import (
    AltText,
    Anchor,
    BodyText,
    Day,
    ImagePath,
    Language,
    LocalTime,
    Moment,
    Number,
    ProseText,
    Some,
    Tags,
    Text,
    Texts,
    Url,
    as_key_points,
    as_named_sources,
    as_origins,
    as_picture,
    as_source,
    as_sources,
    as_sponsor,
)


class Raw(BaseModel):
    """Base model; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class RawPicture(Raw):
    """Picture with alternative text, caption and credit."""

    image: ImagePath = Field(
        description=say("The picture's path from the issue's folder"), examples=["images/cover.jpg"]
    )
    alt: AltText = Field(description=say("What the picture shows, for readers who do not see it"))
    caption: Text | None = Field(None, description="The line below the picture")
    credit: Text | None = Field(None, description="Who made the picture")


class RawSource(Raw):
    """Source of a story."""

    name: Text = Field(description=say("What readers know the source by"), examples=["OpenAI"])
    url: Url | None = Field(None, description="The address of the original", examples=["https://openai.com/index/…"])


class RawSponsor(Raw):
    """Sponsor of an item."""

    by: Text | None = Field(None, description="The sponsor's name; readers are told", examples=["Example Cloud"])
    url: Url | None = Field(None, description="The sponsor's address")


class RawOrigin(Raw):
    """Model that wrote a text, how it contributed, and who reviewed the text."""

    by: Text = Field(description=say("The model's name; readers are told"), examples=["gpt-4o"])
    grade: Grade = Field(Grade.DRAFTED, description="What the model did: drafted, summarised, translated or assisted")
    reviewed_by: Texts | None = Field(None, description="Who reviewed the text and answers for it", examples=["李明"])
    sources: Annotated[
        list[RawSource] | None,
        BeforeValidator(as_named_sources, json_schema_input_type=str | RawSource | list[str | RawSource]),
    ] = Field(None, description="What the model was given: names, addresses, or {name, url}")


class RawWechat(Raw):
    """Texts for a 公众号 (WeChat official account)."""

    title: Text | None = Field(None, description="At most 32 characters; the title where it is left out")
    author: Text | None = Field(None, description="At most 16 characters; the first author where it is left out")
    digest: Text | None = Field(None, description="At most 128 characters; the preheader where it is left out")


ItemPart = Literal["headline", "body", "commentary"]
IssuePart = Literal["intro", "key_points"]


class RawKeyPoints(Raw):
    """Key points with their provenance."""

    points: Annotated[list[ProseText], Some] = Field(description=say("One sentence each, inline Markdown"))
    generated_by: Text | None = Field(None, description="The model that drafted the points; readers are told")


_NEEDS: dict[str, Any] = {
    "required": [],
    "allOf": [
        {"if": {"properties": {"kind": {"enum": kinds}}, **others}, "then": {"required": needed}}
        for kinds, others, needed in (
            (["story", "brief"], {}, ["headline", "body"]),
            (["quote", "links"], {"required": ["kind"]}, ["body"]),
            (["picture"], {"required": ["kind"]}, ["image"]),
        )
    ],
}
"""JSON Schema for YAML editors: the required keys of an item depend on its kind."""


class RawItem(Raw):
    """One story."""

    model_config = ConfigDict(json_schema_extra=_NEEDS)

    kind: Literal["story", "brief", "quote", "links", "picture"] = Field(
        "story", description="What it is; a quote, a list of links and a picture need no headline, a picture no body"
    )
    headline: Text = Field(description=say("What the story is, in one line"), examples=["OpenAI 计划重组公司结构"])
    body: BodyText = Field(description=say("The story, Markdown"))
    commentary: ProseText | None = Field(None, description="The editors' view, Markdown; shown under a label")
    commentary_by: Text | None = Field(None, description="Whose view it is")
    source: Annotated[
        list[Annotated[RawSource, BeforeValidator(as_source, json_schema_input_type=RawSource)]] | None,
        BeforeValidator(as_sources, json_schema_input_type=RawSource | list[RawSource]),
    ] = Field(
        None,
        description="Where the story comes from: {name, url}, or a list of them",
        json_schema_extra={"examples": [{"name": "OpenAI", "url": "https://openai.com/"}]},
    )
    image: Annotated[RawPicture | None, BeforeValidator(as_picture, json_schema_input_type=RawPicture)] = Field(
        None, description="A picture for the story: {image, alt}"
    )
    tags: Tags | None = Field(None, description="What the story is about", examples=[["ai", "chips"]])
    sponsored: Annotated[RawSponsor | None, BeforeValidator(as_sponsor, json_schema_input_type=bool | RawSponsor)] = (
        Field(None, description="Whether a sponsor pays for the item: true, or {by, url}; readers are told")
    )
    section: Text | None = Field(None, description="The group of items that the story belongs to")
    only: Annotated[Text, AfterValidator(checked_audience)] | None = Field(
        None, description="Which readers get the item, such as topic:ai and city:Berlin; the others an edition without"
    )
    generated: Annotated[
        dict[str, RawOrigin] | None,
        BeforeValidator(as_origins(ItemPart), json_schema_input_type=RawOrigin | dict[ItemPart, RawOrigin]),
    ] = Field(None, description="What a model wrote of it: {by, grade, reviewed_by, sources}, or that by part")
    anchor: Anchor | None = Field(
        None,
        description="The story's own part of the page's address; made from the file's name",
        examples=["openai-pbc"],
    )


class RawAside(RawItem):
    """Quote or list of links: the headline is optional."""

    headline: Text = ""


class RawPlate(RawAside):
    """Picture without text."""

    body: BodyText = ""
    image: Annotated[RawPicture | None, BeforeValidator(as_picture)]


MODELS: dict[str, type[RawItem]] = {"quote": RawAside, "links": RawAside, "picture": RawPlate}
"""Models by kind of item; for other kinds :class:`RawItem`."""


class RawIssue(Raw):
    """One issue of the newsletter."""

    title: Text = Field(
        description=say("The heading of the page and of the message"), examples=["AI 周报|OpenAI 重组；DeepSeek-V3"]
    )
    subtitle: Text | None = Field(None, description="One or two sentences under the title")
    date: Day = Field(description=say("The day of the issue"), examples=["2024-12-29"])
    number: Number | None = Field(None, description="The number of the issue", examples=[52])
    language: Language | None = Field(
        None, description="A BCP 47 tag; newsletter.language where it is left out", examples=["zh-CN"]
    )
    subject: Text | None = Field(None, description="The subject of the message; the title where it is left out")
    preheader: Text | None = Field(
        None, description="The inbox's second line; made from the first key points where it is left out"
    )
    status: Literal["draft", "ready"] = Field(
        "draft", description="A draft is built with --drafts only, and never sent"
    )
    publish_at: Moment | None = Field(
        None,
        description="When to publish; without an offset in newsletter.timezone",
        examples=["2024-12-29T08:00:00+08:00"],
    )
    deliver_at: LocalTime | None = Field(
        None, description="When each reader gets it on its day, in their own time zone", examples=["08:00 local"]
    )
    authors: Texts | None = Field(
        None, description="Who wrote the issue; shown under the title", examples=[["第一编辑部"]]
    )
    tags: Tags | None = Field(None, description="What the issue is about", examples=[["ai", "weekly"]])
    cover: Annotated[RawPicture | None, BeforeValidator(as_picture, json_schema_input_type=RawPicture)] = Field(
        None, description="The picture above the items: {image, alt}"
    )
    intro: ProseText | None = Field(None, description="Words before the items, Markdown")
    key_points: Annotated[
        RawKeyPoints | None,
        BeforeValidator(as_key_points, json_schema_input_type=RawKeyPoints | list[ProseText]),
    ] = Field(None, description="What matters, in a box above the items: a list, or {points, generated_by}")
    attribution: ProseText | None = Field(None, description="The closing line, inline Markdown")
    audience: Annotated[Text, AfterValidator(checked_audience)] | None = Field(
        None, description="Which subscribers get the issue, such as topic:weekly"
    )
    translation_of: Text | None = Field(
        None, description="The slug of the issue that this one translates", examples=["2024-12-29-ai-weekly"]
    )
    generated: Annotated[
        dict[str, RawOrigin] | None,
        BeforeValidator(as_origins(IssuePart), json_schema_input_type=RawOrigin | dict[IssuePart, RawOrigin]),
    ] = Field(None, description="What a model wrote: {by, grade, reviewed_by, sources} of the issue, or by part")
    overflow: Literal["web"] | None = Field(
        None, description="Of an issue too long for mail, the email ends after an item and leads on to the web page"
    )
    wechat: RawWechat | None = Field(None, description="What publisher wechat calls the issue: {title, author, digest}")
    items: Annotated[
        list[Any] | None,  # validated separately by the loader
        BeforeValidator(lambda value: value, json_schema_input_type=list[str | RawItem]),
    ] = Field(None, description="The order of the item files, whole items, or both; else all files by name")


def _without(model: type[RawIssue], *names: str) -> Any:
    """Field definitions that remove keys: the fields stay in the model, with an alias that cannot be written."""
    return {
        name: (Any, Field(model.model_fields[name].get_default(), alias=f"\0{name}", exclude=True)) for name in names
    }


class _RawStep(RawIssue):
    """Step of a series, as a folder."""

    date: Day = date.min
    after: Duration = Field(
        description=say("How long after a reader's start it is sent: 0, 90m, 12h, 3d or 1w"), examples=["3d"]
    )


RawStep: type[_RawStep] = create_model(
    "RawStep",
    __base__=_RawStep,
    **_without(_RawStep, "date", "number", "publish_at", "deliver_at", "translation_of", "overflow", "wechat"),
)
"""A step has neither a date nor a page."""
RawTextStep: type[_RawStep] = create_model(
    "RawTextStep",
    __base__=RawStep,
    **_without(
        RawStep, "subtitle", "authors", "tags", "cover", "intro", "key_points", "attribution", "generated", "items"
    ),
)
"""Front matter of a step in a single file."""


def issue_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of issue.yaml."""
    return _schema(RawIssue, "issue.yaml")


def item_schema() -> dict[str, Any]:
    """The JSON Schema of a YAML item. In Markdown, ``body`` and ``commentary`` may follow the front matter."""
    return _schema(RawItem, "An item")


def step_schema(*, folder: bool) -> dict[str, Any]:
    """The JSON Schema of a step: of issue.yaml in its folder, or of the front matter of its file."""
    return _schema(RawStep if folder else RawTextStep, "A step of a series")


def _schema(model: type[Raw], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_tidy(schema), "title": title}


def _tidy(node: Any) -> Any:
    """Remove null, which the format does not use, and the titles that pydantic generates."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _tidy(value)
        for key, value in node.items()
        if not (key == "default" and value is None) and not key.startswith("\0")
    }
    if isinstance(kept.get("title"), str):
        del kept["title"]
    options = kept.get("anyOf")
    if isinstance(options, list):
        options = [option for option in options if option != {"type": "null"}]
        kept["anyOf"] = options
        if len(options) == 1 and isinstance(options[0], dict):
            del kept["anyOf"]
            kept |= options[0]
    return kept
