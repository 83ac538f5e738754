"""A sender as `workspacectl run sender` builds it mails the notice of a blocked identifier change to the admins."""

import json
import threading
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from tests.e2e.waiting import wait_until
from tests.mail.sink import Sink
from tests.workspaces import create_workspace
from workspace_operator import bootstrap
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.bootstrap.repositories import Repositories
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.accounts import AccountKey, AccountSettings, Notices, SetAccount
from workspace_operator.reconcile.model.actions import RequestMigration
from workspace_operator.settings import SenderSettings


def put_account(store: Repositories) -> None:
    key = AccountKey(cluster="local", namespace="default", name="default")
    notices = Notices(transport="ops", sender="Workspaces <ops@nordlicht.example>")
    settings = AccountSettings(display_name="Nordlicht", admins=("ana@nordlicht.example",), notices=notices)
    store.accounts.apply(SetAccount(key=key, row_version=0, uid="u1", settings=settings))


def block_a_change(store: Repositories) -> None:
    """Two people of default/crm share the address secret@example.com."""
    workspace = create_workspace(store.workspaces, "crm", now=store.clock(), mode=Mode.ID_ONLY)
    commands = [
        identify_from_fields(reference_of_kind(each, IdentifierKind.ID), {"email": "secret@example.com"})
        for each in ("1", "2")
    ]
    execute_commands(store.people, workspace.workspace_id, commands, now=int(store.clock().timestamp()))
    request = RequestMigration(
        workspace_id=workspace.workspace_id,
        from_mode=Mode.ID_ONLY,
        to_mode=Mode.EMAIL_OR_ID,
        on_conflict=OnConflict.BLOCK,
    )
    store.workspaces.apply(request, now=store.clock())
    MigrationWorker(migrations=store.migrations, worker="w1", clock=store.clock, stopping=lambda: False).work_once()


def test_running_sender_mails_a_notice(tmp_path: Path) -> None:
    file, stopping = tmp_path / "transports.json", threading.Event()
    with Sink() as sink, bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        put_account(store)
        block_a_change(store)
        document = {"name": "ops", "host": "127.0.0.1", "port": sink.port, "security": "None"}
        document |= {"senderDomains": "nordlicht.example", "namespaces": "*"}
        file.write_text(json.dumps([document]))
        with (
            bootstrap.monitor_writes(store) as monitor,
            bootstrap.open_sender(store, SenderSettings(transports_file=file), stopping, monitor) as sender,
        ):
            thread = threading.Thread(target=sender.run)
            thread.start()
            try:
                wait_until(lambda: sink.taken == 1, what=lambda: "no notice", within=20)
            finally:
                stopping.set()
                thread.join(20)

        [transaction] = sink.transactions
    message: Any = message_from_bytes(transaction.data, policy=policy.default)
    assert transaction.recipients == ("ana@nordlicht.example",)
    assert message["Subject"] == 'workspace "crm" (default/crm): the change to EmailOrID is blocked'
    assert "2 of 2 people block it" in message.get_content()
    assert b"2 of 2 people block it" in transaction.data  # readable without a decoder
    assert b"secret" not in transaction.data
    assert "secret" not in message.get_content()
