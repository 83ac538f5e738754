"""A real kube-apiserver gives the same verdicts and paths as we do, and for rules in CEL the same words."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.controlplane.failures import KubectlFailed
from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import succeeds, wait_until
from tests.resources.cases.bad_resources import BAD
from tests.resources.cases.good_resources import GOOD
from tests.resources.cases.manifest_texts import Bad, workspace
from tests.resources.cases.statuses import BAD_STATUSES, GOOD_STATUS
from tests.resources.cases.transitions import TRANSITIONS, SpecTransition
from tests.resources.manifests.test_yaml import BOOLEANS, NULLS, NUMBERS, TEXTS
from workspace_operator.resources.kubectl.yaml_documents import documents_in
from workspace_operator.resources.parsing import parse, validate_manifest
from workspace_operator.resources.rules import RULES
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.statuses import DEFAULT_STATUS

PATH_DIFFERENCES = (
    re.compile(r'unknown field "([^"]+)"'),
    re.compile(r"^(?:\* |The Workspace .* is invalid: )([a-zA-Z][\w.\[\]]*): ", re.MULTILINE),
    re.compile(r"field ObjectMeta\.([\w.]+) of type"),
    re.compile(r"field metadataOnlyObject\.(metadata) of type"),
)
COLUMNS = ["NAME", "READY", "REASON", "IDENTIFIERS", "PEOPLE", "AGE", "DISPLAY", "NAME", "SEND", "WAITING"]
COLUMNS += ["WORKSPACE", "ID", "SUSPENDED", "MESSAGE"]
MESSAGE_DIFFERENCES = {
    "resource name may not be empty": "metadata.name",
    'namespaces "Our_Team" not found': "metadata.namespace",
    'in version "workspace-operator.dev/v1"': "apiVersion",
    'no matches for kind "Workspaces"': "kind",
}


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl, request: pytest.FixtureRequest) -> Kubectl:
    kubectl("apply", "-k", str(request.config.rootpath / "crds"))
    wait_until(lambda: succeeds(lambda: kubectl("get", "workspaces")))
    return kubectl


@pytest.fixture
def clean(cluster: Kubectl) -> Iterator[Kubectl]:
    yield cluster
    cluster("delete", "workspaces.workspace-operator.dev", "--all", "--namespace", "default")


def refusal(kubectl: Kubectl, text: str) -> str:
    """What kubectl says when it refuses; empty when it does not."""
    try:
        kubectl("apply", "-f", "-", input=text)
    except KubectlFailed as failure:
        return failure.stderr
    return ""


def paths_in(stderr: str) -> set[str]:
    """The fields that the API server names, however it words it."""
    spelled = {path for pattern in PATH_DIFFERENCES for path in pattern.findall(stderr)}
    return spelled | {path for words, path in MESSAGE_DIFFERENCES.items() if words in stderr}


def rules_in(text: str) -> set[str]:
    return {rule.message for rule in RULES if rule.message in text}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.title)
def test_api_server_refuses_the_same(cluster: Kubectl, bad: Bad) -> None:
    (document,) = documents_in(bad.text)
    ours = validate_manifest(document.value)

    said = refusal(cluster, bad.text)

    assert bad.kubectl_says in said
    assert paths_in(said) == bad.paths
    assert rules_in(said) == rules_in("\n".join(problem.message for problem in ours))


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_api_server_accepts_the_same(clean: Kubectl, text: str) -> None:
    assert refusal(clean, text) == ""


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.title)
def test_api_server_judges_changes_the_same(clean: Kubectl, transition: SpecTransition) -> None:
    clean("apply", "-f", "-", input=transition.old)
    if transition.in_force:
        in_force = f'{{"status":{{"observedGeneration":1,"identifiers":{{"mode":"{transition.in_force}"}}}}}}'
        clean("patch", "ws", "shop", "--subresource=status", "--type=merge", "--patch", in_force)
    (document,) = documents_in(transition.new)
    old = clean.json("get", "ws", "shop")

    said = refusal(clean, transition.new)

    assert rules_in(said) == ({transition.breaks.message} if transition.breaks else set())
    assert paths_in(said) == {problem.path for problem in validate_manifest(document.value, old)}
    assert bool(said) is bool(transition.breaks)


def write_status(kubectl: Kubectl, status: object) -> str:
    """What kubectl says when the status is refused; empty when it is not."""
    patch = json.dumps({"status": status})
    try:
        kubectl("patch", "ws", "shop", "--subresource=status", "--type=merge", "--patch", patch)
    except KubectlFailed as failure:
        return failure.stderr
    return ""


def test_api_server_takes_a_good_status(clean: Kubectl) -> None:
    clean("apply", "-f", "-", input=workspace("displayName: Shop"))

    assert write_status(clean, GOOD_STATUS) == ""
    assert clean.json("get", "ws", "shop")["status"] == GOOD_STATUS


def test_api_server_refuses_the_same_statuses(clean: Kubectl) -> None:
    clean("apply", "-f", "-", input=workspace("displayName: Shop"))

    for title, (path, transition) in BAD_STATUSES.items():
        assert (title, paths_in(write_status(clean, GOOD_STATUS | transition))) == (title, {path})


def test_kubectl_explains_every_field(cluster: Kubectl) -> None:
    explained = " ".join(cluster("explain", "ws.spec", "--recursive=false").split())

    for name, field in resource_schema()["properties"]["spec"]["properties"].items():
        assert f"{name} <" in explained
        assert field["description"] in explained


def test_kubectl_shows_the_columns(clean: Kubectl) -> None:
    clean("apply", "-f", "-", input=workspace("displayName: Shop"))
    write_status(clean, GOOD_STATUS)

    header, row = clean("get", "ws", "-o", "wide").splitlines()

    assert header.split() == COLUMNS
    assert row.split()[:5] == ["shop", "False", "MigrationBlocked", "IDOnly", "30"]
    assert row.split()[6:12] == ["Shop", "Test", "12", "7", "false", "12"]
    assert row.rstrip().endswith("12 people share their address")


def test_new_resource_says_that_nobody_has_seen_it(clean: Kubectl) -> None:
    clean("apply", "-f", "-", input=workspace("displayName: Shop"))

    read = clean.json("get", "ws", "shop")

    assert read["status"] == DEFAULT_STATUS
    assert clean("get", "ws", "shop").splitlines()[1].split()[1:3] == ["Unknown", "Pending"]
    assert read["spec"] == parse(read).spec.as_document()


def test_resources_are_selected_by_their_fields(clean: Kubectl) -> None:
    clean("apply", "-f", "-", input=workspace("displayName: Shop\nsuspend: true"))
    clean("apply", "-f", "-", input=workspace("displayName: Store\naccountName: acme", "name: store"))

    def selected(selector: str) -> list[str]:
        return clean("get", "ws", "--field-selector", selector, "-o", "name").split()

    assert selected("spec.suspend=true") == ["workspace.workspace-operator.dev/shop"]
    assert selected("spec.displayName=Store,spec.accountName=acme") == ["workspace.workspace-operator.dev/store"]


def test_kubectl_reads_yaml_as_we_do(cluster: Kubectl) -> None:
    lines = [f"k{number}: {text}" for number, text in enumerate((*NUMBERS, *BOOLEANS, *NULLS, *TEXTS))]
    text = workspace("\n".join(lines))
    (document,) = documents_in(text)

    printed = cluster("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", input=text)

    read = json.loads(printed)["spec"]
    assert {name: in_doubles(value) for name, value in read.items()} == {
        name: in_doubles(value) for name, value in document.value["spec"].items()
    }


def in_doubles(value: object) -> object:
    """kubectl prints large integers with the precision of a double."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
