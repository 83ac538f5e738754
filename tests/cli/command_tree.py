"""The commands of ``workspacectl``, all loaded."""

from collections.abc import Iterator
from typing import Any

import typer

from workspace_operator.cli.app import SUMMARIES, app, load_command


def command_tree() -> Any:
    """The root group, with each lazy command replaced by the loaded one."""
    root: Any = typer.main.get_command(app)
    root.commands |= {name: load_command(name) for name in SUMMARIES if name != "version"}
    return root


def command_paths() -> Iterator[tuple[str, ...]]:
    """The words of each command, such as ``people``, ``import``."""
    for name, command in command_tree().commands.items():
        subcommands = getattr(command, "commands", {})
        yield from ((name, subcommand) for subcommand in subcommands)
        if not subcommands:
            yield (name,)
