"""The settings of a workspace: wanted and in force; and the form that tells what to commit to change one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from workspace_operator.application.manifests.settings_changes import (
    SETTINGS,
    SettingField,
    SettingsPlan,
    Values,
    manifest_lines,
    settings_in_force,
    settings_wanted,
)
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.plan.diff import MODE
from workspace_operator.workspaces.model import Workspace

CHANGE = "change"
"""The parameter that names the setting to change; its fields are parameters by their paths."""


MAX_LINE = 1_000
"""Characters of a line of a plan that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLine:
    """A field of the spec.

    Attributes:
        path: such as ``spec.color``.
        wanted: what the resource asks for; empty if it asks for nothing.
        since: when the value came into force; None if the store does not know.
        href: the form that tells how to change it; empty for a field that changes together with the one above.
    """

    name: str
    path: str
    wanted: str
    in_force: str
    since: ShownTime | None
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInput:
    """An input of the form: a choice, or a text if there are no choices."""

    path: str
    name: str
    value: str
    choices: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeForm:
    """A form that changes nothing.

    Attributes:
        yaml: what to commit; empty before the form was sent, or if the values are wrong.
        problems: what is wrong with the values.
        effects: what the change would do, line by line.
        note: why the effects are not shown; empty if they are.
    """

    setting: str
    name: str
    inputs: Sequence[FieldInput]
    yaml: str
    problems: Sequence[str]
    effects: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView:
    """The settings of a workspace, and the form to change one, if it is open."""

    href: str
    resource: str
    lines: Sequence[SettingLine]
    form: ChangeForm | None


def settings_view(workspace: Workspace, migrations: Sequence[Migration], form: ChangeForm | None) -> SettingsView:
    """The settings of a workspace whose newest migrations are given, newest first."""
    href = f"/w/{workspace.workspace_id}/settings"
    wanted, in_force = settings_wanted(workspace, newest(migrations)), settings_in_force(workspace)
    mode_since = _mode_since(workspace, migrations)
    return SettingsView(
        href=href,
        resource=visible(f"{workspace.owner.namespace}/{workspace.owner.name}"),
        lines=[
            SettingLine(
                name=text(f"setting.{field.path.removeprefix('spec.').replace('.', '_')}"),
                path=field.path,
                wanted=visible(wanted.get(field.path, "")),
                in_force=visible(in_force.get(field.path, "")),
                since=mode_since if field.path == MODE else None,
                href=f"{href}?{urlencode({CHANGE: setting})}#change" if field is fields[0] else "",
            )
            for setting, fields in SETTINGS.items()
            for field in fields
        ],
        form=form,
    )


def newest(migrations: Sequence[Migration]) -> Migration | None:
    """The newest of migrations, newest first."""
    return migrations[0] if migrations else None


def change_form(setting: str, values: Values, plan: SettingsPlan | None, *, changes: Values) -> ChangeForm:
    """The form of a setting with values; ``plan`` is that of the changes, None if it was not made in time."""
    fields = SETTINGS[setting]
    problems = [visible(str(problem)) for problem in plan.problems] if plan else []
    return ChangeForm(
        setting=setting,
        name=_setting_name(fields[0]),
        inputs=[_input(field, {**values, **changes}) for field in fields],
        yaml="\n".join(manifest_lines(changes)) if changes and not problems else "",
        problems=problems,
        effects="\n".join(visible(line, limit=MAX_LINE) for line in plan.effects) if plan else "",
        note="" if plan or not changes else text("settings.too_long"),
    )


def _input(field: SettingField, values: Mapping[str, str]) -> FieldInput:
    value = values.get(field.path, "")
    return FieldInput(path=field.path, name=_setting_name(field), value=value, choices=field.choices)


def _setting_name(field: SettingField) -> str:
    return text(f"setting.{field.path.removeprefix('spec.').replace('.', '_')}")


def _mode_since(workspace: Workspace, migrations: Sequence[Migration]) -> ShownTime | None:
    ends = (
        each.completed_at for each in migrations if each.stage is Stage.COMPLETED and each.to_mode is workspace.mode
    )
    since: datetime | None = next(ends, None)
    return None if since is None else time(since)
