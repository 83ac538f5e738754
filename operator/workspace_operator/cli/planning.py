"""``workspacectl plan``: what an apply would do, without doing it."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.options import Database
from workspace_operator.cli.output import STALLED, json_text, note
from workspace_operator.errors import InvalidInput
from workspace_operator.settings import DEFAULT_CLUSTER_ID

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.planning import Planner
    from workspace_operator.reconcile.forecasts import Forecast, Outcome
    from workspace_operator.resources.manifests import Manifest

CHANGES = 2
SAMPLES = 3
MOST_SAMPLES = 100

EXAMPLES = """
Examples:

\b
  workspacectl plan -f crm.yaml
  workspacectl plan -f examples/ --samples 0 -o json
"""


class Format(StrEnum):
    """How a plan is printed."""

    TABLE = "table"
    JSON = "json"


def plan(
    *,
    filename: Annotated[Path, typer.Option("-f", "--filename", metavar="FILE|FOLDER", help="Manifests of Workspaces.")],
    samples: Annotated[
        int,
        typer.Option(
            "--samples", metavar="N", min=0, max=MOST_SAMPLES, help="How many people to show for each violation."
        ),
    ] = SAMPLES,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to print the plan.")] = Format.TABLE,
    cluster_id: Annotated[
        str, typer.Option("--cluster-id", metavar="ID", help="Names this set of manifests in the database.")
    ] = DEFAULT_CLUSTER_ID,
    database: Database,
) -> None:
    """Tell what an apply would do, without doing it.

    A change of identifiers is checked against the people there are. Nothing is written.

    Exits with 0 when nothing is to do, 2 when something would change, 3 when a person would have to act (blocked or in
    conflict), 1 on an error.
    """
    from workspace_operator import bootstrap
    from workspace_operator.application.planning import Planner
    from workspace_operator.reconcile.forecasts import outcome_of_all
    from workspace_operator.resources.manifests import load_manifests

    found = load_manifests(filename)
    for other in found.others:
        note(f"left out: {other.title} ({other.where()})")
    with bootstrap.looked_into(database) as previews:
        planner = Planner(previews, cluster_id=cluster_id, now=bootstrap.utc_now(), samples=samples)
        _refuse_invalid(found.ours, planner)
        forecasts = planner.plan([manifest.document for manifest in found.ours])
    _print(forecasts, output)
    raise typer.Exit(_exit_code(outcome_of_all(forecasts)))


def _refuse_invalid(manifests: "Sequence[Manifest]", planner: "Planner") -> None:
    problems = [
        f"{manifest.title}: {manifest.told(problem)}"
        for manifest in manifests
        for problem in planner.problems(manifest.document)
    ]
    if problems:
        raise InvalidInput("nothing was planned, since nothing would be applied:\n" + "\n".join(problems))


def _print(forecasts: "Sequence[Forecast]", output: Format) -> None:
    from workspace_operator.cli import forecasts as printed

    if output is Format.JSON:
        print(json_text(printed.document_of(forecasts)))
    else:
        printed.print_forecasts(forecasts)


def _exit_code(outcome: "Outcome") -> int:
    from workspace_operator.reconcile.forecasts import Outcome

    return {Outcome.NOTHING: 0, Outcome.CHANGES: CHANGES, Outcome.BLOCKED: STALLED}[outcome]
