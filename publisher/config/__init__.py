"""config.yaml, read into a frozen :class:`Config`."""

from publisher.config.model import Config

__all__ = ["Config"]
