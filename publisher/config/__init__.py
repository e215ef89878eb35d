"""config.yaml, read into a frozen :class:`Config`."""

from publisher.config.load import load_config, read_config
from publisher.config.model import Config

__all__ = ["Config", "load_config", "read_config"]
