"""What an action changes, said for people before it is done: fields of the spec, from what to what."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, assert_never

from workspace_operator.migrations.records import Migration
from workspace_operator.reconcile.observed import Observed, Settings, StoredWorkspace
from workspace_operator.reconcile.plan import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ClaimSecret,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RecordSpec,
    RemoveSecret,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    TakeOver,
)
from workspace_operator.resources.workspaces import Switch


class Verb(StrEnum):
    """What is done; values as in the JSON of a plan."""

    CREATE = "create"
    TAKE_OVER = "takeOver"
    SET = "set"
    CHANGE_IDENTIFIERS = "changeIdentifiers"
    TAKE_BACK = "takeBack"
    PAUSE = "pause"
    GO_ON = "goOn"
    CHECK_AGAIN = "checkAgain"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intention:
    """One thing that would be done. ``before`` is None where there was nothing, ``after`` where nothing is left."""

    verb: Verb
    field: str = ""
    before: str | None = None
    after: str | None = None


Reading: TypeAlias = Callable[[Settings], str | None]


def _switch(on: bool) -> str:  # noqa: FBT001 - it is the value
    return Switch.ENABLED.value if on else Switch.DISABLED.value


FIELDS: tuple[tuple[str, Reading], ...] = (
    ("spec.displayName", lambda settings: settings.display_name),
    ("spec.color", lambda settings: settings.color),
    ("spec.identifiers.emailUpdates", lambda settings: settings.email_updates.value),
    ("spec.identifiers.idUpdates", lambda settings: settings.id_updates.value),
    ("spec.mergeOptions.multiIdentifier", lambda settings: _switch(settings.merge_multi_identifier)),
    ("spec.sendBehavior.mode", lambda settings: settings.send_mode.value),
    ("spec.sendBehavior.testAddress", lambda settings: settings.test_address),
    ("spec.openTracking", lambda settings: _switch(settings.open_tracking)),
)
"""Every setting that is put in force at once, as a spec spells it."""

MODE = "spec.identifiers.mode"
ACCOUNT = "spec.accountName"


def intentions_of(action: Action | SecretAction, observed: Observed) -> tuple[Intention, ...]:  # noqa: C901 - one line a kind of action
    """What an action would change of what was observed; credentials are told of by nobody before they are made."""
    match action:
        case CreateWorkspace():
            return _of_creation(action)
        case TakeOver():
            return (_of_taking_over(action, observed),)
        case PutInForce():
            return _of_settings(observed, action)
        case RequestMigration():
            return (Intention(verb=Verb.CHANGE_IDENTIFIERS, field=MODE, before=action.from_mode, after=action.to_mode),)
        case CancelMigration():
            return (_of_change(Verb.TAKE_BACK, observed.migration),)
        case PauseMigration():
            return (_of_change(Verb.PAUSE if action.paused else Verb.GO_ON, observed.migration),)
        case RetryMigration():
            return (_of_change(Verb.CHECK_AGAIN, observed.migration),)
        case DestroyWorkspace():
            return (Intention(verb=Verb.DESTROY, before=_whose(observed.workspace)),)
        case RecordSpec() | AcceptLowerGeneration() | RotateCredentials() | ClaimSecret() | RemoveSecret():
            return ()
        case _ as never:
            assert_never(never)


def _of_creation(action: CreateWorkspace) -> tuple[Intention, ...]:
    """Of the settings of a new workspace, those that nobody would have without saying so."""
    usual = Settings(display_name=action.settings.display_name)
    said = [(field, read(action.settings)) for field, read in FIELDS if read(action.settings) != read(usual)]
    values = ((ACCOUNT, action.account), (MODE, action.mode.value), *said)
    return (
        Intention(verb=Verb.CREATE, after=action.settings.display_name),
        *(Intention(verb=Verb.SET, field=field, after=value) for field, value in values),
    )


def _of_taking_over(action: TakeOver, observed: Observed) -> Intention:
    adopted = observed.adoptable.workspace if observed.adoptable else None
    workspace = observed.workspace or adopted
    return Intention(
        verb=Verb.TAKE_OVER, before=_whose(workspace), after=f"{action.owner.namespace}/{action.owner.name}"
    )


def _of_settings(observed: Observed, action: PutInForce) -> tuple[Intention, ...]:
    stored = None if observed.workspace is None else observed.workspace.settings
    changes = ((field, None if stored is None else read(stored), read(action.settings)) for field, read in FIELDS)
    return tuple(
        Intention(verb=Verb.SET, field=field, before=before, after=after)
        for field, before, after in changes
        if before != after
    )


def _of_change(verb: Verb, change: Migration | None) -> Intention:
    if change is None:
        return Intention(verb=verb, field=MODE)
    return Intention(verb=verb, field=MODE, before=change.from_mode, after=change.to_mode)


def _whose(workspace: StoredWorkspace | None) -> str | None:
    return None if workspace is None else f"{workspace.owner.namespace}/{workspace.owner.name}"
