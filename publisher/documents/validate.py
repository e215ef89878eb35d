"""From nodes to a pydantic model, and from pydantic's errors back to the places of the nodes.

Every scalar reaches the model as the text that was written (null as ``None``): the model's own types say what is a
number or a date. So ``headline: 1984`` is text and ``number: 52`` is a number, whatever YAML would make of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from publisher.diagnostics import Code, Diagnostic, Place, Severity, Span, define
from publisher.documents.nodes import Mapping, Node, Scalar, Sequence, find, is_null

Model = TypeVar("Model", bound=BaseModel)

UNKNOWN_KEY = define(
    "unknown-key",
    Severity.ERROR,
    """The key is unknown.

## Why it matters

A misspelt key would be left out in silence: `comentary` would cost readers the commentary.

## Example

    headline: …
    comentary: …

Write `commentary`.
""",
    fixed=True,
)
MISSING_KEY = define(
    "missing-key",
    Severity.ERROR,
    """A required key is missing.

## Why it matters

Without it there is nothing to show where readers look for it.

## Example

An issue.yaml without `title`, or an item without `headline`.
""",
    fixed=True,
)
WRONG_TYPE = define(
    "wrong-type",
    Severity.ERROR,
    """The value is of the wrong kind.

## Why it matters

A list where a text belongs would reach readers as `['…']`.

## Example

    headline: [First, Second]
""",
    fixed=True,
)
EMPTY_VALUE = define(
    "empty-value",
    Severity.ERROR,
    """The key has no value.

## Why it matters

An empty headline or subject is an accident that readers would see. A key that is not wanted is left out.

## Example

    subject:

Write the subject, or delete the line: the title is the subject then.
""",
    fixed=True,
)
BAD_VALUE = define(
    "bad-value",
    Severity.ERROR,
    """The value is not one that this key takes.

## Why it matters

Publisher does not guess what was meant.

## Example

    status: finished

