"""What a whole process on a real API server logs and counts: lines of JSON, and the metrics that the page lists."""

import json
from typing import Any

from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.waiting import wait_until
from tests.monitoring.exports import families, listed

OPTIONS = ("--log-format", "json", "--verbose")


def test_change_is_logged_and_counted(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()
    env.apply(color="123456")
    env.wait_until_ready()

    changes = wait_until(lambda: changes_of(env, count=2))
    assert [(line["generation"], line["reason"]) for line in changes] == [(1, "InForce"), (2, "InForce")]
    assert [line["actions"] for line in changes] == [["CreateWorkspace", "RotateCredentials"], ["UpdateSettings"]]
    assert len({line["reconcile"] for line in changes}) == 2
    assert {"kopf", "workspace_operator"} <= {line["logger"].split(".")[0] for line in lines_of(env)}


def lines_of(env: NamespaceEnv) -> list[dict[str, Any]]:
    """The lines of the operator's log, each of which is an object; the last one may be incomplete."""
    return [json.loads(line) for line in env.operator.log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def changes_of(env: NamespaceEnv, *, count: int) -> list[dict[str, Any]]:
    """The changes of the namespace, as soon as there are so many."""
    found = [line for line in lines_of(env) if line.get("namespace") == env.namespace and "actions" in line]
    return found if len(found) >= count else []


def test_operator_exports_what_the_page_lists(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()

    text = env.operator.metrics()

    assert families(text) == {name for name, family in listed().items() if family.process not in ("api", "console")}
    assert 'workspace_operator_workspaces{reason="InForce",stalled="false"} ' in text
    assert 'workspace_operator_reconciles_total{kind="Workspace",result="failed"} 0.0' in text
