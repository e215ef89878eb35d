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
    alt: AltText = Field(description=say("What the picture shows, for readers who cannot see it"))
    caption: Text | None = Field(None, description="The line below the picture")
    credit: Text | None = Field(None, description="Who made the picture")


class RawSource(Raw):
    """Source of a story."""

    name: Text = Field(description=say("The source's name, as readers know it"), examples=["OpenAI"])
    url: Url | None = Field(None, description="The address of the original", examples=["https://openai.com/index/…"])


class RawSponsor(Raw):
    """Sponsor of an item."""

    by: Text | None = Field(None, description="The sponsor's name, shown to readers", examples=["Example Cloud"])
    url: Url | None = Field(None, description="The sponsor's address")


class RawOrigin(Raw):
    """Model that wrote a text, how it contributed, and who reviewed the text."""

    by: Text = Field(description=say("The model's name, shown to readers"), examples=["gpt-4o"])
    grade: Grade = Field(Grade.DRAFTED, description="What the model did: drafted, summarised, translated or assisted")
    reviewed_by: Texts | None = Field(None, description="Who reviewed the text and answers for it", examples=["李明"])
    sources: Annotated[
        list[RawSource] | None,
        BeforeValidator(as_named_sources, json_schema_input_type=str | RawSource | list[str | RawSource]),
    ] = Field(None, description="The model's sources: names, addresses, or {name, url}")


class RawWechat(Raw):
    """Texts for a 公众号 (WeChat official account)."""

    title: Text | None = Field(None, description="At most 32 characters; default: the title")
    author: Text | None = Field(None, description="At most 16 characters; default: the first author")
    digest: Text | None = Field(None, description="At most 128 characters; default: the preheader")


_Picture = Annotated[RawPicture | None, BeforeValidator(as_picture, json_schema_input_type=RawPicture)]
_Audience = Annotated[Text, AfterValidator(checked_audience)]
ItemPart = Literal["headline", "body", "commentary"]
IssuePart = Literal["intro", "key_points"]


class RawKeyPoints(Raw):
    """Key points with their provenance."""

    points: Annotated[list[ProseText], Some] = Field(description=say("One sentence each, in inline Markdown"))
    generated_by: Text | None = Field(None, description="The model that drafted the points, shown to readers")


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
        "story", description="The kind of item; quote, links and picture need no headline, picture needs no body"
    )
    headline: Text = Field(description=say("The story in one line"), examples=["OpenAI 计划重组公司结构"])
    body: BodyText = Field(description=say("The story, in Markdown"))
    commentary: ProseText | None = Field(None, description="The editors' view, in Markdown; shown under a label")
    commentary_by: Text | None = Field(None, description="Who wrote the commentary")
    source: Annotated[
        list[Annotated[RawSource, BeforeValidator(as_source, json_schema_input_type=RawSource)]] | None,
        BeforeValidator(as_sources, json_schema_input_type=RawSource | list[RawSource]),
    ] = Field(
        None,
        description="The source of the story: {name, url}, or a list of them",
        json_schema_extra={"examples": [{"name": "OpenAI", "url": "https://openai.com/"}]},
    )
    image: _Picture = Field(None, description="A picture for the story: {image, alt}")
    tags: Tags | None = Field(None, description="What the story is about", examples=[["ai", "chips"]])
    sponsored: Annotated[RawSponsor | None, BeforeValidator(as_sponsor, json_schema_input_type=bool | RawSponsor)] = (
        Field(None, description="Whether a sponsor pays for the item: true, or {by, url}; shown to readers")
    )
    section: Text | None = Field(None, description="The group of items that the story belongs to")
    only: _Audience | None = Field(
        None, description="Who gets the item, such as topic:ai and city:Berlin; others get an edition without it"
    )
    generated: Annotated[
        dict[str, RawOrigin] | None,
        BeforeValidator(as_origins(ItemPart), json_schema_input_type=RawOrigin | dict[ItemPart, RawOrigin]),
    ] = Field(None, description="What a model wrote: {by, grade, reviewed_by, sources}, for the item or by part")
    anchor: Anchor | None = Field(
        None,
        description="The fragment of the item's address; default: made from the file's name",
        examples=["openai-pbc"],
    )


class RawHeadless(RawItem):
    """Quote or list of links: the headline is optional."""

    headline: Text = ""


class RawPictureItem(RawHeadless):
    """Picture without text."""

    body: BodyText = ""
    image: Annotated[RawPicture | None, BeforeValidator(as_picture)]


MODELS: dict[str, type[RawItem]] = {"quote": RawHeadless, "links": RawHeadless, "picture": RawPictureItem}
"""Models by kind of item; for other kinds :class:`RawItem`."""


class RawIssue(Raw):
    """One issue of the newsletter."""

    title: Text = Field(
        description=say("The title of the page and of the message"), examples=["AI 周报|OpenAI 重组；DeepSeek-V3"]
    )
    subtitle: Text | None = Field(None, description="One or two sentences under the title")
    date: Day = Field(description=say("The day of the issue"), examples=["2024-12-29"])
    number: Number | None = Field(None, description="The number of the issue", examples=[52])
    language: Language | None = Field(
        None, description="A BCP 47 tag; default: newsletter.language", examples=["zh-CN"]
    )
    subject: Text | None = Field(None, description="The subject of the message; default: the title")
    preheader: Text | None = Field(
        None, description="The line after the subject in an inbox; default: the subtitle or first key points"
    )
    status: Literal["draft", "ready"] = Field(
        "draft", description="A draft is built only with --drafts, and never sent"
    )
    publish_at: Moment | None = Field(
        None,
        description="When to publish; without an offset, in newsletter.timezone",
        examples=["2024-12-29T08:00:00+08:00"],
    )
    deliver_at: LocalTime | None = Field(
        None, description="The time at which readers get it that day, in their own time zone", examples=["08:00 local"]
    )
    authors: Texts | None = Field(
        None, description="Who wrote the issue; shown under the title", examples=[["第一编辑部"]]
    )
    tags: Tags | None = Field(None, description="What the issue is about", examples=[["ai", "weekly"]])
    cover: _Picture = Field(None, description="The picture above the items: {image, alt}")
    intro: ProseText | None = Field(None, description="Text before the items, in Markdown")
    key_points: Annotated[
        RawKeyPoints | None,
        BeforeValidator(as_key_points, json_schema_input_type=RawKeyPoints | list[ProseText]),
    ] = Field(None, description="The main points, in a box above the items: a list, or {points, generated_by}")
    attribution: ProseText | None = Field(None, description="The closing line, in inline Markdown")
    audience: _Audience | None = Field(None, description="Which subscribers get the issue, such as topic:weekly")
    translation_of: Text | None = Field(
        None, description="The slug of the issue that this one translates", examples=["2024-12-29-ai-weekly"]
    )
    generated: Annotated[
        dict[str, RawOrigin] | None,
        BeforeValidator(as_origins(IssuePart), json_schema_input_type=RawOrigin | dict[IssuePart, RawOrigin]),
    ] = Field(None, description="What a model wrote: {by, grade, reviewed_by, sources}, for the issue or by part")
    overflow: Literal["web"] | None = Field(
        None, description="web: if the issue is too long for mail, the email ends after an item and links to the page"
    )
    wechat: RawWechat | None = Field(None, description="Texts for publisher wechat: {title, author, digest}")
    items: Annotated[
        list[Any] | None,  # validated separately by the loader
        BeforeValidator(lambda value: value, json_schema_input_type=list[str | RawItem]),
    ] = Field(None, description="The order of the item files, complete items, or both; default: all files, by name")


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
