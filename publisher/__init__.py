"""A newsletter publishing pipeline: committed files in, one message per inbox and an archive out.

``__all__`` is the public API (docs/library.md). Each name is imported on first access, so that ``import publisher``
costs nothing; ``__init__.pyi`` has the types.
"""

from importlib import import_module

__version__ = "0.2.0"

_OFFERED = {
    "library": ("load", "check", "render", "build", "publish"),
    "diagnostics": ("Diagnostic", "Severity"),
    "issue.model": ("Issue",),
    "edition.model": ("Edition",),
    "site.model": ("BuildResult",),
    "publishing.run": ("Published",),
    "errors": (
        "PublisherError", "UsageError", "ConfigError", "ContentError", "DatabaseError", "TransportError", "DeployError",
        "PluginError", "ServiceError",
    ),
}  # fmt: skip
_MODULES = {name: module for module, names in _OFFERED.items() for name in names}
__all__ = list(_MODULES)


def __getattr__(name: str) -> object:
    """Import a public name on first access (PEP 562)."""
    if name == "testing":
        return import_module("publisher.testing")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
