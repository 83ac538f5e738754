"""The command ``workspacectl``: its subcommands, which are imported when they are used, and its exit codes."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from workspace_operator.cli.conversion import convert_only_what_needs_it
from workspace_operator.cli.support.output import ERROR, print_error
from workspace_operator.errors import WorkspaceOperatorError

USAGE_ERROR = 64
"""As in sysexits.h. Click's own code, 2, means "changes" in plan."""

SUMMARIES: Final = {
    "apply": "Apply Workspace and Account manifests without a cluster.",
    "validate": "Check manifests without a database and without a cluster.",
    "plan": "Show what an apply would change.",
    "status": "Show what is wrong with the installation.",
    "version": "Print the version.",
    "run": "Run the operator, people API, worker, sender and console.",
    "console": "Print a link that signs you in to the web console.",
    "people": "Import, export, find and delete people.",
    "segments": "Manage manual segments.",
    "templates": "Apply, list, show and copy templates of messages.",
    "messages": "List, explain, cancel and preview messages.",
    "sending": "Manage the root key, and show senders and queues.",
    "merges": "Show merges of people, and undo them.",
    "migrations": "Show the progress of identifier migrations.",
    "cleanups": "Clean up people who block a migration, with undo.",
    "exports": "Show and write lists of people who block a migration.",
    "credentials": "Create, rotate and revoke API credentials.",
    "workspaces": "List, assign, move, stop and delete workspaces.",
    "accounts": "List and remove Accounts, and reset sign-ins.",
    "access": "Explain which workspaces an address reaches.",
    "audit": "Show who changed or downloaded what.",
    "usage": "Print workspaces, people and messages sent, by account.",
    "database": "Upgrade, distribute, check, back up and restore the database.",
}
"""The commands as ``workspacectl --help`` lists them; a test compares the texts with those of the commands."""

MODULES: Final = {
    **{name: f"sending.{name}" for name in ("templates", "messages", "sending")},
    **{name: f"accounts.{name}" for name in ("accounts", "access", "audit", "usage")},
    "cleanups": "cleanups.cleanups",
    "database": "maintenance.database",
    "status": "maintenance.status",
    "validate": "gitops.validate",
}
"""Modules of commands that are not called as the command, below the package of commands."""


class LazyGroup(TyperGroup):
    """A group that lists its commands by `SUMMARIES`, and imports a command's module when the command is used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        listed = {name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()}
        self.commands = {**listed, **self.commands}
        convert_only_what_needs_it(self)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Load the command that the arguments name, to run it, to print its help or to complete its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if command is None or command.callback else load_command(str(name)), rest


def load_command(name: str) -> Any:
    """Import the module of a command; returns the Click command or group."""
    loaded = typer.Typer(rich_markup_mode=None)
    with _without_collections():
        loaded.add_typer(import_module(f"workspace_operator.cli.commands.{MODULES.get(name, name)}").app)
    return convert_only_what_needs_it(typer.main.get_group(loaded).commands[name])


@contextmanager
def _without_collections() -> Iterator[None]:
    """Import without garbage collections, which would visit every module again and again.

    Modules live as long as the process, so later collections leave them out, too.
    """
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:  # once in a process: what is frozen is never collected
            gc.freeze()
        gc.enable()


app = typer.Typer(
    cls=LazyGroup,
    help="Declare customer-messaging workspaces as code, apply them, and manage their people.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("version")
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as package_version  # noqa: PLC0415 - takes as long as this module

    print(package_version("workspace-operator"))


def _print_version(is_asked: bool) -> None:
    if is_asked:
        version()
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None: ...


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit. An error that the user can fix is one line on standard error, without a traceback."""
    # An exception of Click carries its exit code in its class: 2, which is taken here.
    usage_error = typer.BadParameter.__base__
    setattr(usage_error, "exit_code", USAGE_ERROR)  # noqa: B010 - the type checker does not know the class
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # the encoding of a terminal may lack characters
    try:
        app(args=arguments, prog_name="workspacectl")
    except WorkspaceOperatorError as error:
        print_error(str(error))
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    sys.exit(ERROR)
