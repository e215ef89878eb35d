"""Validation of nodes by a pydantic model; pydantic's errors become findings at the places of the nodes.

Every scalar is passed to the model as the text that was written (null as ``None``); the types of the model decide
about numbers and dates: ``headline: 1984`` is text and ``number: 52`` a number, whatever the YAML rules for scalars.
"""

import difflib
import re
from collections.abc import Callable
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from publisher.diagnostics import Code, Diagnostic, Fault, Place, Sentence, Severity, Span, define, listed, say
from publisher.documents.nodes import KeyPath, Mapping, Node, Scalar, Sequence, find, is_null
from publisher.language import canonical
from publisher.language.tags import is_language

Model = TypeVar("Model", bound=BaseModel)

UNKNOWN_KEY = define("unknown-key", Severity.ERROR, fixed=True)
MISSING_KEY = define("missing-key", Severity.ERROR, fixed=True)
WRONG_TYPE = define("wrong-type", Severity.ERROR, fixed=True)
EMPTY_VALUE = define("empty-value", Severity.ERROR, fixed=True)
BAD_VALUE = define("bad-value", Severity.ERROR, fixed=True)


def data_of(node: Node, null: Any = None, text: Callable[[Scalar], str] = attrgetter("text")) -> Any:
    """Convert a node to dicts, lists and text (as written, or by ``text``), with ``null`` for YAML's null."""
    if isinstance(node, Mapping):
        return {entry.key.text: data_of(entry.value, null, text) for entry in node.entries}
    if isinstance(node, Sequence):
        return [data_of(item, null, text) for item in node.items]
    return null if is_null(node) else text(node)


def refuse(
    message: Sentence, help: Sentence | None = None, code: Code = BAD_VALUE, within: tuple[int, int] | None = None
) -> PydanticCustomError:
    """The error for a validator to raise: a finding with this code and these texts, at the value or ``within`` it."""
    values = {"code": code, "message": message, "help": help, "within": within}
    return PydanticCustomError("publisher", "{message}", values)


def canonical_language(tag: str) -> str:
    """Return the tag in canonical form (``zh-cn`` → ``zh-CN``). Raises by :func:`refuse` if invalid or unknown."""
    found = canonical(tag)
    if found is None:
        better = canonical(tag.strip().split(".")[0].replace("_", "-"))
        advice = say("write {words}", words=better) if better else say("write zh-CN, en or ja")
        raise refuse(say("{tag!r} is not a language tag (BCP 47)", tag=tag), advice)
    if not (found.startswith(("x-", "i-")) or is_language(found.split("-")[0])):
        message = say("there is no language {language!r}", language=tag.strip().split("-")[0])
        raise refuse(message, say("write a tag such as zh-CN, en or ja"))
    return found


@dataclass(frozen=True, slots=True)
class Rules:
    """Options for how errors of a model become findings.

    ``lacking``: codes for missing keys that have their own code. ``own_empty``: codes that are kept if the value is
    null. ``start``: the place for a missing top-level key.
    """

    lacking: dict[str, Code] = field(default_factory=dict)
    own_empty: frozenset[Code] = frozenset()
    start: Span | None = None


def validate(
    model: type[Model], node: Mapping, path: str, rules: Rules, *, data: Any = None, context: Any = None
) -> tuple[Model | None, list[Diagnostic], list[KeyPath]]:
    """Validate ``node`` (or ``data`` made from it): return the model, or findings and the ``loc`` of each."""
    try:
        return model.model_validate(data_of(node) if data is None else data, context=context), [], []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    missing = {tuple(details["loc"]) for details in errors if details["type"] == "missing"}
    unknown = [tuple(details["loc"]) for details in errors if details["type"] == "extra_forbidden"]
    likely = {loc: near_key(str(loc[-1]), [*_fields(model, loc[:-1])]) for loc in unknown}
    meant = {loc: name for loc, name in likely.items() if (*loc[:-1], name) in missing}
    told = {(*loc[:-1], name) for loc, name in meant.items()}
    shown = [details for details in errors if details["type"] != "missing" or tuple(details["loc"]) not in told]
    findings = [_finding(model, node, path, details, rules, meant) for details in shown]
    return None, findings, [tuple(details["loc"]) for details in errors]


