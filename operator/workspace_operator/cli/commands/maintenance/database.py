"""``workspacectl database``: schema, distribution, description and integrity; `backups` has the rest."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from workspace_operator import bootstrap
from workspace_operator.application.ports import DatabaseDescription, DistributionState, Finding, SchemaState
from workspace_operator.bootstrap import open_distribution, open_inspection, open_store
from workspace_operator.cli.commands.maintenance import backups
from workspace_operator.cli.commands.sending.root_keys import RootKeyFile
from workspace_operator.cli.support.options import CountPeople, Database, Format, Output
from workspace_operator.cli.support.output import STALLED, echo, info, json_text, print_table
from workspace_operator.errors import StoreUnavailable

app = typer.Typer(
    name="database", help="Upgrade, distribute, check, back up and restore the database.", no_args_is_help=True
)
app.command(epilog=backups.BACKUP_EXAMPLES)(backups.backup)
app.command()(backups.restore)

UPGRADE_DUE = 2
COLUMNS = ("FIELD", "VALUE")

SCHEMA_ADVICE = {
    SchemaState.NONE: "it has no schema: create one with `workspacectl database upgrade`",
    SchemaState.CURRENT: "current",
    SchemaState.OLDER: "an upgrade is due: back it up, then run `workspacectl database upgrade`",
    SchemaState.FOREIGN: "this version cannot use it: install the version of workspacectl that made it, or a newer one",
}
EXIT_CODES = {SchemaState.NONE: UPGRADE_DUE, SchemaState.OLDER: UPGRADE_DUE, SchemaState.FOREIGN: STALLED}


RETRY_SECONDS: Final = 2.0

DEFAULT_SHARDS: Final = 32
MAX_SHARDS: Final = 1024
"""Each shard of each table is a table with its indexes."""

Wait = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0, help="How long to keep trying while the database is unavailable."),
]


@app.command()
def upgrade(*, wait: Wait = 0, database: Database) -> None:
    """Upgrade the database to this version, or create it.

    Every other command except plan, database and status also upgrades an older schema. Only this command, apply and
    run create a database.
    """
    deadline = time.monotonic() + wait
    while not _try_upgrade(database, deadline):
        time.sleep(RETRY_SECONDS)


def _try_upgrade(database: str, deadline: float) -> bool:
    """Whether the upgrade is done. Raises StoreUnavailable if there is no time for another attempt."""
    try:
        with open_store(database) as store:
            echo(f"{store.name} is up to date")
    except StoreUnavailable as error:
        if time.monotonic() + RETRY_SECONDS > deadline:
            raise
        info(f"trying again in {RETRY_SECONDS:.0f} s: {error}")
        return False
    return True


Shards = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=MAX_SHARDS,
        help=f"Shards of each table, {DEFAULT_SHARDS} by default; at least as many as you will ever have machines.",
    ),
]


@app.command()
def distribute(*, shards: Shards = None, database: Database) -> None:
    """Distribute the tables over the machines of a Citus cluster.

    The database must have the extension Citus, and may have people. Stop all processes that use it first. It is
    created or upgraded if necessary. Tables that are distributed already are left as they are, so that the command
    can be run again after an interruption. Later upgrades distribute new tables themselves.
    """
    with open_distribution(database) as distribution:
        for table in distribution.distribute(shards=shards, default_shards=DEFAULT_SHARDS):
            echo(f"{table.name}: {table.placement}")
        statement = distribution.limit_role()
        echo(f"the database is distributed, with {distribution.shards()} shards for each table")
    if statement is not None:
        info(f"its user may not limit how long statements wait for locks: have an administrator run `{statement}`")


@app.command()
def status(
    *,
    root_key_file: RootKeyFile = None,
    count_people: CountPeople = False,
    output: Output = Format.TABLE,
    database: Database,
) -> None:
    """Show what the database is, and whether an upgrade is due.

    Nothing is written.

    ROOT KEY says whether the root key of this installation is that of the database. If it is not, or is missing,
    nothing is sent.

    Exit codes: 0 the schema is that of this version; 2 an upgrade is due, or a distribution is not complete; 3 another
    version is needed; 1 an error; 64 wrong usage.
    """
    with open_inspection(database) as inspection:
        description = inspection.describe(counts_people=count_people)
    document = _document(description, _root_key_state(description, database, root_key_file))
    if output is Format.JSON:
        print(json_text(document))
    else:
        print_table(COLUMNS, _rows(document))
    is_complete = description.distribution is None or description.distribution.problem is None
    raise typer.Exit(EXIT_CODES.get(description.schema, 0 if is_complete else UPGRADE_DUE))


@app.command()
def check(*, output: Output = Format.TABLE, database: Database) -> None:
    """Check the integrity of the database. Nothing is written.

    A SQLite file is checked by SQLite first. Then the rows are checked: whether identifiers lead to the people who
    have them, whether every row belongs to an existing workspace and person, and other rules about stored rows.
    It can run while the database is in use; on a large database it takes minutes.

    Exit codes: 0 nothing is wrong; 3 something is wrong; 1 an error; 64 wrong usage.
    """
    findings: list[Finding] = []
    with open_inspection(database) as inspection:
        for finding in inspection.check():
            findings.append(finding)
            if output is Format.TABLE:
                _print_finding(finding)
    if output is Format.JSON:
        print(json_text({"findings": [_finding_document(finding) for finding in findings]}))
    elif not findings:
        echo("nothing is wrong")
    else:
        info(f"{len(findings)} of the checks found something wrong")
    raise typer.Exit(STALLED if findings else 0)


def _document(description: DatabaseDescription, root_key: str) -> dict[str, Any]:
    return {
        "database": description.name,
        "engine": description.engine,
        "engineVersion": description.engine_version,
        "revision": description.revision,
        "requiredRevision": description.required_revision,
        "schema": description.schema,
        "sizeBytes": description.size_bytes,
        "storeID": description.store_id,
        "workspaces": description.workspaces,
        "people": description.people,
        "peopleCounted": description.are_people_counted,
        "rootKey": root_key,
        "rootKeyFingerprint": description.root_key_fingerprint,
        "distribution": _distribution_document(description.distribution),
    }


def _distribution_document(state: DistributionState | None) -> dict[str, Any] | None:
    return None if state is None else {"shards": state.shards, "problem": state.problem}


def _rows(document: dict[str, Any]) -> list[tuple[str, object]]:
    rows = [
        ("DATABASE", document["database"]),
        ("ENGINE", f"{document['engine']} {document['engineVersion']}"),
        ("REVISION", document["revision"]),
        ("REQUIRED REVISION", document["requiredRevision"]),
        ("SCHEMA", SCHEMA_ADVICE[document["schema"]]),
        ("SIZE", f"{document['sizeBytes'] / 1_000_000:.1f} MB"),
        ("STORE ID", document["storeID"]),
        ("WORKSPACES", document["workspaces"]),
        ("PEOPLE", document["people"] if document["peopleCounted"] else f"about {document['people']}"),
        ("ROOT KEY", document["rootKey"]),
    ]
    if distribution := document["distribution"]:
        none = "none: all tables are on the coordinator"
        shards = none if distribution["shards"] is None else f"{distribution['shards']} shards"
        rows.append(("DISTRIBUTION", distribution["problem"] or shards))
    return rows


def _root_key_state(description: DatabaseDescription, database: str, file: Path | None) -> str:
    """How the root key of this installation relates to that of the database."""
    key = bootstrap.find_root_key(database, file)
    if description.root_key_fingerprint is None:
        return "none yet: the first sender's key becomes that of the database"
    if key is None:
        return "not found here: name its file with --root-key-file"
    return "as the database" if key.fingerprint() == description.root_key_fingerprint else "other"


def _print_finding(finding: Finding) -> None:
    echo(f"{finding.check}: {finding.count}\n  {finding.meaning}\n  {finding.remedy}")
    for sample in finding.samples:
        echo(f"    {sample}")


def _finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "count": finding.count,
        "meaning": finding.meaning,
        "remedy": finding.remedy,
        "samples": list(finding.samples),
    }
