"""``kubectl ws report``: what the support bundle has, and that planted secrets are not in it."""

import json
from pathlib import Path

import pytest

from tests.cli.plugin.conftest import Ws
from tests.fakes.cluster.kubectl_program import KubectlProgram
from workspace_operator.cli.app import main
from workspace_operator.settings import DATABASE_VARIABLE

ADDRESS, PERSON, PASSWORD, KEY = "ana@shop.example", "Ana Lopez", "hunter2", "0f" * 32
SECRETS = (ADDRESS, "ana%40", "Lopez", PASSWORD, KEY, "MIIEvQ", "203.0.113.7", "Internal CRM")

ENVIRONMENT = [
    {"name": DATABASE_VARIABLE, "value": f"postgresql://owner:{PASSWORD}@db/crm"},
    {"name": "WORKSPACE_OPERATOR_SMTP", "value": f"smtp://{PASSWORD}@mail.example"},
    {"name": "WORKSPACE_OPERATOR_LOG", "value": "json"},
    {"name": "GREETING", "value": f"Hello {ADDRESS}"},
    {"name": "WORKSPACE_OPERATOR_ROOT_KEY", "valueFrom": {"secretKeyRef": {"name": "root", "key": KEY}}},
]
CONTAINER = {
    "name": "operator",
    "image": "workspace-operator:0.1.0",
    "command": ["workspacectl"],
    "args": ["run", "--database", f"postgresql://owner:{PASSWORD}@db/crm", "--smtp-password", PASSWORD, "-v"],
    "env": ENVIRONMENT,
}
DEPLOYMENT = {
    "metadata": {"name": "workspace-operator"},
    "spec": {"replicas": 1, "template": {"spec": {"containers": [CONTAINER]}}},
}
CONDITION = {
    "type": "Ready",
    "status": "False",
    "reason": "MigrationBlocked",
    "lastTransitionTime": "2026-11-29T05:30:12Z",
    "message": f'17 people block the change, such as "{PERSON}" ({ADDRESS})',
}
WORKSPACE = {
    "metadata": {"namespace": "members", "name": "club", "generation": 3, "annotations": {"owner": PERSON}},
    "spec": {
        "displayName": "Internal CRM",
        "identifiers": {"mode": "EmailOrID", "onConflict": "Block"},
        "sendBehavior": {"mode": "Test", "testAddress": ADDRESS},
        "sending": {"from": f"{PERSON} <{ADDRESS}>"},
        "deletionPolicy": "Delete",
    },
    "status": {"observedGeneration": 3, "people": {"total": 28}, "conditions": [CONDITION]},
}
ACCOUNT = {
    "metadata": {"namespace": "members", "name": "acme", "generation": 2},
    "spec": {
        "displayName": "Internal CRM",
        "plan": {"workspaceLimit": 3},
        "admins": [ADDRESS],
        "notices": {"transport": "bulk", "from": f"{PERSON} <{ADDRESS}>"},
    },
    "status": {
        "observedGeneration": 2,
        "conditions": [CONDITION | {"reason": "TransportUnknown", "message": f'"{PERSON}" gets no mail'}],
    },
}
ACCOUNT_EVENT = {
    "metadata": {"creationTimestamp": "2026-11-29T05:30:11Z"},
    "involvedObject": {"kind": "Account", "namespace": "members", "name": "acme"},
    "type": "Warning",
    "reason": "TransportUnknown",
    "message": f"{ADDRESS} gets no mail",
}
EVENT = {
    "metadata": {"creationTimestamp": "2026-11-29T05:30:12Z"},
    "involvedObject": {"kind": "Workspace", "namespace": "members", "name": "club"},
    "type": "Warning",
    "reason": "MigrationBlocked",
    "message": f"the address of {ADDRESS} is invalid",
}
LOG = f"""\
INFO namespace=members name=club ready=False reason=MigrationBlocked duration_ms=21
WARNING the display name "{PERSON}" is taken, client 203.0.113.7
INFO GET /api/v1/customers/ana%40shop.example site_id={KEY}
{json.dumps({"level": "info", "message": f"sent to {ADDRESS}", "namespace": "members", "token": PASSWORD})}
-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkq
-----END PRIVATE KEY-----
"""


def listed(*items: object) -> str:
    return json.dumps({"items": items})


