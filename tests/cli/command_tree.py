"""The commands of ``workspacectl``, all loaded."""

from typing import Any

import typer

from workspace_operator.cli.app import SUMMARIES, app, load_command


def command_tree() -> Any:
    """The root group, with each lazy command replaced by the loaded one."""
    root: Any = typer.main.get_command(app)
    root.commands |= {name: load_command(name) for name in SUMMARIES if name != "version"}
    return root
