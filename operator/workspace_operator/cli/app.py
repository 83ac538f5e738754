"""The command ``workspacectl``, put together; and what its exit codes mean."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

import typer

from workspace_operator.cli.commands import (
    apply,
    credentials,
    database,
    exports,
    merges,
    migrations,
    people,
    plan,
    run,
    segments,
    workspaces,
)
from workspace_operator.cli.support.output import ERROR, print_error
from workspace_operator.errors import WorkspaceOperatorError

USAGE_ERROR = 64
"""As in sysexits.h; 2 would say "changes" in plan."""

app = typer.Typer(
    help="Workspaces as code: declare customer-messaging workspaces, bring them into force, look after their people.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("apply", epilog=apply.EXAMPLES)(apply.apply)
app.command("plan", epilog=plan.EXAMPLES)(plan.plan)
app.add_typer(run.app, name="run", short_help="Run the operator, the people API and the worker, or one.")
app.add_typer(people.app, name="people")
app.add_typer(segments.app, name="segments")
app.add_typer(merges.app, name="merges")
app.add_typer(migrations.app, name="migrations")
app.add_typer(exports.app, name="exports")
app.add_typer(credentials.app, name="credentials")
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(database.app, name="database")


@app.command("version")
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of

    print(version_of("workspace-operator"))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit. Errors that are the user's to mend are told on standard error, without a traceback."""
    # The exceptions of the command line know their exit code by their class; theirs would be 2.
    usage_error = typer.BadParameter.__base__
    setattr(usage_error, "exit_code", USAGE_ERROR)  # noqa: B010 - the type checker does not know the class
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know less than Unicode
    try:
        app(args=arguments, prog_name="workspacectl")
    except WorkspaceOperatorError as error:
        print_error(str(error))
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    sys.exit(ERROR)
