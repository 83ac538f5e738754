"""``kubectl ws`` runs ``workspacectl`` in the operator's pod: arguments, standard input, output and exit codes."""

import csv
import io
import json
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tests.cli.conftest import manifest, write
from tests.cli.plugin.conftest import ANSWERS, CLUSTER, Ws, running_pods
from tests.docs.pages import REPOSITORY
from tests.fakes.cluster.kubectl_program import KubectlProgram
from workspace_operator.cli.app import main

OPTIONS = ("--kubeconfig", "here.yaml", "--context", "staging")


def test_plan_reads_manifests_here_and_runs_there(ws: Ws, kubectl: KubectlProgram) -> None:
    write("crm.yaml")

    done = ws("plan", "-f", "crm.yaml", "-o", "json")

    assert (done.code, done.err) == (2, "")
    [resource] = json.loads(done.out)["resources"]
    assert (resource["namespace"], resource["name"]) == ("team-a", "crm")
    assert kubectl.remote == [
        ["plan", "--filename", "-", "--samples", "3", "--output", "json", "--cluster-id", CLUSTER]
    ]


def test_pod_is_found_by_its_labels(ws: Ws, idle_pod: KubectlProgram) -> None:
    write("crm.yaml")

    ws("plan", "-f", "crm.yaml", "--operator-namespace", "messaging")

    labels = "app.kubernetes.io/name=workspace-operator,app.kubernetes.io/component=operator"
    [search] = [call for call in idle_pod.calls if "pods" in call]
    [execution] = [call for call in idle_pod.calls if "exec" in call]
    assert search[:6] == ["get", "pods", "--namespace", "messaging", "--selector", labels]
    assert execution[:8] == [
        "exec",
        "-i",
        "--namespace",
        "messaging",
        "--container",
        "operator",
        "pod/operator-0",
        "--",
    ]


@pytest.mark.parametrize(
    "arguments",
    [(*OPTIONS, "plan", "-f", "crm.yaml"), ("plan", "-f", "crm.yaml", *OPTIONS), ("plan", "-f", "crm.yaml")],
    ids=["before the command", "after it", "none"],
)
def test_context_and_kubeconfig_are_honoured(ws: Ws, idle_pod: KubectlProgram, arguments: tuple[str, ...]) -> None:
    write("crm.yaml")

    done = ws(*arguments)

    expected = list(OPTIONS) if len(arguments) > 3 else []
    assert done.code == 0
    assert [call[: len(expected)] for call in idle_pod.calls] == [expected] * 4
    assert all(option not in idle_pod.remote[0] for option in OPTIONS)


@pytest.mark.parametrize("option", [("-n", "members"), ("--namespace=members",)])
def test_namespace_is_that_of_manifests_without_one(ws: Ws, option: tuple[str, ...]) -> None:
    write("crm.yaml")
    Path("shop.yaml").write_text(manifest("shop", "Shop").replace("{name: shop}", "{name: shop, namespace: shops}"))

    done = ws("plan", "-f", ".", *option)

    assert done.out.startswith("members/crm: would change")
    assert "\nshops/shop: would change" in done.out


def test_invalid_manifests_are_refused_here_with_their_place(ws: Ws, kubectl: KubectlProgram) -> None:
    write("crm.yaml", more="  color: red")

    done = ws("plan", "-f", "crm.yaml")

    assert done.code == 1
    assert "crm.yaml, document 1, line 6: spec.color: must be six hexadecimal digits" in done.err
    assert kubectl.calls == []


