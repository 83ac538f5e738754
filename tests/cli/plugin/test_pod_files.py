"""``kubectl ws`` and files: those of this machine are refused with what to do, those of the pod are named in errors."""

from collections.abc import Iterator

import pytest

from tests.cli.command_tree import command_tree
from tests.cli.plugin.conftest import Ws
from tests.fakes.cluster.kubectl_program import KubectlProgram
from workspace_operator.cli.plugin.pod_files import METAVARS, paths_in_pod

INPUT = "give - instead, and send the file to standard input (< FILE)"
POD_PATH = "give an absolute path in the pod (kubectl cp copies files), such as /tmp/NAME, or run the command here"
OF_CRM = ("-w", "default/crm")
LOCAL_FILES = {
    "import": (("people", "import", "people.csv", *OF_CRM), "FILE", INPUT),
    "segment": (("segments", "create", "--name", "a", "--from-csv=./people.csv", *OF_CRM), "--from-csv", INPUT),
    "restore": (("database", "restore", "people.csv"), "FILE", INPUT),
    "backup": (
        ("database", "backup", "shop.backup"),
        "FILE",
        "give - instead, and send standard output to the file (> FILE)",
    ),
    "export": (
        ("exports", "get", "--latest", *OF_CRM, "-o", "to-fix.csv"),
        "--output",
        "leave the option out, and send standard output to the file (> FILE)",
    ),
    "rejects": (("people", "import", "-", *OF_CRM, "--rejects", "rejects.csv"), "--rejects", POD_PATH),
    "folder": (("templates", "apply", "-f", "/tmp/a", "-f", "welcome", *OF_CRM), "--filename", POD_PATH),
}


@pytest.mark.parametrize("name", LOCAL_FILES)
def test_file_of_this_machine_is_refused(ws: Ws, kubectl: KubectlProgram, name: str) -> None:
    arguments, option, advice = LOCAL_FILES[name]

    done = ws(*arguments)

    said = " ".join(done.err.split())
    assert (done.code, kubectl.calls) == (64, [])
    assert f"Invalid value for {option}: " in said
    assert f" is a file here, and the command runs in the pod: {advice}" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("people", "import", "-", *OF_CRM, "--rejects", "/tmp/rejects.csv"),
        ("database", "backup", "-"),
        ("exports", "get", "--latest", *OF_CRM),
        ("templates", "apply", *OF_CRM, "-f", "/tmp/welcome"),
        ("people", "import", "--help"),
        ("people", "unknown", "people.csv"),
        ("people",),
        ("people", "import", "people.csv", "--unknown"),
        ("version",),
    ],
)
def test_other_arguments_are_passed_on(ws: Ws, idle_pod: KubectlProgram, arguments: tuple[str, ...]) -> None:
    done = ws(*arguments)

    assert (done.code, idle_pod.remote) == (0, [list(arguments)])


@pytest.mark.usefixtures("kubectl")
def test_error_says_that_paths_are_those_of_the_pod(ws: Ws) -> None:
    done = ws("people", "import", "/nowhere/people.csv", *OF_CRM)

    error, note = done.err.splitlines()
    assert done.code == 1
    assert error.startswith("error: ")
    assert note == "note: the command ran in the operator's pod, and so these are paths there: /nowhere/people.csv"


@pytest.mark.usefixtures("kubectl")
def test_streams_are_no_paths_of_the_pod(ws: Ws) -> None:
    done = ws("people", "import", "-", *OF_CRM, "--rejects", "/dev/stderr")

    assert (done.code, done.err.count("\n")) == (1, 1)


def parameters() -> Iterator[tuple[str, str]]:
    """The metavar and the type of each parameter of each command."""
    commands = [*command_tree().commands.values()]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        yield from ((str(each.metavar), repr(getattr(each, "type_descriptor", ""))) for each in command.params)


def test_every_parameter_for_a_path_is_known() -> None:
    unknown = {metavar for metavar, kind in parameters() if "Path" in kind} - METAVARS

    assert unknown == set()
    assert {metavar for metavar, _ in parameters() if metavar in METAVARS} == METAVARS


def test_paths_of_the_pod_are_returned_in_order() -> None:
    assert paths_in_pod(["people", "import", "/tmp/b.csv", "--rejects", "/tmp/a.csv", *OF_CRM]) == [
        "/tmp/b.csv",
        "/tmp/a.csv",
    ]