@pytest.fixture
def installed(kubectl: KubectlProgram, tmp_path: Path) -> KubectlProgram:
    """An installation with secrets in every place."""
    with pytest.raises(SystemExit):
        main(["database", "upgrade", "--database", f"sqlite:///{tmp_path}/store.db"])
    versions = {"clientVersion": {"gitVersion": "v1.33.1"}, "serverVersion": {"gitVersion": "v1.36.3"}}
    kubectl.answer_with(
        **{
            "version -o json": json.dumps(versions),
            "get deployments": listed(DEPLOYMENT),
            "get workspaces.workspace-operator.dev": listed(WORKSPACE),
            "get accounts.workspace-operator.dev": listed(ACCOUNT),
            "kind=Workspace": listed(EVENT),
            "kind=Account": listed(ACCOUNT_EVENT),
            "logs ": LOG,
        }
    )
    return kubectl


@pytest.mark.usefixtures("installed")
def test_planted_secrets_are_not_in_the_report(ws: Ws) -> None:
    done = ws("report")

    everything = json.dumps([DEPLOYMENT, WORKSPACE, ACCOUNT, EVENT, ACCOUNT_EVENT, LOG])
    assert done.code == 0
    assert [secret for secret in SECRETS if secret not in everything] == []
    assert [secret for secret in SECRETS if secret in done.out + done.err] == []


@pytest.mark.usefixtures("installed")
def test_report_has_what_support_needs(ws: Ws) -> None:
    done = ws("report", "-o", "report.txt")

    lines = Path("report.txt").read_text().splitlines()
    assert (done.code, done.out) == (0, "")
    sections = [line.strip("= ") for line in lines if line.startswith("== ")]
    assert sections == ["versions", "status", "settings", "counts", "conditions", "accounts", "events", "log"]
    assert {
        "serverVersion: v1.36.3",
        "  container operator: image workspace-operator:0.1.0",
        "    WORKSPACE_OPERATOR_DATABASE: set",
        "    WORKSPACE_OPERATOR_LOG=json",
        "    WORKSPACE_OPERATOR_ROOT_KEY: from secretKeyRef",
        "    --database=postgresql://[credentials]@db/crm",
        "  Ready MigrationBlocked: 1",
        "  sendBehavior.mode Test: 1",
        "people: 28",
        "WORKSPACES  0, with 0 people",
        "members/club: generation 3, observed 3",
        "accounts: 1",
        "  with plan.workspaceLimit: 1",
        "  with members: 0",
        "members/acme: generation 2, observed 2",
        "2026-11-29T05:30:12Z Warning MigrationBlocked Workspace members/club: the address of [address] is invalid",
        "INFO namespace=members name=club ready=False reason=MigrationBlocked duration_ms=21",
        "-- pod/operator-0",
    } <= set(lines)


def test_report_has_options_of_its_calls(ws: Ws, installed: KubectlProgram) -> None:
    ws("report", "--tail", "7", "-n", "members", "--operator-namespace", "messaging")

    [logs] = [call for call in installed.calls if call[0] == "logs"]
    assert logs == ["logs", "--namespace", "messaging", "pod/operator-0", "--all-containers", "--tail=7"]
    assert all("members" in call for call in installed.calls if call[:2] == ["get", "events"])


@pytest.mark.usefixtures("installed")
def test_conditions_and_events_of_accounts_are_in_order(ws: Ws) -> None:
    lines = ws("report").out.splitlines()

    place = lines.index("members/acme: generation 2, observed 2")
    condition = "  Ready False TransportUnknown 2026-11-29T05:30:12Z: "
    assert lines[place + 1].startswith(condition)
    events = lines[lines.index("== events ==") + 1 :][:2]
    assert [event.split()[2:5] for event in events] == [
        ["TransportUnknown", "Account", "members/acme:"],
        ["MigrationBlocked", "Workspace", "members/club:"],
    ]


@pytest.mark.usefixtures("installed")
def test_missing_rights_leave_the_other_sections(ws: Ws, installed: KubectlProgram) -> None:
    settings = json.loads((installed.folder / "settings.json").read_text())
    for answer in ("kind=Account", "get accounts.workspace-operator.dev", "version -o json"):
        del settings["answers"][answer]
    (installed.folder / "settings.json").write_text(json.dumps(settings))

    done = ws("report")

    assert done.code == 0
    assert done.out.count("not available: kubectl") == 3
    assert "people: 28" in done.out
