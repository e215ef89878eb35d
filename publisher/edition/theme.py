"""Run the templates of a theme.

A theme is data from another person. It runs in Jinja's sandbox, and an error in it becomes one diagnostic with the
template's file and line.
"""

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Self

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2 import __version__ as jinja2_version
from jinja2.bccache import Bucket, FileSystemBytecodeCache
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

import publisher
from publisher.config import Config
from publisher.config.theme import theme_folders
from publisher.diagnostics import Diagnostic, Fault, Place, Sentence, Severity, Span, define, say
from publisher.edition.brand import SHEET_PICTURE, Brand, asked_images, asking, theme_text, variables
from publisher.edition.model import Asset, ThemeError
from publisher.edition.page_copy import thumbnail
from publisher.edition.sandbox import MADE, Released, Sandbox, Writer, finalized, is_ours
from publisher.issue.codes import IMAGE_MISSING

BROKEN = define("theme-broken", Severity.ERROR, fixed=True)
_FAILURES = (
    TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, OSError, RecursionError,
)  # fmt: skip
_SPACE = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\s*(;\s*\}|[{};,>]|:\s)\s*|(/\*.*?\*/\s*|(?<=[\s:(,])0(?=\.\d))|\s+""",
    re.DOTALL,
)  # strings are kept as they are


@dataclass(frozen=True, eq=False)
class Theme:
    """Theme of a newsletter: the folders that are searched for a template, in order, and the brand."""

    folders: tuple[Path, ...]
    root: Path
    brand: Brand
    config: Config

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the theme of a newsletter. Compiled templates are cached; a newsletter's own until they change."""
        return cls(theme_folders(config), config.root, Brand.of(config), config)

    @cached_property
    def shipped(self) -> Self:
        """The theme without the newsletter's own files: what readers get where those fail."""
        return replace(self, folders=tuple(folder for folder in self.folders if is_ours(str(folder))))

    def uncompiled(self) -> Iterator[Diagnostic]:
        """Yield the fault of each own template that replaces one of the theme's and does not compile."""
        for folder in self.folders:
            for file in () if is_ours(str(folder)) else sorted(folder.rglob("*.*")):
                name = file.relative_to(folder).as_posix()
                if file.suffix in {".j2", ".html"} and any((ours / name).is_file() for ours in self.shipped.folders):
                    try:
                        _environment(self.folders).get_template(name)
                    except (TemplateError, ValueError, OSError) as error:
                        yield self._fault(name, error)

    def render(self, name: str, /, **context: Any) -> str:
        """Render a markup template. Raises :class:`ThemeError`."""
        return self._run(_environment(self.folders), name, context)

    def text(self, name: str, /, **context: Any) -> str:
        """Render a plain text template, without surrounding blank lines. Raises :class:`ThemeError`."""
        return self._run(_plain(self.folders), name, context).strip("\n")

    def _run(self, environment: ImmutableSandboxedEnvironment, name: str, context: dict[str, Any]) -> str:
        made: list[Released] = []
        try:
            return environment.get_template(name).render({**self._names(context), MADE: made})
        except _FAILURES as error:
            raise ThemeError(self._fault(name, error)) from error
        finally:
            for one in made:
                one.parent = one.vars = {}

    def _names(self, context: dict[str, Any]) -> dict[str, Any]:
        return {"theme": self.brand, "image": lambda name: self.brand.base + self.image_path(name), **context}

    @cached_property
    def _images(self) -> Mapping[str, Asset | Fault]:
        return asked_images(self.config)

    def image_path(self, name: str) -> str:
        """Return the published path of a theme picture. Raises ValueError if the template cannot use it."""
        found = self._images.get(name)
        if isinstance(found, Asset):
            return found.name
        message = say("{name} is put together, and a picture is published by its name", name=name)
        raise _NoImageError(found or Fault(IMAGE_MISSING, message, say('write image("…") with the name in quotes')))

    def style(self, name: str, assets: str) -> str:
        """Return a style sheet for pages: the brand's variables, the theme's sheet ``name``, the CSS of config.yaml.

        ``assets`` is the URL of ``assets/``, relative to the sheet. Raises ThemeError for a picture that cannot be
        shown, UsageError for a theme file that cannot be used.
        """
        own = self._sheet(name, assets) + self._sheet(name.replace("style", "theme"), assets, needed=False)
        return _compact(variables(self.brand, self.config.newsletter.language) + own + self.brand.css)

    def _sheet(self, name: str, assets: str, *, needed: bool = True) -> str:
        text = theme_text(self.config, name, needed=needed)

        def shown(found: re.Match[str]) -> str:
            if not found[2]:
                return found[0]
            try:
                return found[1] + assets + self.image_path(found[2]).removeprefix("assets/")
            except _NoImageError as error:
                line = text.count("\n", 0, found.start()) + 1
                raise ThemeError(self.fault(name, line, error.fault.message, error.fault.help)) from error

        return SHEET_PICTURE.sub(shown, text)

    def places(self, name: str, pattern: re.Pattern[str], /, **context: Any) -> list[tuple[str, int]]:
        """Template and line of each match of ``pattern`` in template sources, in the order of the output."""

        class Lines(Extension):
            def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
                lines = enumerate(source.split("\n"), 1)
                return "\n".join(pattern.sub(f"\x02{name}\x1f{number}\x03\\g<0>", line) for number, line in lines)

        marked = _environment(self.folders).overlay(extensions=[Lines], bytecode_cache=None)
        output = marked.get_template(name).render(self._names(context))
        return [(found, int(line)) for found, line in re.findall("\x02([^\x1f]*)\x1f([0-9]+)\x03", output)]

    def fault(self, name: str, line: int, message: Sentence, help: Sentence | None = None) -> Diagnostic:
        """Create a finding in template ``name`` at ``line``, from 1."""
        files = [folder / name for folder in self.folders]
        file = next((one for one in files if one.is_file()), files[-1])
        path = file.relative_to(self.root) if file.is_relative_to(self.root) else file
        return BROKEN.at(Place(path.as_posix(), Span.point(max(1, line))), message, help=help)

    def _fault(self, name: str, error: Exception) -> Diagnostic:
        line = 1
        if isinstance(error, TemplateSyntaxError):
            name, line = error.name or name, error.lineno
        else:
            for frame, folder in product(reversed(traceback.extract_tb(error.__traceback__)), self.folders):
                if Path(frame.filename).is_relative_to(folder):
                    name, line = Path(frame.filename).relative_to(folder).as_posix(), frame.lineno or 1
                    break
        if isinstance(error, _NoImageError | _RelativeError):
            return self.fault(name, line, error.fault.message, error.fault.help)
        advice = say("correct this line of the template")
        message = say("the template fails: {told}", told=error if str(error) else type(error).__name__)
        return self.fault(name, line, message, advice)


@lru_cache(maxsize=8)
def _compact(sheet: str) -> str:
    return _SPACE.sub(_spaced, sheet)


def _spaced(found: re.Match[str]) -> str:
    if found[2]:
        return "}" if found[2][-1] == "}" else found[2].strip()
    return found[1] or ("" if found[3] else " ")


class _NoImageError(ValueError):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class _RelativeError(TemplateSyntaxError):
    def __init__(self, address: str, line: int, name: str) -> None:
        message = say("{address} is not a whole address: mail has no place it can be relative to", address=address)
        picture = '{{ image("images/…") }}'
        self.fault = Fault(BROKEN, message, say("write https://…, or {code} for a picture of the theme", code=picture))
        super().__init__(message, line, name)


_RELATIVE = re.compile(
    r"""\{#.*?#\}|(?<![\w-])(?:href|src|background)=["'](?![a-z][a-z0-9+.-]*:|[#{"'])([^"'{]*)""",
    re.DOTALL | re.IGNORECASE,
)


class _Loader(FileSystemLoader):
    """Loader of the last of ``folders``. Links out of it are refused, because their targets would be published."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(folders[-1])
        self._before = [str(folder) for folder in folders[:-1] if not is_ours(str(folder))]

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the source of a template, its file, and a function that tells whether it is up to date."""
        found = super().get_source(environment, template)
        if not Path(found[1]).resolve().is_relative_to(self.searchpath[0]):
            raise TemplateError(say("{template} is a link out of the theme", template=template))
        # The package's files do not change while it runs; a check for each would be slow, as a page uses 50.
        ours, file = is_ours(found[1]), found[1]
        source = found[0] if ours else asking(found[0])
        same: Callable[[], bool] = (lambda: True) if ours else found[2]
        written = _RELATIVE.finditer(source) if template.startswith("email/") else ()
        for wrong in (one for one in written if one[1]):
            raise _RelativeError(wrong[1], source.count("\n", 0, wrong.start()) + 1, template)
        if own := [f"{folder}/{template}" for folder in self._before]:  # its files may be added later
            return source, file, lambda: same() and not any(map(os.path.isfile, own))
        return source, file, same


class _Compiled(FileSystemBytecodeCache):
    """Bytecode cache, beside the package's modules, of its templates: compiling takes longer than rendering an issue.

    A newsletter's templates are not cached on disk: they are data, and bytecode would be code.
    """

    def __init__(self, kind: str) -> None:
        pattern = f"{kind}-{publisher.__version__}-{jinja2_version}-{Writer.version}-%s.template"
        super().__init__(str(Path(publisher.__file__).parent / "__pycache__"), pattern)

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        """Return the cached bytecode of a template; an empty bucket without a key for one of a newsletter."""
        if is_ours(filename):
            return super().get_bucket(environment, name, filename, source)
        return Bucket(environment, "", "")

    def set_bucket(self, bucket: Bucket) -> None:
        """Store bytecode; write errors are ignored."""
        if bucket.key and not sys.dont_write_bytecode:
            with suppress(OSError):
                super().set_bucket(bucket)


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    made = Sandbox(
        loader=ChoiceLoader([_Loader(folders[:end]) for end in range(1, len(folders) + 1)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalized,
        cache_size=-1,  # a dict: there are as many as files
        bytecode_cache=_Compiled("markup"),
    )
    made.globals["thumbnail"] = thumbnail
    return made


@lru_cache(maxsize=8)
def _plain(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    """The environment of plain text templates, without escaping."""
    from publisher.edition.markdown.raw_text import link
    from publisher.edition.markdown.text import underlined  # imports all of Markdown

    made = _environment(folders).overlay(
        autoescape=False, finalize=lambda value: "" if value is None else value, bytecode_cache=_Compiled("text")
    )
    made.globals = made.globals | {"underlined": underlined, "link": link}
    return made