_MEANT = {
    "标题": ("headline", "title"), "標題": ("headline", "title"), "日期": ("date",), "正文": ("body",),
    "点评": ("commentary",), "點評": ("commentary",), "评论": ("commentary",), "来源": ("source",), "來源": ("source",),
    "图片": ("image",), "圖片": ("image",), "封面": ("cover",), "标签": ("tags",), "標籤": ("tags",),
    "作者": ("authors",), "title": ("headline",), "heading": ("headline", "title"), "content": ("body",),
    "text": ("body",), "image": ("cover",), "cover": ("image",), "picture": ("image", "cover"), "link": ("source",),
    "url": ("source",), "author": ("authors",), "summary": ("subtitle",), "description": ("subtitle",),
    "draft": ("status",),
    "导语": ("intro",), "要点": ("key_points",), "状态": ("status",), "語言": ("language",), "语言": ("language",),
}  # fmt: skip


def _known(written: str, known: Sequence_[str]) -> Sentence:
    """Return the help for an unknown key: the key that was probably meant, otherwise the list of known keys."""
    key, colon, rest = written.partition("：")
    near = near_key(key, known)
    if near and colon:
        return say("write {key}: {rest}", key=near, rest=rest)
    if near and _plain(written) != written:
        return say("write {near}, with plain spaces before it", near=_plain(written))
    return say("write {words}", words=near) if near else say("the keys here are {known}", known=listed(known))


def near_key(written: str, known: Sequence_[str]) -> str | None:
    """Return the known key that was probably meant by an unknown one, or None."""
    plain = _plain(written)
    near = [name for name in _MEANT.get(plain, ()) if name in known]
    near = near or difflib.get_close_matches(plain.casefold().replace("-", "_").replace(" ", "_"), known, 1, 0.75)
    return near[0] if near else None


def _plain(written: str) -> str:
    return written.strip().strip("\u3000\u00a0")


def _finding(
    model: type[BaseModel],
    root: Mapping,
    path: str,
    details: ErrorDetails,
    rules: Rules,
    meant: dict[KeyPath, str | None],
) -> Diagnostic:
    loc, kind = tuple(details["loc"]), details["type"]
    if kind == "missing":
        return _missing(model, root, path, loc, rules)
    if kind == "extra_forbidden":
        parent = _walk(root, loc[:-1])[0]
        entry = parent.entry(loc[-1]) if isinstance(parent, Mapping) else None
        place = Place(path, entry.key.span if entry else parent.span)
        message = say("the key {key} is unknown", key=loc[-1])
        if loc in meant:
            message = say("the key {key} is unknown, and {lacking} is missing", key=loc[-1], lacking=str(meant[loc]))
        return UNKNOWN_KEY.at(place, message, help=_known(str(loc[-1]), [*_fields(model, loc[:-1])]))
    (node, _, name), said = _walk(root, loc), details.get("ctx", {})
    needed = bool(loc) and (field := _fields(model, loc[:-1]).get(str(loc[-1]))) is not None and field.is_required()
    if is_null(node) and said.get("code") not in rules.own_empty:
        advice = say("write it") if needed else say("write one, or delete {name}", name=name)
        return EMPTY_VALUE.at(_key_place(root, loc, path), say("{name} has no value", name=name), help=advice)
    if kind == "publisher":
        message = said["message"]
        if loc and "it" in message.values:
            message = say(message.template, **{**message.values, "it": name})
        at_key = loc[-1:] == ("[key]",) or (isinstance(node, Scalar) and not node.text.strip())
        place = _key_place(root, loc, path) if at_key else Place(path, _start(node, said["within"]))
        stays = needed and said["code"] is EMPTY_VALUE and isinstance(node, Scalar)
        return Fault(said["code"], message, say("write it") if stays else said["help"]).at(place)
    return _typed(kind, node, name, details, Place(path, _start(node)))


def _missing(model: type[BaseModel], root: Mapping, path: str, loc: KeyPath, rules: Rules) -> Diagnostic:
    parent, name = _walk(root, loc[:-1])[0], str(loc[-1])
    span = rules.start if parent is root and rules.start else Span.point(*parent.span[:2])
    advice = say("add {name}", name=name)
    if (field := _fields(model, loc[:-1]).get(name)) and field.description:
        advice = say("add {name}: {meaning}", name=name, meaning=_lowered(field.description))
    message = say("the key {name} is missing", name=name)
    return rules.lacking.get(name, MISSING_KEY).at(Place(path, span), message, help=advice)


