"""What a build of Go programs tells while it goes on, with a go of the test's own."""

import io
from pathlib import Path

import pytest

from tests.go_programs.compiler import Go
from tests.go_programs.failures import BuildFailed
from tests.go_programs.progress import Progress

GO = """\
#!/bin/sh
if [ "$1" = list ]; then printf 'unsafe\\nfmt\\nmain\\n'; exit; fi
printf 'fmt\\nmain\\n' >&2
until grep -q "compiling, 2 of 2" "$TOLD"; do sleep 0.05; done
mkdir -p "$GOTMPDIR/go-build1/b001/exe"
until grep -q linking "$TOLD"; do sleep 0.05; done
test -z "$FAILING" || { echo "it does not link" >&2; exit 1; }
"""


class RecordedLog(io.StringIO):
    """A log that goes into a file, too, where the go of the test reads it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        file.touch()

    def write(self, text: str) -> int:
        with self._file.open("a") as file:
            file.write(text)
        return super().write(text)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedLog:
    """The log of a build in which every look is told."""
    monkeypatch.setattr("tests.go_programs.progress.EVERY_SECONDS", 0)
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    return RecordedLog(tmp_path / "told")


@pytest.fixture
def go(tmp_path: Path, log: RecordedLog) -> Go:
    program = tmp_path / "go"
    program.write_text(GO)
    program.chmod(0o755)
    return Go(program=program, sources=tmp_path, work=tmp_path, progress=Progress(log))


def steps(log: RecordedLog) -> list[str]:
    """The steps that were told, each once."""
    told = [line.split("s  ")[1].partition(",")[0] for line in log.getvalue().splitlines()]
    return list(dict.fromkeys(told))


def test_linking_is_a_step_of_its_own(go: Go, log: RecordedLog) -> None:
    wanted = go.list_packages(["."])

    go.compile(["."], wanted)

    assert wanted == 2
    assert steps(log)[-2:] == ["compiling", "linking"]


def test_build_that_fails_is_reported(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILING", "yes")

    with pytest.raises(BuildFailed, match="it does not link"):
        go.compile(["."], 2)


def test_log_has_a_line_for_each_step_at_once() -> None:
    log = io.StringIO()
    progress = Progress(log)

    for step, state in (("compiling", "1 of 2"), ("compiling", "2 of 2"), ("linking", "the rest")):
        progress.show(step, state)

    assert [line.split("s  ")[1] for line in log.getvalue().splitlines()] == ["compiling, 1 of 2", "linking, the rest"]
