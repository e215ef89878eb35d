"""The command line: one module a command, thin. What a command does lives in the rooms below."""

from publisher.cli.app import main

__all__ = ["main"]
