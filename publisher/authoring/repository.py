"""``publisher init``: create a newsletter repository from the files of the sample newsletter."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from publisher import __version__
from publisher.authoring import bundled
from publisher.authoring.issue import starter_files
from publisher.config.colour import ENOUGH
from publisher.config.theme import ThemeConfig, palettes
from publisher.config.theme_findings import weighed
from publisher.diagnostics import Fault, listed, say
from publisher.errors import UsageError
from publisher.issue.opening import open_file
from publisher.language import Locale, canonical, nearest, spoken

Forge = Literal["github", "gitlab", "none"]
"""Host of the repository; with ``none`` no CI files are written."""


@dataclass(frozen=True, slots=True)
class StarterBrand:
    """The result of ``--accent`` and ``--logo``: lines of config.yaml, and files by path."""

    config: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, accent: str | None, logo: Path | None) -> Self:
        """Raises UsageError for an invalid or unreadable colour, and for a file that is not a picture."""
        lines, files = [], {}
        if accent is not None:
            if not re.fullmatch("#(?:[0-9a-f]{3}|[0-9a-f]{6})", accent.strip().lower()):
                advice = say("write '#rgb' or '#rrggbb', in quotes")
                raise UsageError(say("{accent} is not a colour", accent=accent), help=advice)
            light, _ = palettes(ThemeConfig.model_validate({"accent": accent}), Path())
            worst, better = weighed(light)
            if worst < ENOUGH:
                about = {"accent": accent, "worst": worst}
                why = say("the accent {accent} has a contrast of {worst:.1f} to 1, and text needs 4.5", **about)
                raise UsageError(why, help=say("the nearest that can be read is '{better}'", better=better))
            lines.append(f'  accent: "{light.tokens["accent"]}"')
        if logo is not None:
            opened = open_file(logo, logo.name)
            if isinstance(opened, Fault):
                raise UsageError(str(opened.message), help=str(opened.help))
            name = f"images/logo{logo.suffix.lower()}"
            lines.append(f"  logo: {name}")
            files[name] = logo.read_bytes()
        return cls(("\n".join(["", "theme:", *lines]) + "\n").encode() if lines else b"", files)


NO_BRAND = StarterBrand()

# The sample issue by language; in any other language the repository starts with an empty issue.
SAMPLES = {"zh_Hans": "2024-12-29-ai-weekly", "en": "2024-12-29-ai-weekly-en"}


@dataclass(frozen=True, slots=True)
class NewRepository:
    """The files that were created; paths are relative to ``root``.

    ``kept``: existing files that were kept. ``ci``: the CI files of the forge, which was given or ``guessed`` from
    the remotes. ``new``: whether there was no newsletter before. ``git``: the repository was ``begun``, was
    ``there`` already, or is ``missing``.
    """

    root: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]
    ci: tuple[str, ...]
    forge: Forge
    guessed: bool
    new: bool
    git: Literal["begun", "there", "missing"]


def make_repository(
    root: Path, language: str = "zh-CN", forge: Forge | None = None, brand: StarterBrand = NO_BRAND
) -> NewRepository:
    """Create a newsletter repository in ``root``, which may hold other files.

    CI files and hooks go to the top of the enclosing git repository, where forges look for them; if there is none,
    ``root`` becomes one. In an existing newsletter only CI files are added, if ``forge`` asks for them.
    Raises :class:`UsageError`, with nothing written, if a file exists already, ``root`` cannot be written, or there is
    no catalog for ``language``, a BCP 47 tag.
    """
    at = root.resolve()
    there = repository_of(at)
    top, chosen = there or at, forge or guess_forge(there)
    below = at.relative_to(top).as_posix()
    of_forge = {top / name: text.encode() for name, text in ci_files(chosen, top, below).items()}
    files, new = dict(of_forge), not (forge and of_forge and os.path.lexists(at / "config.yaml"))
    if new:
        files |= {top / name: text.encode() for name, text in hooks(below).items()}
        own = _files(language)
        own |= {**brand.files, "config.yaml": own["config.yaml"] + brand.config}
        files |= {at / name: content for name, content in own.items()}
    # These are kept if they exist, and reported: a repository created on a forge often has some of them.
    yielding = {at / name for name in (".gitignore", "README.md", "AGENTS.md")} | {top / HOOKS, *of_forge}
    kept = [path for path in files if path in yielding and os.path.lexists(path)]
    files = {path: content for path, content in files.items() if path not in kept}
    _refuse_collisions(root, files)
    bundled.write_new(files)
    git: Literal["begun", "there", "missing"] = "there" if there else "missing"
    if not there and _git(at, "init", "--quiet", "--initial-branch=main") is not None:
        git = "begun"
    written, stayed, ours = (tuple(os.path.relpath(path, at) for path in paths) for paths in (files, kept, of_forge))
    return NewRepository(root, written, stayed, ours, chosen, forge is None, new, git)


def _files(language: str) -> dict[str, bytes]:
    """The files of a new repository by path."""
    tag, catalog = canonical(language), nearest(language)
    if tag is None or catalog is None:
        known = listed(name.replace("_", "-") for name in spoken())
        advice = say("take one of {known}", known=known)
        raise UsageError(say("there are no words in {language}", language=language), help=advice)
    locale, sample = Locale.of(tag, {}), bundled.sample()
    name = locale.word("starter", "newsletter_name")
    config = (sample / "config.yaml").read_text(encoding="utf-8").replace("AI 周报", name)
    config = config.replace("language: zh-CN", f"language: {tag}").replace("Asia/Shanghai", locale.timezone)
    if catalog != "zh_Hans":
        config = config.replace("上海市示例路 1 号, 200000", "1 Example Street, London")
    config = re.sub(r"publish:\n(?:  .*\n)+\n", "", config)  # concerns the repository of the samples only
    if slug := SAMPLES.get(catalog):
        issue = _tree(sample / "issues" / slug, f"issues/{slug}")
        at = f"issues/{slug}/issue.yaml"
        issue[at] = issue[at].replace(b"status: ready", b"status: draft")  # never mailed by accident
    else:
        day = datetime.now(ZoneInfo(locale.timezone)).date().isoformat()
        slug = f"{day}-first"
        issue = {f"issues/{slug}/{file}": text.encode() for file, text in starter_files(locale, day, 1).items()}
    return {
        "config.yaml": config.encode(),
        ".gitignore": bundled.starter_file("gitignore").encode(),
        "README.md": bundled.starter_file("README.md", SLUG=slug).encode(),
        "AGENTS.md": bundled.starter_file("AGENTS.md", SLUG=slug).encode(),
        **bundled.schema_files(),
        **issue,
    }


def _tree(folder: Path, at: str) -> dict[str, bytes]:
    return {
        f"{at}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _refuse_collisions(root: Path, files: Collection[Path]) -> None:
    for folder in sorted({part for path in files for part in path.parents}):
        if os.path.lexists(folder) and not folder.is_dir():
            advice = say("name another folder, or move it")
            raise UsageError(say("{folder} is a file, where init needs a folder", folder=folder), help=advice)
    there = [path for path in files if os.path.lexists(path)]
    if root.resolve() / "config.yaml" in there:
        message = say("{root} is a newsletter repository already", root=root)
        raise UsageError(message, help=say("publisher new SLUG adds an issue; --ci github or --ci gitlab adds its CI"))
    if there:
        names = sorted(os.path.relpath(path, root) for path in there)
        shown = listed(names[:3])
        shown = say("{names} and {n} more", names=shown, n=len(names) - 3) if len(names) > 3 else shown
        advice = say("name an empty folder")
        raise UsageError(say("{root} has files that init would write: {shown}", root=root, shown=shown), help=advice)


WORKFLOW, PIPELINE, TEMPLATE = ".github/workflows/newsletter.yml", ".gitlab-ci.yml", ".gitlab/publisher.gitlab-ci.yml"
FORM, SUBMISSIONS = ".github/ISSUE_TEMPLATE/story.yml", ".github/workflows/submissions.yml"
HOOKS = ".pre-commit-config.yaml"


def repository_of(folder: Path) -> Path | None:
    """The nearest git repository at or above ``folder`` (absolute), whether or not git is installed."""
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path / ".git")), None)


def guess_forge(repository: Path | None) -> Forge:
    """The forge of the remotes, by host name; ``origin`` comes first."""
    remotes = re.findall(r"^(\S+)\t(\S+)", (repository and _git(repository, "remote", "-v")) or "", re.MULTILINE)
    for _name, url in sorted(remotes, key=lambda remote: remote[0] != "origin"):
        host = re.match(r"(?:[a-z+]+://)?(?:[^/@]*@)?([^/:]+)[:/]", url, re.IGNORECASE)
        if host and "github" in host[1].lower():
            return "github"
        if host and "gitlab" in host[1].lower():
            return "gitlab"
    return "none"


def ci_files(forge: Forge, repository: Path, below: str) -> dict[str, str]:
    """The CI files, by path from the top of the repository, of a newsletter in the folder ``below`` it (``.``: top)."""
    names = {"VERSION": __version__, "BRANCH": json.dumps(_default_branch(repository)), "BELOW": json.dumps(below)}
    if forge == "github":
        files = {WORKFLOW: "github.yml", FORM: "story-form.yml", SUBMISSIONS: "submissions.yml"}
        return {path: bundled.starter_file(name, **names) for path, name in files.items()}
    if forge == "gitlab":
        return {
            PIPELINE: bundled.starter_file("gitlab.yml", **names),
            TEMPLATE: bundled.gitlab_template().read_text(encoding="utf-8"),
        }
    return {}


def hooks(below: str) -> dict[str, str]:
    """The pre-commit configuration by its path from the top of the repository."""
    at, under = ("", "") if below == "." else (f"--root {shlex.quote(below)} ", re.escape(f"{below}/"))
    entry, files = json.dumps(f"publisher {at}check"), json.dumps(f"^{under}")
    names = {"VERSION": __version__, "ENTRY": entry, "FILES": files}
    return {HOOKS: bundled.starter_file("pre-commit.yaml", **names)}


def _default_branch(repository: Path) -> str:
    published = _git(repository, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    found = published.removeprefix("origin/") if published else _git(repository, "symbolic-ref", "--short", "HEAD")
    return (found or "").strip() or "main"


def _git(folder: Path, *words: str) -> str | None:
    """The output of git in ``folder``; None if git is missing or fails. GIT_DIR, which a hook may set, is ignored."""
    environment = {name: value for name, value in os.environ.items() if name not in {"GIT_DIR", "GIT_WORK_TREE"}}
    try:
        done = subprocess.run(  # noqa: S603 - git with fixed arguments
            ["git", *words],  # noqa: S607
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
