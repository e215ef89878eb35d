"""The command line: one thin module per group of commands. The work is done by the packages below."""

from publisher.cli.app import main

__all__ = ["main"]
