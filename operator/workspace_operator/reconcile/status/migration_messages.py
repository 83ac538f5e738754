"""Messages about identifier changes: short ones for Ready, the details for IdentifiersApplied.

No message holds a number that moves during a stage, so that progress alone writes no condition.
"""

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, Violation, disables_email
from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, Stage
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.status.messages import format_people
from workspace_operator.resources.statuses import MigrationStatus
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT

STAGES_WITHOUT_COUNTS = frozenset({Stage.REQUESTED, Stage.CHECKING})
"""Stages in which the counts are absent, or those of an earlier check."""

MAX_REPEATED_NAME = 120
"""Characters up to which a message has the name of the resource twice: with longer ones it would be cut off."""

STAGE_MESSAGES = {
    Stage.REQUESTED: "The change waits for the worker.",
    Stage.CHECKING: "The people are being checked.",
    Stage.PREPARING: "No person blocks the change; the cut-over is being prepared and waits for requests in progress.",
    Stage.SWITCHED: "The change is being completed.",
    Stage.MERGING: "People who share an address are being merged.",
}


def migration_running(migration: Migration) -> str:
    """Ready's message while an identifier change is in progress."""
    return (
        f"The identifiers change from {migration.from_mode} to {migration.to_mode}; every other setting is in force. "
        "status.migration shows the progress."
    )


def migration_blocked(migration: Migration) -> str:
    """Ready's message while people block an identifier change."""
    return f"{_blocking_people(migration)}. Condition IdentifiersApplied says what to do."


def running_details(migration: Migration) -> str:
    """The mode in force, the stage of the change, and what it means for people."""
    in_force = migration.from_mode if migration.stage in BEFORE_CUTOVER else migration.to_mode
    consequences = "" if migration.stage in STAGES_WITHOUT_COUNTS else _consequences(migration)
    return f"{in_force} is in force. {STAGE_MESSAGES[migration.stage]}{consequences}"


def blocked_details(migration: Migration, resource: Resource) -> str:
    """The violations that block the change, how to fix them, and what retries it."""
    return (
        f"{_blocking_people(migration)}{_violations(migration)}. {migration.from_mode} and every other setting stay "
        f"in force. List the people with `workspacectl exports get --workspace {resource.namespaced_name} --latest "
        f"-o FILE` and fix them.{_duplicates_hint(migration, resource)} {_retry_hint(resource)}"
    )


def identifiers_in_force(mode: Mode, migration: Migration | None) -> str:
    """The mode that holds for every request, with what is left of an open identifier change."""
    return running_details(migration) if migration else f"{mode} and its update rules are in force."


def identifiers_changed(before: Mode, now: Mode, migration: MigrationStatus | None) -> str:
    """The event of a cut-over; what it meant for people, if the newest migration made it."""
    text = f"The identifiers changed from {before} to {now}."
    if migration is None or (migration.from_mode, migration.to_mode) != (before, now):
        return text
    undo = " `workspacectl merges list` lists the merges so far." if migration.people_to_merge else ""
    return f"{text}{_consequences(migration)}{undo}"


def _consequences(migration: Migration | MigrationStatus) -> str:
    has_cut_over = migration.stage not in BEFORE_CUTOVER
    if disables_email(migration.from_mode, migration.to_mode) and migration.people_without_id:
        reached = "can now be" if has_cut_over else "will be"
        return f" {format_people(migration.people_without_id)} without an id {reached} reached by cio_id only."
    if not migration.people_to_merge:
        return ""
    merged = "became" if has_cut_over else "will become"
    ids = "1 id" if migration.ids_given_up == 1 else f"{migration.ids_given_up} ids"
    return f" {format_people(migration.people_to_merge)} {merged} part of another person, and {ids} {merged} free."


def _blocking_people(migration: Migration) -> str:
    count, total = migration.violations.people_concerned, format_people(migration.people_total)
    return f"{count} of {total} {'blocks' if count == 1 else 'block'} the change to {migration.to_mode}"


def _retry_hint(resource: Resource) -> str:
    if not resource.is_in_cluster:
        return "Then run `workspacectl apply` again."
    return (
        "The operator then retries the change within a minute, or at once when the annotation "
        f"{RECONCILE_REQUESTED_AT} gets a new value."
    )


def _duplicates_hint(migration: Migration, resource: Resource) -> str:
    if not _blocking_duplicates(migration):
        return ""
    counts, name = migration.violations, resource.namespaced_name
    workspace = name if len(name) <= MAX_REPEATED_NAME else "NAMESPACE/NAME"
    dedupe = (
        f" `workspacectl people dedupe --workspace {workspace} --keep oldest --dry-run` counts the "
        "people to delete if only the oldest of each shared address is kept; without --dry-run, it deletes them."
    )
    if counts.invalid_email or counts.suppressed_email or counts.id_is_another_email:
        return dedupe
    return f"{dedupe} Or spec.identifiers.onConflict: Merge merges the people who share an address."


def _blocking_duplicates(migration: Migration) -> int:
    return 0 if migration.on_conflict is OnConflict.MERGE else migration.violations.duplicate_email


def _violations(migration: Migration) -> str:
    counts = migration.violations.by_violation() | {Violation.DUPLICATE_EMAIL: _blocking_duplicates(migration)}
    listed = [f"{violation} {count}" for violation, count in counts.items() if count]
    return f" ({', '.join(listed)}; a person can have several violations)" if listed else ""
