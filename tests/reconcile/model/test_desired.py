"""A spec in the store's words."""

from datetime import timedelta

from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.desired import DesiredState, desired_state_of
from workspace_operator.resources.workspaces import WorkspaceSpec
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Settings


def test_absent_fields_have_defaults() -> None:
    desired = desired_state_of(WorkspaceSpec.model_validate({"displayName": "Shop"}))

    assert desired == DesiredState(account="default", settings=Settings(display_name="Shop"))


def test_every_field_is_understood() -> None:
    spec = WorkspaceSpec.model_validate(
        {
            "displayName": "Shop",
            "color": "#ff00aa",
            "accountName": "acme",
            "identifiers": {
                "mode": "IDOnly",
                "emailUpdates": "ByCioID",
                "idUpdates": "ByCioID",
                "onConflict": "Merge",
            },
            "mergeOptions": {"multiIdentifier": "Disabled"},
            "sendBehavior": {"mode": "Test", "testAddress": "qa@example.com"},
            "openTracking": "Disabled",
            "credentials": {"rotationGraceSeconds": 60, "appKeyMay": "Clean"},
        }
    )

    desired = desired_state_of(spec)

    settings = Settings(
        display_name="Shop",
        color="FF00AA",
        email_updates=EmailUpdates.BY_CIO_ID,
        id_updates=IDUpdates.BY_CIO_ID,
        merge_multi_identifier=False,
        send_mode=SendMode.TEST,
        test_address="qa@example.com",
        open_tracking=False,
        app_key_may=AppKeyMay.CLEAN,
    )
    assert desired == DesiredState(
        account="acme",
        settings=settings,
        mode=Mode.ID_ONLY,
        on_conflict=OnConflict.MERGE,
        rotation_grace=timedelta(seconds=60),
    )
