"""The Role for one workspace in docs/operating.md, as a person's rights on a real API server."""

import re
import secrets
from collections.abc import Iterator

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.docs.pages import text_of
from tests.e2e.waiting import wait_until

ANA = "ana@nordlicht.example"


@pytest.fixture(scope="module")
def marketing(cluster: Kubectl) -> Iterator[str]:
    """A namespace with the Role and the RoleBinding of the page."""
    name = f"test-{secrets.token_hex(4)}"
    section = text_of("docs/operating.md").split("\n## Access of people\n")[1]
    [text] = re.findall(r"```yaml\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    cluster("create", "namespace", name)
    cluster("apply", "-f", "-", input=text.replace("namespace: marketing", f"namespace: {name}"))
    wait_until(lambda: can(cluster, name, "get", "workspaces/crm"))
    yield name
    cluster("delete", "namespace", name, "--wait=false")


def can(kubectl: Kubectl, namespace: str, verb: str, resource: str) -> bool:
    """Whether Ana may; kubectl exits with 1 if not."""
    try:
        return kubectl("auth", "can-i", verb, resource, "-n", namespace, "--as", ANA).strip() == "yes"
    except KubectlFailed:
        return False


@pytest.mark.parametrize(
    ("verb", "resource", "expected"),
    [
        ("get", "workspaces/crm", True),
        ("watch", "workspaces/crm", True),
        ("patch", "workspaces/crm", True),
        ("update", "workspaces/crm", True),
        ("get", "secrets/crm-credentials", True),
        ("delete", "workspaces/crm", False),
        ("get", "workspaces/club", False),
        ("list", "workspaces", False),
        ("create", "workspaces", False),
        ("get", "secrets/club-credentials", False),
        ("patch", "secrets/crm-credentials", False),
    ],
)
def test_role_of_the_page_reaches_one_workspace(
    cluster: Kubectl, marketing: str, verb: str, resource: str, *, expected: bool
) -> None:
    assert can(cluster, marketing, verb, resource) is expected
