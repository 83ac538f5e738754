"""What actions change, in the words of a spec."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import OWNER, SHOP, blocked, somebodys, stored
from workspace_operator.identity.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.records import OnConflict
from workspace_operator.reconcile.credentials import RotationCause
from workspace_operator.reconcile.intentions import FIELDS, Intention, Verb, intentions_of
from workspace_operator.reconcile.observed import Observed, SendMode, Settings
from workspace_operator.reconcile.plan import (
    Action,
    CancelMigration,
    ClaimSecret,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RemoveSecret,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    TakeOver,
)

OWN = Observed(workspace=stored(), migration=blocked())
OTHER_SETTINGS = Settings(
    display_name="Store",
    color="FF0000",
    email_updates=EmailUpdates.BY_CIO_ID,
    id_updates=IDUpdates.BY_CIO_ID,
    merge_multi_identifier=False,
    send_mode=SendMode.TEST,
    test_address="test@example.com",
    open_tracking=False,
)


def test_new_workspace_says_what_is_unusual() -> None:
    settings = replace(SHOP, send_mode=SendMode.NEVER)
    made = CreateWorkspace(owner=OWNER, account="default", mode=Mode.ID_ONLY, settings=settings)

    assert intentions_of(made, Observed()) == (
        Intention(verb=Verb.CREATE, after="Shop"),
        Intention(verb=Verb.SET, field="spec.accountName", after="default"),
        Intention(verb=Verb.SET, field="spec.identifiers.mode", after="IDOnly"),
        Intention(verb=Verb.SET, field="spec.sendBehavior.mode", after="Never"),
    )


def test_every_changed_setting_is_told_from_what_to_what() -> None:
    change = PutInForce(workspace_id=7, row_version=4, settings=OTHER_SETTINGS)

    told = {each.field: (each.before, each.after) for each in intentions_of(change, OWN)}

    assert told == {
        "spec.displayName": ("Shop", "Store"),
        "spec.color": ("6B7280", "FF0000"),
        "spec.identifiers.emailUpdates": ("ByIDOrCioID", "ByCioID"),
        "spec.identifiers.idUpdates": ("Never", "ByCioID"),
        "spec.mergeOptions.multiIdentifier": ("Enabled", "Disabled"),
        "spec.sendBehavior.mode": ("Normal", "Test"),
        "spec.sendBehavior.testAddress": (None, "test@example.com"),
        "spec.openTracking": ("Enabled", "Disabled"),
    }


def test_no_setting_is_forgotten() -> None:
    assert len(FIELDS) == len(Settings.__slots__)


def test_unchanged_settings_are_not_told() -> None:
    assert intentions_of(PutInForce(workspace_id=7, row_version=4, settings=SHOP), OWN) == ()


def test_settings_of_nothing_are_all_new() -> None:
    told = intentions_of(PutInForce(workspace_id=7, row_version=4, settings=SHOP), Observed())

    assert Intention(verb=Verb.SET, field="spec.displayName", after="Shop") in told


@pytest.mark.parametrize(
    ("observed", "before"),
    [
        (Observed(workspace=stored(owner=replace(OWNER, uid=""))), "team-a/shop"),
        (Observed(adoptable=somebodys(released=True)), "team-a/other"),
        (Observed(), None),
    ],
    ids=["namesake", "adopted", "unknown"],
)
def test_taking_over_says_from_whom(observed: Observed, before: str | None) -> None:
    taken = TakeOver(workspace_id=9, row_version=4, owner=OWNER)

    assert intentions_of(taken, observed) == (Intention(verb=Verb.TAKE_OVER, before=before, after="team-a/shop"),)


def test_identifier_change_says_from_what_to_what() -> None:
    request = RequestMigration(
        workspace_id=7, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.BLOCK
    )

    assert intentions_of(request, OWN) == (
        Intention(verb=Verb.CHANGE_IDENTIFIERS, field="spec.identifiers.mode", before="IDOnly", after="EmailOrID"),
    )


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        (CancelMigration(workspace_id=7, number=2), Verb.TAKE_BACK),
        (PauseMigration(workspace_id=7, number=2, paused=True), Verb.PAUSE),
        (PauseMigration(workspace_id=7, number=2, paused=False), Verb.GO_ON),
        (RetryMigration(workspace_id=7, number=2, token="now"), Verb.CHECK_AGAIN),
    ],
)
def test_asking_of_a_change_names_it(action: Action, verb: Verb) -> None:
    named = Intention(verb=verb, field="spec.identifiers.mode", before="IDOnly", after="EmailOrID")

    assert intentions_of(action, OWN) == (named,)
    assert intentions_of(action, Observed()) == (Intention(verb=verb, field="spec.identifiers.mode"),)


def test_destroying_says_whose() -> None:
    destruction = DestroyWorkspace(workspace_id=7, row_version=4)

    assert intentions_of(destruction, OWN) == (Intention(verb=Verb.DESTROY, before="team-a/shop"),)


@pytest.mark.parametrize(
    "action",
    [
        RotateCredentials(
            workspace_id=7,
            after=0,
            grace=blocked().requested_at - blocked().requested_at,
            request="",
            cause=RotationCause.REQUESTED,
        ),
        ClaimSecret(workspace_id=7),
        RemoveSecret(),
    ],
    ids=["rotate", "claim", "remove"],
)
def test_credentials_are_no_intention(action: SecretAction) -> None:
    assert intentions_of(action, OWN) == ()
