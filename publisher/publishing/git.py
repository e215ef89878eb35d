"""Git queries of publishing. Outside a repository, or without git, every answer is None or empty."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from publisher.config import Config, read_config
from publisher.diagnostics import say
from publisher.edition.others import OtherIssues
from publisher.edition.provenance import run_git
from publisher.errors import UsageError
from publisher.issue.folder import leads_inside


def head(root: Path) -> str | None:
    """Return the commit that is checked out."""
    return resolve(root, "HEAD")


def trouble(root: Path) -> UsageError | None:
    """The error of a repository in which git does not answer; None if it answers, or outside a repository."""
    if not any((folder / ".git").exists() for folder in (root, *root.resolve().parents)):
        return None
    try:
        run_git(root, "rev-parse", "--git-dir")
    except FileNotFoundError:
        return UsageError(say("this is a git repository, and git is not installed"), help=say("install git"))
    except (OSError, subprocess.SubprocessError) as error:
        told = os.fsdecode(getattr(error, "stderr", None) or b"").partition("\n")[0].removeprefix("fatal: ")
        advice = say("see what git status says there")
        if "ownership" in told:
            advice = say("let git read it: git config --global --add safe.directory {root}", root=root.resolve())
        return UsageError(say("git does not answer in this repository: {told}", told=told or str(error)), help=advice)
    return None


def resolve(root: Path, revision: str) -> str | None:
    """Return the commit of a revision, or None."""
    if revision.startswith("-"):
        return None
    return _word(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def leads_to(root: Path, older: str, newer: str) -> bool:
    """Whether a commit is an ancestor of another, or the same; False if one of them is not in this repository."""
    return older == newer or _word(root, "merge-base", "--is-ancestor", older, newer) is not None


def last_change(root: Path, revision: str, path: str) -> tuple[str | None, str | None]:
    """Return the last commit up to ``revision`` that changed a file, and its author's name; None twice if none."""
    line = _word(root, "log", "-1", "--format=%H %an", revision, "--", f":(literal){path}") or ""
    commit, _, author = line.partition(" ")
    return commit or None, author or None


def is_shallow(root: Path) -> bool:
    """Whether the history is truncated, as in a shallow CI checkout."""
    return _word(root, "rev-parse", "--is-shallow-repository") == "true"


def merge_base(root: Path, revision: str) -> str | None:
    """Return the merge base of HEAD and ``revision``; None if the histories are unrelated."""
    return _word(root, "merge-base", revision, "HEAD")


def changed(root: Path, base: str) -> list[str]:
    """Return the files below ``root`` that differ between ``base`` and the disk, relative to ``root``."""
    listed = names(root, "diff", "--name-only", "-z", "--no-renames", "--relative", base, "--", ".")
    new = names(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    return sorted({*listed, *new})


def export(root: Path, revision: str, into: Path, paths: Sequence[str]) -> None:
    """Write those of ``paths`` that exist at ``revision`` below ``into``."""
    import tarfile

    below = os.fsdecode(ask(root, "rev-parse", "--show-prefix") or b"").removesuffix("\n")
    wanted = [path for path in paths if ask(root, "cat-file", "-e", f"{revision}:{below}{path}") is not None]
    with tempfile.NamedTemporaryFile(suffix=".tar") as packed:
        archive = ("archive", "--format=tar", f"--output={packed.name}", revision, "--", *wanted)
        if not wanted or ask(root, "--literal-pathspecs", *archive) is None:
            return
        with tarfile.open(packed.name) as tar:
            for member in tar:
                # tarfile has filters only since 3.11.4. git's names stay inside the tree; a symbolic link may lead out.
                target, content = into / member.name, tar.extractfile(member) if member.isfile() else None
                target.parent.mkdir(parents=True, exist_ok=True)
                if content is not None:
                    target.write_bytes(content.read())
                elif member.issym() and leads_inside(into, target.parent / member.linkname):
                    target.symlink_to(member.linkname)


@contextmanager
def at_revision(config: Config, commit: str, slugs: Sequence[str]) -> Iterator[Config | None]:
    """Check out ``commit`` with those issues into a temporary folder; yield its config, None if unreadable.

    All other files are checked out too: templates and config.yaml refer to files, and an issue may show any picture.
    """
    with tempfile.TemporaryDirectory(prefix="publisher-base-") as folder:
        others = OtherIssues.of(config)  # if editions depend on other issues, check out all of them
        every = bool(others.heads or others.translations.named)
        top = [name for name in names(config.root, "ls-tree", "--name-only", "-z", commit) if every or name != "issues"]
        export(config.root, commit, Path(folder), top if every else [*top, *(f"issues/{slug}" for slug in slugs)])
        yield read_config(Path(folder))[0]


def names(root: Path, *arguments: str) -> list[str]:
    """Return the file names that git prints with ``-z``; empty if it fails."""
    return [os.fsdecode(name) for name in (ask(root, *arguments) or b"").split(b"\0") if name]


def ask(root: Path, *arguments: str) -> bytes | None:
    """Return the output of ``git`` in ``root``; None if it fails, is missing or hangs."""
    try:
        return run_git(root, *arguments)
    except (OSError, subprocess.SubprocessError):
        return None


def _word(root: Path, *arguments: str) -> str | None:
    """Return git's output without the newline; None if it fails."""
    answer = ask(root, *arguments)
    return None if answer is None else answer.decode().strip()
