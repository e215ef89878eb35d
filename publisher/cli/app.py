"""The ``publisher`` command: its global options, and the one place that maps exceptions to messages and exit statuses.

Exit status: 0 success; 1 the content or the outcome has faults; 2 wrong call, wrong config or environment.
"""

import atexit
import errno
import gc
import importlib
import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from publisher import __version__
from publisher.cli.frame import app
from publisher.cli.output import ignore_closed_output, print_error, show_findings, use_streams
from publisher.diagnostics.sentences import LANGUAGES, language, listed, reason_of, say
from publisher.errors import ConfigError, PublisherError, UsageError
from publisher.language import first_spoken

# The module of each command, in the order of --help, groups last. At import a module loads only typer and the frame;
# the rest is imported when a command runs.
COMMANDS = {
    "init": "authoring", "new": "authoring", "add": "authoring", "check": "check", "explain": "check",
    "schema": "check", "build": "build", "wechat": "build", "preview": "serve", "lsp": "serve", "mcp": "mcp",
    "plan": "publish", "publish": "publish", "hold": "send", "send": "send", "pause": "send", "resume": "send",
    "cancel": "send", "status": "status", "reconcile": "events", "report": "status", "verify": "doctor",
    "serve": "serve", "worker": "serve", "archive-mailings": "backup", "backup": "backup", "restore": "backup",
    "move": "backup", "doctor": "doctor", "draft": "authoring", "subscribers": "importing",
    "suppressions": "suppressions", "events": "events", "theme": "theme", "audience": "audience",
}  # fmt: skip


def _version(value: bool) -> None:
    if value:
        typer.echo(f"publisher {__version__}")
        raise typer.Exit


def _language(value: str | None) -> None:
    if value is None:
        return
    if (spoken := first_spoken(value, LANGUAGES)) is None:
        message = say("publisher does not speak {tag}", tag=value)
        raise UsageError(message, help=say("use one of {near}", near=listed(LANGUAGES)))
    language.set(spoken)


@app.callback()
def root_options(
    context: typer.Context,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="The newsletter repository.", envvar="PUBLISHER_ROOT")
    ] = Path(),
    lang: Annotated[  # noqa: ARG001 - read by its callback
        str | None,
        typer.Option(metavar="en|zh", callback=_language, help="The language of the output.", envvar="PUBLISHER_LANG"),
    ] = None,
    version: Annotated[  # noqa: ARG001 - read by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""
    if sys.platform == "win32":  # writers and senders need flock, which Windows lacks
        raise UsageError(say("publisher runs on Linux and macOS alone"), help=say("on Windows, run it in WSL"))
    context.obj = root


_SINGLE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")  # typer would keep those of a docstring, at any width


def application(args: Sequence[str] = ()) -> typer.Typer:
    """The application with only the command that ``args`` name, or with all commands if they name none."""
    words = (
        word
        for last, word in zip(("", *args), args, strict=False)
        if word[:1] != "-" and last not in {"--root", "--lang"}
    )
    name = next(words, "")
    if "--help" in args and (name not in args or args.index("--help") < args.index(name)):
        name = ""  # the list of all commands
    for module in {COMMANDS[name]} if name in COMMANDS else COMMANDS.values():
        importlib.import_module(f"publisher.cli.{module}")
    order = [*COMMANDS]
    app.registered_commands.sort(key=lambda one: order.index(one.callback.__name__.replace("_", "-")))  # type: ignore[union-attr]
    app.registered_groups.sort(key=lambda group: order.index(group.name or ""))
    for part in (app, *(group.typer_instance for group in app.registered_groups)):
        for command in part.registered_commands if part else ():
            command.help = _SINGLE_BREAK.sub(" ", inspect.cleandoc(command.callback.__doc__ or ""))
    return app


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(50_000, 20, 50)  # many tokens and nodes, no cycles: collection took a sixth of the time
    atexit.register(gc.freeze)  # the interpreter's last collection would look at all objects once more
    use_streams()
    status = 2
    try:
        args = _language_first(sys.argv[1:])
        status = application(args)(args, standalone_mode=False) or 0
        sys.stdout.flush()
    except ConfigError as error:
        show_findings(error.diagnostics, error.root)
        print_error(error.message, error.help)
    except PublisherError as error:
        print_error(error.message, error.help)
    except KeyboardInterrupt:
        print_error(say("interrupted"))
        status = 130
    except (BrokenPipeError, SystemExit) as error:
        # click and rich turn BrokenPipeError into SystemExit(1).
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        # The reader of our output has ended (``publisher … | head``): not an error.
        ignore_closed_output()  # discard what is still buffered
        status = 0
    except Exception as error:
        status = 2
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT} and error.filename is None:
            fault = say("the output cannot be written: {reason}", reason=reason_of(error))
            print_error(fault, say("make room, or send it elsewhere"))
            ignore_closed_output()
        elif isinstance(error, UnicodeEncodeError):
            fault = say("the encoding of this locale, {name}, cannot express a name", name=sys.getfilesystemencoding())
            print_error(fault, say("set LC_ALL=C.UTF-8"))
        else:
            status = _call_error(error)
    sys.exit(status if isinstance(status, int) else 0)


def _language_first(args: list[str]) -> list[str]:
    """The arguments with ``--lang`` moved before the command; users may write it after it as well."""
    for place, word in enumerate(args):
        if word == "--":
            break
        if word.startswith("--lang=") or (word == "--lang" and place + 1 < len(args)):
            end = place + (1 if "=" in word else 2)
            return args[place:end] + args[:place] + args[end:]
    return args


_MISTAKES = {
    r"No such command '(.*?)'": say("there is no command {name}"),
    r"No such option:? '?(-[^\s.']+)": say("there is no option {name}"),
    r"Missing command": say("the command is missing"),
    r"Missing (?:\w+ ')?(.*?)['.]": say("{name} is missing"),
    r"Option '(.*?)' requires an argument": say("{name} needs a value"),
    r"Option '(.*?)' does not take a value": say("{name} takes no value"),
    r"Got unexpected extra argument\S* \((.*)\)": say("{name} is one argument too many"),
    r"Invalid value for '(.*?)'(?:.* is not one of|.*)": say("the value of {name} is not one that it can have"),
}
_NEAR = re.compile(r"(?<=')[\w.-]+(?=')|--[\w-]+")


def _mistake(error: Exception) -> tuple[str, str] | None:
    """Translate click's usage error and its suggestions if another language was asked for, or if it is typer's."""
    text = getattr(error, "format_message", str)()
    if language.get() == "en" and "Value error" not in text:
        return None
    for pattern, said in _MISTAKES.items():
        if match := re.match(pattern, text, re.DOTALL):
            command = getattr(getattr(error, "ctx", None), "command_path", "publisher")
            near = listed(_NEAR.findall(text, match.end()))
            ways = say("use one of {near}", near=near) if near else say("{command} --help tells more", command=command)
            return say(said, name=match[1] if match.lastindex else ""), ways
    return None


def _call_error(error: Exception) -> int:
    """Show a usage error as click does and a plug-in's error as one line; re-raise a defect of our own."""
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if isinstance(code, int):
        if told := _mistake(error):
            print_error(*told)
        elif callable(show):
            show()
        return code
    from publisher.config.plugins import plugin_error_of

    if plugin := plugin_error_of(error):
        print_error(plugin.message, plugin.help)
        return 2
    raise error