def _typed(kind: str, node: Node, name: str, details: ErrorDetails, place: Place) -> Diagnostic:
    if wanted := _KINDS.get(kind):
        message = say("{name} has to be {wanted}, not {given}", name=name, wanted=wanted, given=_kind(node))
        advice = say("write {wanted}", wanted=wanted)
        if isinstance(node, Scalar) and wanted is _LIST:
            advice = say("begin each line with - and a space")
        elif isinstance(node, Mapping) and wanted is _TEXT:
            advice = say("quote the text")
        return WRONG_TYPE.at(place, message, help=advice)
    context = details.get("ctx", {})
    if kind in {"literal_error", "enum"}:
        message = say("{name} cannot be {input!r}", name=name, input=str(details["input"])[:40])
        return BAD_VALUE.at(place, message, help=_one_of(context["expected"]))
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        message = say("{name} has to be {word} {bound}", name=name, word=word, bound=context[key])
        return BAD_VALUE.at(place, message, help=say("write a number {word} {bound}", word=word, bound=context[key]))
    if kind.startswith(("int_", "float_", "decimal_")):
        return BAD_VALUE.at(place, say("{name} has to be a number", name=name), help=say("write digits"))
    if kind.startswith("bool_"):
        return BAD_VALUE.at(place, say("{name} has to be true or false", name=name), help=say("write true or false"))
    told = details["msg"].removeprefix("Value error, ")
    return BAD_VALUE.at(place, say("{name} is wrong: {told}", name=name, told=_lowered(told)))


_BOUNDS = {
    "greater_than": (say("over"), "gt"), "greater_than_equal": (say("at least"), "ge"),
    "less_than": (say("below"), "lt"), "less_than_equal": (say("at most"), "le"),
}  # fmt: skip
_TEXT, _LIST, _MAPPING = say("text"), say("a list"), say("a mapping")
_KINDS = {
    "string_type": _TEXT,
    **dict.fromkeys(("list_type", "tuple_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), _MAPPING),
}


def _kind(node: Node) -> Sentence:
    return _MAPPING if isinstance(node, Mapping) else _LIST if isinstance(node, Sequence) else _TEXT


def _one_of(expected: str) -> Sentence:
    """Convert pydantic's list of allowed values, ``'a', 'b' or 'c'``, to a help sentence."""
    *others, last = re.split(", | or ", expected)
    write = say("write {others} or {last}", others=listed(others), last=last)
    return write if others else say("write {words}", words=last)


def _lowered(meaning: str) -> str:
    """Return the description of a key with a lower-case initial, for use within a sentence."""
    text = f"{meaning[:1].lower()}{meaning[1:]}"
    return Sentence(text, meaning.template, meaning.values) if isinstance(meaning, Sentence) else text


def _walk(root: Node, loc: KeyPath) -> tuple[Node, Scalar | None, str]:
    """Return the deepest node on the path ``loc``, its key, and its name in a message: ``cover.alt``, ``tags[1]``.

    Parts that are not in the data (tags of unions, indexes into what is not a list) are skipped.
    """
    node, key, name = root, None, ""
    for part in loc:
        if (child := find(node, (part,))) is None:
            continue
        if isinstance(node, Mapping) and (entry := node.entry(part)):
            key = entry.key
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
        node = child
    return node, key, name or "the file"


def _key_place(root: Node, loc: KeyPath, path: str) -> Place:
    """The place of the key of an empty value; within a list, the place of the value."""
    node, key, _ = _walk(root, loc)
    in_list = bool(loc) and isinstance(loc[-1], int)
    return Place(path, key.span if key and not in_list else node.span)


def _start(node: Node, within: tuple[int, int] | None = None) -> Span:
    """The span of a value, or of the characters ``within`` it if they stand in the file as they are; only its first
    character if it has several lines, which are not underlined as a whole.
    """
    span = node.span
    marks = span.end_column - span.column - len(node.text) if within and isinstance(node, Scalar) else -1
    if within and marks in {0, 2} and span.line == span.end_line:  # plain, or in quotes
        first = span.column + marks // 2 + within[0]
        return Span(span.line, first, span.line, first + within[1] - within[0])
    return span if span.line == span.end_line else Span(span.line, span.column, span.line, span.column + 1)


def _fields(model: type[BaseModel], loc: KeyPath) -> dict[str, FieldInfo]:
    """The fields of the model at ``loc``, by their keys."""
    current: type[BaseModel] | None = model
    for part in loc:
        if current is None or isinstance(part, int):
            continue
        current = next(
            (_model_of(f.annotation) for n, f in current.model_fields.items() if part in {n, f.alias}), current
        )
    if current is None:
        return {}
    return {field.alias or name: field for name, field in current.model_fields.items() if not field.exclude}


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The first model inside an annotation such as ``Picture | None`` or ``list[Item]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _model_of(argument):
            return found
    return None
