"""What CHANGELOG.md says of a version: ``python -m tools.release v0.2.0``; and a wheel as a line of a requirements file
with its hash: ``python -m tools.release --hash dist/NAME.whl``.

Fails if the versions of the tag, pyproject.toml and the package differ, or the changelog has no section of it.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(tag: str, root: Path = ROOT) -> str:
    """The changelog's section of ``tag`` (``vX.Y.Z``). Raises ValueError if the files name different versions."""
    version = tag.removeprefix("v")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    package = re.search(r'__version__ = "([^"]+)"', (root / "publisher/__init__.py").read_text(encoding="utf-8"))
    if not package or {version, project, package[1]} != {version}:
        raise ValueError(f"{tag}, pyproject.toml and publisher/__init__.py do not name one version")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.DOTALL | re.MULTILINE)
    if not section or not section[1].strip():
        raise ValueError(f"CHANGELOG.md says nothing of {version}")
    return section[1].strip() + "\n"


def hashed(wheel: Path) -> str:
    """``name==version --hash=sha256:…`` of a wheel."""
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


if __name__ == "__main__":
    try:
        say = hashed(Path(sys.argv[2])) if sys.argv[1] == "--hash" else notes(sys.argv[1])
        sys.stdout.write(say)
    except (IndexError, ValueError) as error:
        sys.exit(f"no release: {error}")
