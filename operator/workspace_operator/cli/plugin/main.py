"""The command line of ``kubectl ws``: its own commands, and every other one of ``workspacectl``."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from workspace_operator.cli.app import SUMMARIES, USAGE_ERROR
from workspace_operator.cli.plugin.commands import Plugin, print_violations, run_anything, run_plan, run_validate
from workspace_operator.cli.plugin.kubectl import Kubectl
from workspace_operator.cli.plugin.report import write_report
from workspace_operator.cli.support.output import ERROR, print_error
from workspace_operator.errors import WorkspaceOperatorError

VALUED_OPTIONS: Final = (
    "--kubeconfig",
    "--context",
    "--operator-namespace",
    "--release",
    "--namespace",
    "-n",
    "--database",
)
OWN_COMMANDS: Final = frozenset({"plan", "validate", "status", "violations", "report"})
NOT_IN_PODS: Final = frozenset({"run", "apply"})
"""Servers; and the command for manifests without a cluster, whose resources the operator would not know."""

RAW: Final[dict[str, Any]] = {"ignore_unknown_options": True, "help_option_names": []}
EXAMPLES = """
Examples:

\b
  kubectl ws plan -k overlays/staging
  kubectl ws status
  kubectl ws violations club --namespace members > to-fix.csv
  kubectl ws report --output report.txt
  kubectl ws --context staging workspaces list --orphans
  kubectl ws people export --workspace members/club > people.csv
"""


class PluginGroup(TyperGroup):
    """A group whose unknown commands are those of ``workspacectl``, run in the pod."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command of the plugin, or one that passes its arguments on."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in SUMMARIES.keys() - NOT_IN_PODS:
            return own
        return _passed_on(cmd_name)


app = typer.Typer(
    cls=PluginGroup,
    help="Run workspacectl in the operator's pod. All commands of workspacectl except run and apply work.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    ctx: typer.Context,
    *,
    kubeconfig: Annotated[str | None, typer.Option("--kubeconfig", metavar="FILE", help="As for kubectl.")] = None,
    context: Annotated[str | None, typer.Option("--context", metavar="NAME", help="As for kubectl.")] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAME", help="The namespace of the Workspaces, as for kubectl.")
    ] = "",
    operator_namespace: Annotated[
        str, typer.Option("--operator-namespace", metavar="NAME", help="The namespace of the operator's pod.")
    ] = "workspace-operator",
    release: Annotated[
        str,
        typer.Option("--release", metavar="NAME", help="The operator's release, if the namespace has several."),
    ] = "",
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="Run workspacectl locally, on this database.")
    ] = None,
) -> None:
    given = {"--kubeconfig": kubeconfig, "--context": context}
    options = tuple(word for option, value in given.items() if value is not None for word in (option, value))
    kubectl = Kubectl(options=options, namespace=namespace, operator_namespace=operator_namespace, release=release)
    ctx.obj = Plugin(kubectl=kubectl, database=database)


Arguments = Annotated[list[str] | None, typer.Argument(metavar="[OPTIONS]…")]


@app.command("plan", context_settings=RAW)
def plan(ctx: typer.Context, arguments: Arguments = None) -> None:
    """Show what an apply would change.

    The options are those of workspacectl plan; the files are local. The manifests are sent to the pod.
    """
    raise typer.Exit(run_plan(ctx.obj, arguments or ()))


@app.command("validate", context_settings=RAW)
def validate(arguments: Arguments = None) -> None:
    """Check manifests, without the pod.

    The options are those of workspacectl validate.
    """
    run_validate(arguments or ())


@app.command("violations", context_settings=RAW)
def violations(
    ctx: typer.Context,
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="The name of the Workspace.")],
    arguments: Arguments = None,
) -> None:
    """Print the people who block a migration.

    The output is CSV. The options are those of workspacectl exports get, except -o.
    """
    raise typer.Exit(print_violations(ctx.obj, workspace, arguments or ()))


@app.command("report")
def report(
    ctx: typer.Context,
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is standard output.")
    ] = "-",
    tail: Annotated[int, typer.Option("--tail", metavar="N", min=0, max=10_000, help="Log lines of each pod.")] = 200,
) -> None:
    """Write a redacted support bundle.

    It has versions, settings without secrets, conditions, events, counts and recent log lines, and no addresses, keys
    or names of people.
    """
    write_report(ctx.obj, output, tail=tail)


def _passed_on(name: str) -> TyperCommand:
    loaded = typer.Typer(rich_markup_mode=None, add_completion=False)

    @loaded.command(name, context_settings=RAW)
    def run(ctx: typer.Context, arguments: Arguments = None) -> None:
        raise typer.Exit(run_anything(ctx.obj, [name, *(arguments or ())]))

    command = typer.main.get_command(loaded)
    assert isinstance(command, TyperCommand)  # noqa: S101 - an app of one command is that command
    return command


def options_first(arguments: Sequence[str]) -> list[str]:
    """Move kubectl's options of the plugin's own commands to the front: as with kubectl, they may come later."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in VALUED_OPTIONS:
            front += [word, *(value for value in [next(words, None)] if value is not None)]
        elif word.partition("=")[0] in VALUED_OPTIONS:
            front.append(word)
        else:
            rest.append(word)
    is_own = bool(rest) and rest[0] in OWN_COMMANDS
    return [*front, *rest] if is_own else list(arguments)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the plugin and exit; exit codes are those of the command."""
    setattr(typer.BadParameter.__base__, "exit_code", USAGE_ERROR)  # noqa: B010 - the type checker does not know the class
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=options_first(given), prog_name="kubectl ws")
    except WorkspaceOperatorError as error:
        print_error(str(error))
    except OSError as error:
        print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    sys.exit(ERROR)