Write `status: ready` or `status: draft`.
""",
    fixed=True,
)


def data_of(node: Node) -> Any:
    """The node as plain data: dict, list, text as written, ``None``."""
    if isinstance(node, Mapping):
        return {entry.key.text: data_of(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [data_of(item) for item in node.items]
    return None if is_null(node) else node.text


def refuse(code: Code, message: str, help: str | None = None) -> PydanticCustomError:
    """An error that a validator raises: it becomes a finding of this code, with these words, at the value."""
    return PydanticCustomError("publisher", "{message}", {"code": code.name, "message": message, "help": help})


def validate(
    model: type[Model],
    node: Mapping,
    path: str,
    *,
    codes: dict[str, Code],
    lacking: Span | None = None,
    context: Any = None,
) -> tuple[Model | None, list[Diagnostic], list[tuple[str | int, ...]]]:
    """Validate ``node`` as ``model``.

    ``codes`` are those that the model's validators refuse with; ``lacking`` is where a missing key of the whole is placed.
    Returns the model, or the findings and the ``loc`` of each.
    """
    try:
        return model.model_validate(data_of(node), context=context), [], []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    findings = [_finding(model, node, path, details, codes, lacking) for details in errors]
    return None, findings, [tuple(details["loc"]) for details in errors]


def _finding(
    model: type[BaseModel],
    root: Mapping,
    path: str,
    details: ErrorDetails,
    codes: dict[str, Code],
    lacking: Span | None,
) -> Diagnostic:
    loc, kind = tuple(details["loc"]), details["type"]
    if kind == "missing":
        parent = _nearest(root, loc[:-1])
        span = lacking if parent is root and lacking is not None else Span.point(parent.span.line, parent.span.column)
        known = _fields(model, loc[:-1])
        description = (known.get(str(loc[-1])) or "").rstrip(".")
        help = f"write {loc[-1]}: {description}" if description else f"add {loc[-1]}"
        return MISSING_KEY.at(Place(path, span), f"the key {loc[-1]} is missing", help=help)
    if kind == "extra_forbidden":
        parent = _nearest(root, loc[:-1])
        entry = parent.entry(loc[-1]) if isinstance(parent, Mapping) else None
        place = Place(path, entry.key.span if entry else parent.span)
        known = _fields(model, loc[:-1])
        return UNKNOWN_KEY.at(place, f"the key {loc[-1]} is unknown", help=f"the keys here are {', '.join(known)}")
    node = _nearest(root, loc)
    if kind == "publisher":
        said = details["ctx"]
        code = codes.get(said["code"], BAD_VALUE)
        return code.at(_value_place(root, loc, path), said["message"], help=said["help"])
    if is_null(node):
        name = _name(loc)
        return EMPTY_VALUE.at(_key_place(root, loc, path), f"{name} has no value", help=f"write one, or delete {name}")
    return _typed(kind, node, details, Place(path, node.span if not _is_block(node) else _start(node)))


def _typed(kind: str, node: Node, details: ErrorDetails, place: Place) -> Diagnostic:
    name = _name(tuple(details["loc"]))
    wanted = _KINDS.get(kind)
    if wanted:
        return WRONG_TYPE.at(place, f"{name} has to be {wanted}, not {_kind(node)}", help=f"write {wanted}")
    context = details.get("ctx", {})
    if kind in {"literal_error", "enum"}:
        return BAD_VALUE.at(place, f"{name} cannot be {details['input']}", help=f"write {context['expected']}")
    if kind.startswith(("int_", "float_", "decimal_")):
        return BAD_VALUE.at(place, f"{name} has to be a number", help="write digits")
    if kind.startswith("bool_"):
        return BAD_VALUE.at(place, f"{name} has to be true or false", help="write true or false")
    message = details["msg"].removeprefix("Value error, ")
    return BAD_VALUE.at(place, f"{name} is wrong: {message[:1].lower()}{message[1:]}")


_KINDS = {
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "mapping_type": "a mapping",
}


def _kind(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Sequence) else "text"


def _name(loc: Iterable[str | int]) -> str:
    """The name of what ``loc`` points at, for a message: ``cover.alt``, ``tags[1]``."""
    name = ""
    for part in loc:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "the file"


def _nearest(root: Node, loc: tuple[str | int, ...]) -> Node:
    """The node at ``loc``; parts that are not in the data (tags of unions, items of what was no list) are skipped."""
    node = root
    for part in loc:
        node = find(node, (part,)) or node
    return node


def _entry_key(root: Node, loc: tuple[str | int, ...]) -> Scalar | None:
    node, key = root, None
    for part in loc:
        if isinstance(node, Mapping) and (entry := node.entry(part)):
            key = entry.key
        node = find(node, (part,)) or node
    return key


def _key_place(root: Node, loc: tuple[str | int, ...], path: str) -> Place:
    """The key of an empty value; in a list, where the value would be."""
    node, key = _nearest(root, loc), _entry_key(root, loc)
    in_list = bool(loc) and isinstance(loc[-1], int)
    return Place(path, key.span if key and not in_list else node.span)


def _value_place(root: Node, loc: tuple[str | int, ...], path: str) -> Place:
    node = _nearest(root, loc)
    if isinstance(node, Scalar) and not node.text.strip():
        return _key_place(root, loc, path)
    return Place(path, _start(node) if _is_block(node) else node.span)


def _is_block(node: Node) -> bool:
    return node.span.line != node.span.end_line


def _start(node: Node) -> Span:
    """The first place of a value of several lines: underlining all of them helps nobody."""
    return Span(node.span.line, node.span.column, node.span.line, node.span.column + 1)


def _fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> dict[str, str | None]:
    """Name and description of the keys of the model at ``loc``."""
    current: type[BaseModel] | None = model
    for part in loc:
        if current is None or isinstance(part, int):
            continue
        current = next(
            (_model_of(f.annotation) for n, f in current.model_fields.items() if part in {n, f.alias}), current
        )
    if current is None:
        return {}
    return {field.alias or name: field.description for name, field in current.model_fields.items() if not field.exclude}


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``Picture | None`` or ``list[Item]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _model_of(argument):
            return found
    return None


Validator = Callable[[Any], Any]
