"""Every library that the package imports is required by pyproject.toml; this environment has more than users get."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Parts of a library we ask for that are distributions of their own, always installed with it.
COMES_WITH = {
    "botocore": "boto3",
    "markupsafe": "jinja2",
    "anyio": "starlette",
    "pydantic-core": "pydantic",
    "httpcore": "httpx",
}


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=~! ;]", line)[0]) for line in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> dict[str, set[str]]:
    """The files that import each third-party module, outside ``if TYPE_CHECKING`` or not."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "publisher").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                top = module.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "publisher":
                    found.setdefault(top, set()).add(str(path.relative_to(ROOT)))
    return found


def test_each_import_is_a_dependency_or_an_extra() -> None:
    asked = names(PROJECT["dependencies"]).union(*map(names, PROJECT["optional-dependencies"].values()))
    distributions = packages_distributions()
    missing = {}
    for module, files in imported().items():
        providers = {normal(name) for name in distributions.get(module, [module])}
        providers |= {COMES_WITH[name] for name in providers if name in COMES_WITH}
        if not providers & asked:
            missing[module] = sorted(files)[:3]
    assert missing == {}


def test_each_dependency_is_imported() -> None:
    distributions = packages_distributions()
    used = {normal(name) for module in imported() for name in distributions.get(module, [module])}
    indirect = {"linkify-it-py", "python-multipart", "tzdata"}  # loaded by the libraries that need them
    assert names(PROJECT["dependencies"]) - used - indirect == set()
