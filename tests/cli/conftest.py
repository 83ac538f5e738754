"""The command line, run in this process, on a database of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from workspace_operator.cli.app import main
from workspace_operator.settings import DATABASE_VARIABLE

CRM = """\
apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata: {name: crm}
spec:
  displayName: CRM
  identifiers: {mode: MODE}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended and what it printed."""

    code: object
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a command that went wrong."""
        assert self.err.count("\n") == 1, self.err
        return self.err.rstrip("\n")


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``workspacectl`` in a folder of the test's own."""
    monkeypatch.setenv(DATABASE_VARIABLE, f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        printed = capsys.readouterr()
        return Result(code=ended.value.code or 0, out=printed.out, err=printed.err)

    return run_command


@pytest.fixture
def crm(run: Run, tmp_path: Path) -> Callable[[str], None]:
    """Puts a workspace default/crm of some mode into force."""

    def put_in_force(mode: str = "EmailOrID") -> None:
        manifest = tmp_path / "crm.yaml"
        manifest.write_text(CRM.replace("MODE", mode))
        assert run("apply", "-f", manifest).code == 0

    return put_in_force
