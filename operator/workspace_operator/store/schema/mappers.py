"""Mapping between rows and values: the only module that knows which column is which field."""

from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.values.rules import EmailUpdates, IdentityRules, IDUpdates, Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.sending.rules import SendingRules, SendMode
from workspace_operator.store.schema.tables import account, migration, shared_email, workspace
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Owner, Settings, Workspace

Row = sa.Row[Any]


def workspace_of(row: Row) -> Workspace:
    """Read a workspace from its row, which also has ``account_name``."""
    return Workspace(
        workspace_id=row.workspace_id,
        account=row.account_name,
        owner=owner_of(row),
        mode=Mode(row.mode),
        settings=settings_of(row),
        row_version=row.row_version,
        spec_generation=row.spec_generation,
        spec_row_version=row.spec_row_version,
        accepted_generation=row.accepted_generation,
        accepted_request=row.accepted_request,
        send_version=row.send_version,
        knows_send_mode=knows_send_mode(row),
    )


def knows_send_mode(row: Row) -> bool:
    """Whether this version knows the send mode of a workspace's row."""
    return SendMode.known(row.send_mode) is not None


def settings_of(row: Row) -> Settings:
    """Read the settings from a workspace's row; unknown values are read as the strictest ones."""
    return Settings(
        display_name=row.display_name,
        color=row.color,
        email_updates=EmailUpdates(row.email_updates),
        id_updates=IDUpdates(row.id_updates),
        merge_multi_identifier=row.merge_multi_identifier,
        send_mode=SendMode.known(row.send_mode) or SendMode.NEVER,
        test_address=row.test_address,
        open_tracking=row.open_tracking,
        transport=row.transport,
        sender=row.sender,
        app_key_may=AppKeyMay.stored(row.app_key_may),
    )


def settings_values(settings: Settings) -> dict[str, object]:
    """Column values of a workspace for settings."""
    return {
        "display_name": settings.display_name,
        "name_key": comparison_key(settings.display_name),
        "color": settings.color,
        "email_updates": settings.email_updates.value,
        "id_updates": settings.id_updates.value,
        "merge_multi_identifier": settings.merge_multi_identifier,
        "send_mode": settings.send_mode.value,
        "test_address": settings.test_address,
        "open_tracking": settings.open_tracking,
        "transport": settings.transport,
        "sender": settings.sender,
        "app_key_may": settings.app_key_may.value,
    }


def rules_of(row: Row) -> IdentityRules:
    """Read the effective identity rules from a workspace's row."""
    return IdentityRules(
        mode=Mode(row.mode),
        email_updates=EmailUpdates(row.email_updates),
        id_updates=IDUpdates(row.id_updates),
        merge_multi_identifier=row.merge_multi_identifier,
    )


def sending_rules_of(row: Row) -> SendingRules:
    """Read the sending rules in force from a workspace's row; the mode may be one that this version does not know."""
    return SendingRules(
        mode=SendMode.known(row.send_mode),
        test_address=row.test_address,
        open_tracking=row.open_tracking,
        transport=row.transport,
        sender=row.sender,
        send_version=row.send_version,
    )


def owner_of(row: Row) -> Owner:
    """Read an owner from a row that has the workspace's owner columns."""
    return Owner(
        cluster=row.owner_cluster,
        namespace=row.owner_namespace,
        name=row.owner_name,
        uid=row.owner_uid,
        created_at=row.owner_created_at,
    )


def owner_values(owner: Owner) -> dict[str, object]:
    """Column values of a workspace for an owner."""
    return {
        "owner_cluster": owner.cluster,
        "owner_namespace": owner.namespace,
        "owner_name": owner.name,
        "owner_uid": owner.uid,
        "owner_created_at": owner.created_at,
    }


IS_OWNED_BY = sa.and_(
    workspace.c.owner_cluster == sa.bindparam("cluster"),
    workspace.c.owner_namespace == sa.bindparam("namespace"),
    workspace.c.owner_name == sa.bindparam("name"),
)
"""Whether a workspace belongs to a cluster, namespace and name (`owner_parameters`), with any UID."""


def owner_parameters(owner: Owner) -> dict[str, str]:
    """Parameters of `IS_OWNED_BY` for an owner."""
    return {"cluster": owner.cluster, "namespace": owner.namespace, "name": owner.name}


ACCOUNT_NAME = account.c.name.label("account_name")

WORKSPACE_JOIN_ACCOUNT = sa.join(workspace, account, account.c.account_id == workspace.c.account_id)

WORKSPACES_WITH_ACCOUNT = sa.select(workspace, ACCOUNT_NAME).select_from(WORKSPACE_JOIN_ACCOUNT)
"""Workspaces with their accounts, the input of `workspace_of`."""

MIGRATIONS_WITH_OWNER = sa.select(
    migration, *(workspace.c[f"owner_{part}"] for part in ("cluster", "namespace", "name", "uid", "created_at"))
).join(workspace, workspace.c.workspace_id == migration.c.workspace_id)
"""Migrations with the owners of their workspaces."""

IS_PENDING_MERGE = sa.and_(shared_email.c.people > sa.literal_column("1"), shared_email.c.merged.is_(False))
"""Whether several rows share an address: after the cut-over of a migration that merges, they are one person."""

_newer = migration.alias("newer")
IS_NEWEST_MIGRATION = ~sa.exists().where(
    _newer.c.workspace_id == migration.c.workspace_id, _newer.c.number > migration.c.number
)

_NEWEST_MIGRATION = (
    sa.select(migration)
    .where(migration.c.workspace_id == sa.bindparam("workspace_id"))
    .order_by(migration.c.number.desc())
    .limit(sa.literal_column("1"))
)


def newest_migration(connection: sa.Connection, workspace_id: int) -> Row | None:
    """The newest migration of a workspace, whether ended or not."""
    return connection.execute(_NEWEST_MIGRATION, {"workspace_id": workspace_id}).one_or_none()


def migration_of(row: Row) -> Migration:
    """Read a migration from its row."""
    return Migration(
        workspace_id=row.workspace_id,
        number=row.number,
        from_mode=Mode(row.from_mode),
        to_mode=Mode(row.to_mode),
        on_conflict=OnConflict(row.on_conflict),
        stage=Stage(row.stage),
        stage_since=row.stage_since,
        paused=row.paused,
        requested_at=row.requested_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        people_total=row.people_total,
        people_checked=row.people_checked,
        people_without_id=row.people_without_id,
        people_without_identifier=row.people_without_identifier,
        people_to_merge=row.people_to_merge,
        people_merged=row.people_merged,
        ids_given_up=row.ids_given_up,
        violations=ViolationCounts(**{field.name: getattr(row, field.name) for field in fields(ViolationCounts)}),
        export=row.export,
        retry_token=row.retry_token,
        estimated_completion=row.estimated_completion,
        revision=row.revision,
        progress=row.progress,
    )


def violation_values(counts: ViolationCounts) -> dict[str, object]:
    """Column values of a migration for violation counts, by the names of the fields."""
    return asdict(counts)
