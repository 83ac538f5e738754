"""``workspacectl status``: what is wrong with the installation, where, why, and what to do."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import typer

from workspace_operator.application.status.installations import Installation
from workspace_operator.application.status.problems import Problem, problems_of
from workspace_operator.bootstrap import observe_installation
from workspace_operator.cli.commands.sending.root_keys import RootKeyFile
from workspace_operator.cli.support.options import CountPeople, Database, Format, Output
from workspace_operator.cli.support.output import STALLED, echo, json_text, people_text, print_table, time_text

app = typer.Typer()

REASONS_PAGE = "docs/reasons.md"
CLUSTER_HINT = (
    "Of resources, it knows what operators wrote within the last minute. The cluster knows the present state: "
    "kubectl get workspaces,accounts --all-namespaces -o wide"
)


@app.command()
def status(
    *,
    root_key_file: RootKeyFile = None,
    count_people: CountPeople = False,
    output: Output = Format.TABLE,
    database: Database,
) -> None:
    """Show what is wrong with the installation.

    For each problem, it says where, why, and what to do. It reads the database only, and writes nothing. Each problem
    has a reason, which docs/reasons.md explains. Operators write every 10 seconds which resources are Stalled. The
    cluster has the present status of all: kubectl get workspaces,accounts --all-namespaces -o wide.

    Exit codes: 0 nothing is wrong; 3 something is wrong; 1 an error; 64 wrong usage.
    """
    installation = observe_installation(database, root_key_file, counts_people=count_people)
    problems = problems_of(installation)
    if output is Format.JSON:
        print(json_text(_document(installation, problems)))
    else:
        print_table(("PART", "STATE"), _summary(installation))
        _print_problems(problems)
    raise typer.Exit(STALLED if problems else 0)


def _summary(state: Installation) -> Sequence[tuple[str, object]]:
    database, directory = state.database, state.directory
    stages = Counter(migration.stage for _, migration in state.migrations)
    waiting = sum(queue.next_due_at is not None for queue in directory.queues)
    about = "" if database.are_people_counted else "about "
    offers = sorted({offer.name for sender in state.senders_with_key for offer in sender.offers})
    return [
        ("DATABASE", f"{database.engine} {database.engine_version}, revision {database.revision}, {database.store_id}"),
        ("WORKSPACES", f"{database.workspaces}, with {about}{people_text(database.people)}"),
        (
            "OPERATORS",
            f"{len(state.live_clusters)} clusters, {len(state.silent_clusters)} silent",
        ),
        ("SENDERS", f"{len(state.live_senders)}, with the transports: {', '.join(offers) or 'none'}"),
        (
            "MESSAGES",
            f"wait in {waiting} workspaces, the first is due {time_text(state.oldest_due_at)}" if waiting else "none",
        ),
        ("MIGRATIONS", ", ".join(f"{count} {stage}" for stage, count in sorted(stages.items())) or "none"),
    ]


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        echo(f"\n{problem.reason} ({problem.count})\n  {problem.why}")
        for place in problem.places:
            echo(f"    {place}")
        if problem.count > len(problem.places) > 0:
            echo(f"    and {problem.count - len(problem.places)} more")
        echo(f"  What to do: {problem.remedy}\n  {REASONS_PAGE}#{problem.reason.lower()}")
    echo(f"\n{CLUSTER_HINT}" if problems else f"\nNothing is wrong.\n{CLUSTER_HINT}")


def _document(state: Installation, problems: Sequence[Problem]) -> dict[str, Any]:
    database = state.database
    return {
        "database": {
            "name": database.name,
            "engine": database.engine,
            "engineVersion": database.engine_version,
            "revision": database.revision,
            "requiredRevision": database.required_revision,
            "storeID": database.store_id,
        },
        "workspaces": database.workspaces,
        "people": database.people,
        "peopleCounted": database.are_people_counted,
        "clusters": [
            {
                "id": cluster,
                "heartbeatTime": time_text(heartbeat.beat_at),
                "silent": cluster in state.silent_clusters,
                "workspaces": state.directory.workspaces_by_cluster.get(cluster, 0),
            }
            for cluster, heartbeat in sorted(state.heartbeats.items())
        ],
        "senders": len(state.live_senders),
        "oldestDueTime": time_text(state.oldest_due_at),
        "migrations": dict(Counter(migration.stage.value for _, migration in state.migrations)),
        "problems": [
            {
                "reason": str(problem.reason),
                "count": problem.count,
                "places": list(problem.places),
                "why": problem.why,
                "remedy": problem.remedy,
                "page": f"{REASONS_PAGE}#{problem.reason.lower()}",
            }
            for problem in problems
        ],
    }
