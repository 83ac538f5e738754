"""Changes of settings before somebody commits them: the lines of the manifest, and what they would do.

The store has the settings of a workspace, but not its manifest. A manifest with the same settings is made here, and
planned with the changes in it, as ``workspacectl plan`` does. Nothing is written.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from workspace_operator.application.ports import Previews
from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.reconcile.plan.diff import ACCOUNT, FIELDS, MODE
from workspace_operator.resources.documents import Toggle
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import API_VERSION, KIND
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Workspace

ON_CONFLICT: Final = "spec.identifiers.onConflict"
ID_UPDATES: Final = "spec.identifiers.idUpdates"
SUSPEND: Final = "spec.suspend"

Values = Mapping[str, str]
"""Values of fields of the spec, by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """A field of the spec, by path. ``choices`` are all values that it can have; empty for a text."""

    path: str
    choices: tuple[str, ...] = ()


def _choice(path: str, values: type[StrEnum]) -> SettingField:
    return SettingField(path=path, choices=tuple(value.value for value in values))


SETTINGS: Final[Mapping[str, tuple[SettingField, ...]]] = {
    "displayName": (SettingField(path="spec.displayName"),),
    "color": (SettingField(path="spec.color"),),
    "identifiers": (_choice(MODE, Mode), _choice(ON_CONFLICT, OnConflict)),
    "emailUpdates": (_choice("spec.identifiers.emailUpdates", EmailUpdates),),
    "idUpdates": (_choice(ID_UPDATES, IDUpdates),),
    "mergeOptions": (_choice("spec.mergeOptions.multiIdentifier", Toggle),),
    "sendBehavior": (_choice("spec.sendBehavior.mode", SendMode), SettingField(path="spec.sendBehavior.testAddress")),
    "openTracking": (_choice("spec.openTracking", Toggle),),
    "transport": (SettingField(path="spec.sending.transport"),),
    "from": (SettingField(path="spec.sending.from"),),
    "appKeyMay": (_choice("spec.credentials.appKeyMay", AppKeyMay),),
}
"""The settings that a workspace can change, by name; the fields of one are changed together."""


def settings_in_force(workspace: Workspace) -> Values:
    """The settings of a workspace that are in force, without those that have no value."""
    values = ((path, read(workspace.settings)) for path, read in FIELDS)
    return {MODE: workspace.mode.value, **{path: value for path, value in values if value is not None}}


def settings_wanted(workspace: Workspace, migration: Migration | None) -> Values:
    """The settings that the resource asks for: those in force, but for an identifier change that has not ended."""
    values = settings_in_force(workspace)
    if migration is None or migration.stage in TERMINAL:
        return values
    return {**values, MODE: migration.to_mode.value, ON_CONFLICT: migration.on_conflict.value}


def manifest_lines(values: Values) -> Iterator[str]:
    """The lines of a manifest that set fields; a field without a value is removed by null."""
    yield from _lines(_nested({path: value or None for path, value in values.items()}), indent="")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPlan:
    """What a change would do.

    Attributes:
        problems: why an apply would refuse it; it has no effects then.
        effects: the lines of ``workspacectl plan``; none names a person.
    """

    problems: Sequence[Problem] = ()
    effects: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPlanner:
    """Plans changes of the settings of stored workspaces."""

    previews: Previews
    clock: Callable[[], datetime]

    def plan(self, workspace: Workspace, migration: Migration | None, changes: Values) -> SettingsPlan:
        """Plan changes of a workspace.

        Raises StatementTimeout if its people cannot be looked at within the time limit of reads.
        """
        # They take 10 MB, which a console needs only when somebody looks at a change.
        from workspace_operator.application.manifests.planner import Planner  # noqa: PLC0415
        from workspace_operator.reconcile.plan.descriptions import resource_lines  # noqa: PLC0415

        manifest = _manifest(workspace, migration, changes)
        planner = Planner(self.previews, cluster_id=workspace.owner.cluster, now=self.clock(), samples=0)
        if problems := planner.problems(manifest):
            return SettingsPlan(problems=problems)
        [planned] = planner.plan([manifest])
        return SettingsPlan(effects=tuple(resource_lines(planned)))


def _manifest(workspace: Workspace, migration: Migration | None, changes: Values) -> Mapping[str, Any]:
    """The manifest of a workspace as far as the store knows it, with changes."""
    values = {**settings_wanted(workspace, migration), ACCOUNT: workspace.account, **changes}
    if ID_UPDATES not in changes and values[ID_UPDATES] == IDUpdates.NEVER:
        del values[ID_UPDATES]  # the field is allowed in one mode only, and means this without being there
    is_suspended = migration is not None and migration.stage not in TERMINAL and migration.paused
    spec = {path: value for path, value in values.items() if value}
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"namespace": workspace.owner.namespace, "name": workspace.owner.name},
    }
    return document | _nested({**spec, **({SUSPEND: True} if is_suspended else {})})


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as nested mappings."""
    document: dict[str, Any] = {}
    for path, value in values.items():
        *folders, name = path.split(".")
        place = document
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    return document


def _lines(document: Mapping[str, Any], *, indent: str) -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from _lines(value, indent=f"{indent}  ")
        else:
            yield f"{indent}{name}: {_scalar(value)}"


_WORDS: Final = frozenset(choice for fields in SETTINGS.values() for field in fields for choice in field.choices)


def _scalar(value: str | None) -> str:
    """A value as YAML: known words are plain, since no YAML parser takes them for anything else than text."""
    return value if value in _WORDS else json.dumps(value, ensure_ascii=False)
