"""The structure of the code: layers, no utility modules, no machine paths or secrets in the tree."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> list[Path]:
    """Every file git tracks, or, outside git (an sdist), every file of the package."""
    if shutil.which("git") and (ROOT / ".git").exists():
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [ROOT / name for name in out.split("\0") if name and (ROOT / name).is_file()]
    return [p for p in (ROOT / "publisher").rglob("*") if p.is_file()]


def test_imports_run_down_the_layers() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_is_no_drawer_for_everything() -> None:
    assert [p for p in tracked() if p.name in {"utils.py", "helpers.py", "common.py", "misc.py"}] == []


def test_files_are_small() -> None:
    assert [f"{p} {p.stat().st_size}" for p in tracked() if p.stat().st_size > 150_000] == []


def test_no_lock_file_and_no_download_address() -> None:
    names = {"uv.lock", "poetry.lock", "pdm.lock", "package-lock.json", "yarn.lock"}
    assert [p for p in tracked() if p.name in names] == []
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.match(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+( ;.*)?$", line)] == []


def test_the_editors_settings_name_schemas_that_are_there() -> None:
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    assert [path for path in settings["yaml.schemas"] if not (ROOT / path).is_file()] == []


@cache
def modules() -> dict[str, str]:
    """The text of each module of the package, by its path."""
    paths = sorted((ROOT / "publisher").rglob("*.py"))
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def test_a_module_reads_in_one_sitting() -> None:
    assert [path for path, text in modules().items() if len(text.splitlines()) > 400] == []


def put_off(tree: ast.Module) -> bool:
    """Whether an annotation that is looked at when its module loads names what is not there by then."""
    there: dict[str, int] = {}  # of what stands in the module, the line after which it is there
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            there[node.name] = node.end_lineno or 0
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and node.col_offset:  # for the types, or in a function
            there |= {alias.asname or alias.name: sys.maxsize for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            there |= {one.id: node.end_lineno or 0 for one in node.targets if isinstance(one, ast.Name)}
    notes = [node.annotation for node in tree.body if isinstance(node, ast.AnnAssign)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            notes += [one.annotation for one in node.body if isinstance(one, ast.AnnAssign)]
        notes += [node.annotation] if isinstance(node, ast.arg) and node.annotation else []
        notes += [node.returns] if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns else []
    names = (name for note in notes for name in ast.walk(note) if isinstance(name, ast.Name))
    return any(name.lineno <= there.get(name.id, 0) for name in names)


def test_annotations_are_put_off_where_they_have_to_be_and_nowhere_else() -> None:
    said = {path for path, text in modules().items() if "from __future__ import annotations\n" in text}
    assert said == {path for path, text in modules().items() if put_off(ast.parse(text))}


@cache
def classes() -> list[str]:
    """The names of all classes of the package, without a leading underscore, each as often as it is defined."""
    trees = (ast.parse(text) for text in modules().values())
    return [node.name.lstrip("_") for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]


def test_a_class_name_means_one_thing() -> None:
    names = classes()
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_the_classes_of_the_glossary_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.partition("\n## Words\n")[2].partition("\n## ")[0].splitlines()]
    named = {name for row in rows if len(row) == 6 for name in re.findall(r"`(\w+)`", row[3])}
    assert len(named) > 15
    assert sorted(named - set(classes())) == []


def test_twenty_everyday_changes_begin_where_the_page_says() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("\n## Twenty everyday changes\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 20
    lost = []
    for _, change, file, word, _ in rows:
        path = ROOT / re.findall(r"`([^`]+)`", file)[0]
        if not path.is_file() or re.findall(r"`(.+)`", word)[0] not in path.read_text(encoding="utf-8"):
            lost.append(change.strip())
    assert lost == []
    assert [name for name in re.findall(r"`([\w./]+/[\w./]*)`", section) if not (ROOT / name).exists()] == []


def test_every_expression_that_is_compiled_late_can_be() -> None:
    from publisher import regex

    names = (module.name for module in pkgutil.walk_packages([str(ROOT / "publisher")], "publisher."))
    modules = [importlib.import_module(name) for name in names]
    late = {f"{module.__name__}.{name}": one for module in modules for name, one in vars(module).items()
            if isinstance(one, regex._Regex)}  # fmt: skip
    assert len(late) > 40
    for name, one in late.items():
        assert one.fullmatch(one.pattern) or one.groups >= 0, name