def test_cluster_is_left_out_without_the_right_to_read_it(
    ws: Ws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {name: answer for name, answer in ANSWERS.items() if "kube-system" not in name} | {"config view": ""}
    program = KubectlProgram.install(tmp_path / "other", database=f"sqlite:///{tmp_path}/store.db", answers=answers)
    monkeypatch.setenv("PATH", str(program.folder))
    write("crm.yaml")

    done = ws("plan", "-f", "crm.yaml")

    assert (done.code, done.out.partition(":")[0]) == (2, "default/crm")
    assert "--cluster-id" not in program.remote[0]


def test_given_cluster_stays(ws: Ws, idle_pod: KubectlProgram) -> None:
    write("crm.yaml")

    ws("plan", "-f", "crm.yaml", "--cluster-id", "other")

    assert idle_pod.remote[0][-2:] == ["--cluster-id", "other"]


@pytest.mark.parametrize(("words", "of_release"), [((), ""), (("--release", "blue"), " of release blue")])
def test_missing_pod_is_explained(ws: Ws, kubectl: KubectlProgram, words: tuple[str, ...], of_release: str) -> None:
    kubectl.answer_with(**{"status.phase=Running": running_pods()})
    write("crm.yaml")

    done = ws("plan", "-f", "crm.yaml", *words)

    assert done.failure == (
        f"error: no pod of the operator{of_release} runs in namespace workspace-operator: name its namespace with "
        "--operator-namespace, or give --database to run the command here"
    )


def test_failing_kubectl_is_reported(ws: Ws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = KubectlProgram.install(tmp_path / "other", database="")
    monkeypatch.setenv("PATH", str(program.folder))

    done = ws("workspaces", "list")

    assert done.failure.startswith("error: kubectl get: Error from server (Forbidden): get pods")


def test_missing_kubectl_is_reported(ws: Ws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    done = ws("workspaces", "list")

    assert done.failure == "error: kubectl is not on the PATH: install it, or give --database"


def test_previous_manifests_need_a_database(ws: Ws, kubectl: KubectlProgram) -> None:
    write("crm.yaml")

    done = ws("plan", "-f", "crm.yaml", "--previous", "crm.yaml")

    said = " ".join(done.err.split())
    assert (done.code, kubectl.calls) == (64, [])
    assert "Invalid value for --previous: it needs --database, since the pod gets one set of manifests only" in said
    assert "leave it out: the plan names the workspaces that have no manifest, but not what their deletion" in said


def test_plan_names_workspaces_without_a_manifest(ws: Ws, tmp_path: Path) -> None:
    write("crm.yaml")
    workspacectl("apply", "-f", "crm.yaml", "--cluster-id", CLUSTER, "--database", f"sqlite:///{tmp_path}/store.db")
    write("shop.yaml", "shop", "Shop")

    done = ws("plan", "-f", "shop.yaml")

    assert "1 workspace of this cluster has no manifest: kept (default/crm)" in done.out


def test_with_a_database_the_plan_runs_here(ws: Ws, kubectl: KubectlProgram) -> None:
    write("crm.yaml")

    done = ws("plan", "-f", "crm.yaml", "--previous", "crm.yaml", "--database", "sqlite:///here.db")

    assert (done.code, done.out.partition(":")[0]) == (2, "default/crm")
    assert kubectl.remote == []


def test_validation_needs_no_cluster(ws: Ws, kubectl: KubectlProgram) -> None:
    write("crm.yaml")

    done = ws("validate", "-f", "crm.yaml")

    assert (done.code, done.out) == (0, "1 manifest is valid\n")
    assert kubectl.calls == []


def test_other_commands_run_in_the_pod(ws: Ws, kubectl: KubectlProgram) -> None:
    done = ws("--context", "staging", "workspaces", "move", "--help", "--namespace", "x")

    assert done.code == 0
    assert "--from-cluster" in done.out
    assert kubectl.remote == [["workspaces", "move", "--help", "--namespace", "x"]]


def test_other_commands_run_here_with_a_database(ws: Ws, kubectl: KubectlProgram) -> None:
    done = ws("--database", "sqlite:///here.db", "database", "upgrade")

    assert (done.code, kubectl.calls) == (0, [])
    assert Path("here.db").exists()


@pytest.mark.parametrize("command", ["run", "apply", "unknown"])
def test_command_that_pods_do_not_run_is_refused(ws: Ws, kubectl: KubectlProgram, command: str) -> None:
    done = ws(command)

    assert (done.code, kubectl.calls) == (64, [])
    assert f"No such command '{command}'" in done.err


def test_standard_input_is_passed_on(ws: Ws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(manifest().encode())))

    done = ws("plan", "-f", "-")

    assert (done.code, done.out.partition(":")[0]) == (2, "team-a/crm")


def test_violations_are_those_of_the_workspace(ws: Ws, kubectl: KubectlProgram) -> None:
    done = ws("violations", "club", "-n", "members", "--except-oldest")

    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "command terminated" not in done.err
    assert kubectl.remote == [
        ["exports", "get", "--workspace", "members/club", "--except-oldest", "--cluster-id", CLUSTER]
    ]


def test_violations_are_printed_as_csv(ws: Ws, tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path}/store.db")
    write("crm.yaml", more="  identifiers: {mode: IDOnly}")
    workspacectl("apply", "-f", "crm.yaml", "--cluster-id", CLUSTER, *database)
    Path("people.csv").write_text("id,email\n1,a@x.com\n2,A@x.com\n3,b@x.com\n")
    workspacectl("people", "import", "people.csv", "-w", "default/crm", *database)
    write("crm.yaml", more="  identifiers: {mode: EmailOrID}")
    workspacectl("apply", "-f", "crm.yaml", "--cluster-id", CLUSTER, *database)

    done = ws("violations", "crm", "-n", "default", "--violation", "duplicateEmail")

    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert (done.code, done.err) == (0, "")
    assert [row["email"] for row in rows] == ["a@x.com", "A@x.com"]


def workspacectl(*arguments: str) -> None:
    with pytest.raises(SystemExit):
        main(arguments)


def test_violations_are_in_the_namespace_of_the_context(ws: Ws, idle_pod: KubectlProgram) -> None:
    ws("violations", "club")
    ws("violations", "other/club")

    assert [call[3] for call in idle_pod.remote] == ["team-a/club", "other/club"]


def test_violations_are_not_written_into_the_pod(ws: Ws, kubectl: KubectlProgram) -> None:
    done = ws("violations", "club", "-o", "to-fix.csv")

    assert (done.code, kubectl.calls) == (64, [])


def test_too_many_manifests_are_refused(ws: Ws) -> None:
    for number in range(3):
        name = f"w{number}"
        text = manifest(name, name).replace(
            f"{{name: {name}}}", f"{{name: {name}, annotations: {{a: '{'x' * 250_000}'}}}}"
        )
        for part in "ab":
            Path(f"{name}-{part}.yaml").write_text(text.replace(name, f"{name}{part}"))

    done = ws("plan", "-f", ".")

    assert done.code == 64
    assert "the manifests have more than 1048576 bytes: plan them in parts" in " ".join(done.err.split())


def test_script_is_installed() -> None:
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["kubectl-ws"].partition(":")

    assert callable(getattr(import_module(module), function))


def test_status_is_that_of_the_pod(ws: Ws, idle_pod: KubectlProgram) -> None:
    done = ws("status", "--context", "staging", "-o", "json")

    assert idle_pod.remote == [["status", "-o", "json"]]
    assert "command terminated" not in done.err


def test_pod_that_is_being_deleted_is_left_out(ws: Ws, idle_pod: KubectlProgram) -> None:
    pods = running_pods(("old", {"deletionTimestamp": "2026-11-29T05:30:12Z"}), ("new", {}))
    idle_pod.answer_with(**{"status.phase=Running": pods})

    ws("workspaces", "list")

    [execution] = [call for call in idle_pod.calls if "exec" in call]
    assert "pod/new" in execution


def test_pods_of_several_releases_are_refused(ws: Ws, idle_pod: KubectlProgram) -> None:
    label = "app.kubernetes.io/instance"
    pods = running_pods(("green-0", {"labels": {label: "green"}}), ("blue-0", {"labels": {label: "blue"}}), ("x", {}))
    idle_pod.answer_with(**{"status.phase=Running": pods})

    done = ws("workspaces", "list")

    assert done.failure == (
        "error: namespace workspace-operator has operators of several releases (blue, green, without a label): "
        "name one with --release"
    )


def test_named_release_selects_its_pods(ws: Ws, idle_pod: KubectlProgram) -> None:
    ws("--release", "blue", "workspaces", "list")

    [search] = [call for call in idle_pod.calls if "pods" in call]
    assert search[search.index("--selector") + 1].endswith(",app.kubernetes.io/instance=blue")


def test_pod_may_write_much_before_it_reads(ws: Ws, kubectl: KubectlProgram) -> None:
    annotation = f"{{name: crm, annotations: {{a: '{'x' * 200_000}'}}}}"
    Path("crm.yaml").write_text(manifest().replace("{name: crm}", annotation))
    kubectl.say_first(200_000)

    done = ws("plan", "-f", "crm.yaml")

    assert (done.code, done.out.partition(":")[0]) == (2, "team-a/crm")
    assert done.err.startswith("." * 200_000)


def test_pod_may_end_before_it_has_read(ws: Ws, idle_pod: KubectlProgram) -> None:
    annotation = f"{{name: crm, annotations: {{a: '{'x' * 200_000}'}}}}"
    Path("crm.yaml").write_text(manifest().replace("{name: crm}", annotation))

    done = ws("plan", "-f", "crm.yaml")

    assert (done.code, done.err) == (0, "")
    assert len(idle_pod.remote) == 1
