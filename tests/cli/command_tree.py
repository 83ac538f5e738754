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
    return _paths_of(command_tree(), ())


def _paths_of(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    subcommands = getattr(command, "commands", {})
    if not subcommands:
        yield path
    for name, subcommand in subcommands.items():
        yield from _paths_of(subcommand, (*path, name))
