"""The command line, run in this process, on a database of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from workspace_operator.cli.app import main
from workspace_operator.settings import DATABASE_VARIABLE

W = ("-w", "default/crm")
MANIFEST = """\
apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata: {{name: {name}}}
spec:
  displayName: {display}
{more}
"""


def manifest(name: str = "crm", display: str = "CRM", more: str = "") -> str:
    """The manifest of a workspace; ``more`` is YAML under spec."""
    return MANIFEST.format(name=name, display=display, more=more)


def write(file: str, name: str = "crm", display: str = "CRM", more: str = "") -> None:
    Path(file).write_text(manifest(name, display, more))


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

    @property
    def failure(self) -> str:
        """The one line of a command that failed and printed no result."""
        assert (self.code, self.out) == (1, "")
        return self.error


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


class Crm(Protocol):
    """Applies default/crm in a mode, with this exit code; then imports people."""

    def __call__(self, mode: str = "EmailOrID", people: str = "", *, code: int = 0) -> None: ...


@pytest.fixture
def crm(run: Run) -> Crm:
    def apply(mode: str = "EmailOrID", people: str = "", *, code: int = 0) -> None:
        write("crm.yaml", more=f"  identifiers: {{mode: {mode}}}")
        assert run("apply", "-f", "crm.yaml").code == code
        if people:
            Path("people.csv").write_text(people, encoding="utf-8")
            assert run("people", "import", "people.csv", *W).code == 0

    return apply
