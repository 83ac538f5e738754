"""Files in the arguments of a command that runs in the pod, where this machine's files are not."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import typer

from workspace_operator.cli import app as workspacectl

METAVARS: Final = frozenset({"FILE", "FOLDER", "FILE|FOLDER", "FILE|FOLDER|-", "REJECTS", "UNDO"})
"""What the help of ``workspacectl`` calls files and folders."""
STREAM: Final = "-"


def paths_in_pod(arguments: Sequence[str]) -> Sequence[str]:
    """Return the absolute paths among the arguments of a command of ``workspacectl``, which are paths in the pod.

    Raises a usage error for a relative path: it can only be meant for this machine. Other mistakes in the arguments
    are left to the command.
    """
    found = list[str]()
    for parameter, value in _files(arguments):
        if value != STREAM and not PurePosixPath(value).is_absolute():
            name = max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.metavar
            raise typer.BadParameter(
                f"{value} is a file here, and the command runs in the pod: {_advice(parameter)}", param_hint=name
            )
        found.append(value)
    return [value for value in found if value != STREAM and not value.startswith("/dev/")]


def _files(arguments: Sequence[str]) -> Iterator[tuple[Any, str]]:
    """The options and arguments that take files, each with a value that was given."""
    root: Any = typer.main.get_command(workspacectl.app)
    _, command, rest = root.resolve_command(root.context_class(root), list(arguments))
    while subcommands := getattr(command, "commands", None):
        command = subcommands.get(rest.pop(0) if rest else "")
    if command is None:
        return
    # Resilient parsing ends at the first mistake and raises nothing.
    context = command.context_class(command, resilient_parsing=True)
    given, _, _ = command.make_parser(context).parse_args(rest)
    for parameter in command.params:
        values = given.get(parameter.name) if parameter.metavar in METAVARS else None
        yield from ((parameter, value) for value in ([values] if isinstance(values, str) else values or ()))


def _advice(parameter: Any) -> str:
    """What to do instead, as the help of the option or argument says what it can read or write."""
    is_option = parameter.param_type_name == "option"
    if "- is standard input" in parameter.help or "- for standard input" in parameter.help:
        return "give - instead, and send the file to standard input (< FILE)"
    if "- for standard output" in parameter.help:
        return "give - instead, and send standard output to the file (> FILE)"
    if is_option and "Default: standard output" in parameter.help:
        return "leave the option out, and send standard output to the file (> FILE)"
    return (
        "give an absolute path in the pod (kubectl cp copies files), such as /tmp/NAME, or run the command here with "
        "--database"
    )
