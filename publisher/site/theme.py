"""The theme of the archive: ``templates/web`` of the newsletter, file by file over the package's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

import publisher
from publisher.config import Config
from publisher.errors import UsageError

_PACKAGE = Path(publisher.__file__).parent


def theme_folders(config: Config) -> tuple[Path, ...]:
    """Where templates are looked for, in order: the newsletter's theme, then the one shipped with the package."""
    shipped = _PACKAGE / "_theme"
    if not shipped.is_dir():  # a checkout: the wheel copies templates/ there
        shipped = _PACKAGE.parent / "templates"
    own = config.root / config.templates
    return (own / "web", shipped / "web") if own.is_dir() else (shipped / "web",)


@dataclass(frozen=True)
class Theme:
    """Compiled templates, and the static files with their hashed names."""

    environment: Environment
    folders: tuple[Path, ...]

    @classmethod
    def of(cls, config: Config) -> Theme:
        """The theme of a newsletter."""
        folders = theme_folders(config)
        return cls(_environment(folders), folders)

    def render(self, template: str, **values: object) -> str:
        """Render a page. Raises :class:`UsageError` where the template is broken: that is the theme's fault."""
        try:
            return self.environment.get_template(template).render(**values)
        except TemplateError as error:
            line = f":{number}" if (number := getattr(error, "lineno", None)) else ""
            name = getattr(error, "name", None) or template
            raise UsageError(
                f"the template web/{name}{line} does not work: {error.message}",
                help="mend it, or delete it to get the one shipped",
            ) from error

    def static(self, name: str) -> tuple[str, bytes]:
        """A file of the theme as ``(path in the site, content)``; the path carries a hash: cache it for ever."""
        content = next(folder / name for folder in self.folders if (folder / name).is_file()).read_bytes()
        stem, _, suffix = name.rpartition(".")
        return f"assets/{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}", content


@lru_cache(maxsize=4)
def _environment(folders: tuple[Path, ...]) -> Environment:
    return Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
