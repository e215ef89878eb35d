"""The environment of templates: Jinja's sandbox with faster access to values."""

import re
from collections.abc import MutableMapping
from keyword import iskeyword
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape
from pydantic import BaseModel

from publisher.config.theme import store


def is_ours(file: str | None) -> bool:
    """Whether a file is a template of this package."""
    return file is not None and Path(file).is_relative_to(store())


class Writer(CodeGenerator):
    """Code generator that emits one call per value shown in markup. Templates of this package are trusted and read
    attributes and call functions directly; none of these takes Jinja's context. Increase ``version`` with every change
    of the generated code.
    """

    version = 3

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        """Generate the code of ``node(…)``."""
        unusual = node.dyn_args or node.dyn_kwargs or any(iskeyword(one.key) for one in node.kwargs)
        if unusual or not is_ours(self.filename):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for given in (*node.args, *node.kwargs):
            self.visit(given, frame)
            self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802
        """Generate the code of ``node.attr``."""
        if not is_ours(self.filename) or node.attr[0] == "_":
            super().visit_Getattr(node, frame)
            return
        self.write("(v if (v := getattr((o := ")
        self.visit(node.node, frame)
        self.write(f"), {node.attr!r}, missing)) is not missing else environment.getattr(o, {node.attr!r}))")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        two = frame.eval_ctx.volatile or not frame.eval_ctx.autoescape
        super()._output_child_post(node, frame, finalize if two else finalize._replace(src=None))


class Released(Context):
    """Context of a template, an include or an import. A context and its macros refer to each other; ``Theme`` breaks
    this cycle after a run, so that an issue's data need not wait for the garbage collector.
    """

    def __init__(self, environment: Environment, parent: dict[str, Any], *given: Any, **more: Any) -> None:
        super().__init__(environment, parent, *given, **more)
        parent.get(MADE, []).append(self)  # a cached module belongs to no single run


MADE = " made"
"""Variable that collects the contexts of a run; no template can write its name."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with shortcuts for mappings and plain text."""

    context_class = Released
    code_generator_class = Writer

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the global variables as a plain dict: includes copy it, and copies of Jinja's ChainMap take long."""
        return {**self.globals, **(d or {})}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return ``obj.attribute``, or an undefined value if it is missing or not allowed in templates."""
        if type(obj) in _MAPPINGS and attribute in obj and attribute not in _OF_MAPPING:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read an attribute; none of Pydantic's own: ``parse_raw`` unpickles, so runs code."""
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, BaseModel) and attr in _OF_MODEL)

    @staticmethod
    def shown(value: object) -> str:
        """Return a value as markup."""
        if isinstance(value, Markup) or (type(value) is str and not _SPECIAL.search(value)):
            return value
        return "" if type(value) is Undefined else escape(finalized(value))  # from an ``if`` without ``else``


_MAPPINGS = (dict, MappingProxyType)
_OF_MAPPING = frozenset((*dir(dict), *dir(MappingProxyType)))
_OF_MODEL = frozenset(dir(BaseModel))
_SPECIAL = re.compile(r"""[&<>"'\\\x00-\x1f\x7f-\x9f]""")


_SPOILED = dict.fromkeys((*range(32), *range(127, 160)), "")  # remove control characters
_SPOILED |= {ord("\\"): "&#92;", 9: "&#9;", 10: "&#10;", 13: "&#13;"}
_HAS_SPOILED = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")


def finalized(value: object) -> object:
    """Prepare a value for a template: characters that the MJML compiler misprints become entities."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup) and _HAS_SPOILED.search(value):
        return Markup(str(escape(value)).translate(_SPOILED))  # noqa: S704
    return value
