"""Conversion of a mapping to its raw model. Valid values are kept if others are invalid, so that all are checked."""

from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from publisher.diagnostics import Diagnostic, Span
from publisher.documents import Mapping, Node, Scalar, Sequence, TextFile, data_of, find, validate
from publisher.documents.nodes import KeyPath
from publisher.documents.validate import Rules
from publisher.issue import codes
from publisher.issue.lines import lines_of_scalar, text_of_scalar
from publisher.issue.model import Picture, Places, Prose
from publisher.issue.pictures import PictureFile, picture_file
from publisher.issue.raw import Raw, RawPicture

RawModel = TypeVar("RawModel", bound=Raw)

_STAND_INS = {"title": "…", "headline": "…", "body": "…", "date": "1970-01-01", "image": None, "after": "0"}
"""Substitutes for invalid required values, so that the rest of the model validates; see :meth:`validate`."""

_LACKING, _OWN = {"alt": codes.IMAGE_WITHOUT_ALT}, frozenset({codes.EMPTY_BODY, codes.IMAGE_WITHOUT_ALT})


class ModelReader:
    """Validates one mapping of ``file`` and adds to ``findings``; ``start`` is the place of missing keys.

    ``broken`` are the keys whose values are invalid; they are treated as empty or missing.
    """

    def __init__(
        self, root: Path, folder: str, file: TextFile, node: Mapping, start: Span, findings: list[Diagnostic]
    ) -> None:
        self.root, self.folder = root, folder
        self.file, self.node, self.start = file, node, start
        self.findings = findings
        self.broken: set[str] = set()

    def validate(self, model: type[RawModel], extra: dict[str, Any] | None = None, context: Any = None) -> RawModel:
        """Return the model; if values are invalid, without them, and with empty text for required ones."""
        data = data_of(self.node, "", partial(text_of_scalar, self.file)) | (extra or {})
        rules = Rules(_LACKING, _OWN, self.start)
        raw, findings, locs = validate(model, self.node, self.file.path, rules, data=data, context=context)
        self.findings += findings
        if raw is not None:
            return raw
        self.broken = {str(loc[0]) for loc in locs}
        fields = {name for name, field in model.model_fields.items() if not field.exclude}
        required = self.broken & _STAND_INS.keys() & fields
        kept = {name: value for name, value in data.items() if name not in self.broken}
        raw = model.model_validate(kept | {name: _STAND_INS[name] for name in required}, context=context)
        for name in required - {"date", "image", "after"}:
            setattr(raw, name, "")
        return raw

    def prose(self, *at: str | int) -> Prose | None:
        """Return the text at ``at``; None if there is none."""
        value = find(self.node, at)
        return lines_of_scalar(self.file, value) if isinstance(value, Scalar) else None

    def picture(self, raw: RawPicture | None, key: str) -> Picture | None:
        """Return the picture; if it cannot be opened, add a finding and return None."""
        if raw is None:
            return None
        found = picture_file(self.root, self.folder, raw.image)
        if isinstance(found, PictureFile):
            return Picture(raw.image, raw.alt, raw.caption, raw.credit)
        self.findings.append(found.at(self.places().of(key, "image")))
        return None

    def places(self) -> Places:
        """Return the places of all values of the mapping."""
        found: dict[KeyPath, Span] = {}
        _spans(self.node, (), found)
        return Places(self.file.path, self.start, MappingProxyType(found), self.prose)


def _spans(node: Node, at: KeyPath, found: dict[KeyPath, Span]) -> None:
    if at:
        found[at] = node.span
    if isinstance(node, Mapping):
        for key, value in node.entries:
            _spans(value, (*at, key.text), found)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            _spans(item, (*at, index), found)
