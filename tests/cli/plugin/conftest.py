"""``kubectl ws`` in this process, with a kubectl that runs ``workspacectl`` on this machine."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Result
from tests.fakes.cluster.kubectl_program import KubectlProgram
from workspace_operator.cli.plugin.main import main
from workspace_operator.settings import DATABASE_VARIABLE

CLUSTER = "5d0c4e4e-54d4-4b67-9f4e-1f0f6a2a2d1b"


def running_pods(*pods: tuple[str, dict[str, object]]) -> str:
    """What kubectl prints about running pods of the operator; each with its name and what else its metadata has."""
    return json.dumps({"items": [{"metadata": {"name": name, **metadata}} for name, metadata in pods]})


ANSWERS = {
    "status.phase=Running": running_pods(("operator-0", {})),
    "get pods": "pod/operator-0",
    "get namespace kube-system": CLUSTER,
    "config view": "team-a",
}

Ws = Callable[..., Result]


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KubectlProgram:
    """The kubectl on the PATH; the pod's database is a file of the test's own."""
    database = f"sqlite:///{tmp_path}/store.db"
    program = KubectlProgram.install(tmp_path / "bin", database=database, answers=ANSWERS)
    monkeypatch.setenv("PATH", f"{program.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return program


@pytest.fixture
def idle_pod(kubectl: KubectlProgram) -> KubectlProgram:
    """The same kubectl, with a pod where every command ends well at once."""
    kubectl.answer_with(**{"exec -i": ""})
    return kubectl


@pytest.fixture
def ws(kubectl: KubectlProgram, capfd: pytest.CaptureFixture[str]) -> Ws:  # noqa: ARG001 - it has to be on the PATH
    def run_plugin(*arguments: str) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capfd.readouterr()
        return Result(code=ended.value.code or 0, out=printed.out, err=printed.err)

    return run_plugin
