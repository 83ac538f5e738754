import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command_tree import command_paths, command_tree
from tests.cli.conftest import Crm, Run, W
from workspace_operator.cli.app import SUMMARIES
from workspace_operator.cli.support.output import json_text, print_table, printable

COMMANDS = sorted(command_paths())
GROUPS = sorted({path[:-1] for path in COMMANDS})


@pytest.mark.parametrize("command", [*GROUPS, *COMMANDS], ids=" ".join)
def test_help_fits_a_narrow_terminal(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--help")

    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    assert "..." not in done.out.partition("Commands:")[2]


WITHOUT_DATABASE = {path for path in COMMANDS if path[0] in {"run", "validate", "version"}} | {("sending", "make-key")}


@pytest.mark.parametrize("command", [path for path in COMMANDS if path not in WITHOUT_DATABASE], ids=" ".join)
def test_shared_options_come_last(run: Run, command: tuple[str, ...]) -> None:
    options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run(*command, "--help").out, re.MULTILINE)

    assert options[-2:] == ["--database", "--help"] or options[-1] == "--database"
    assert "--workspace" not in options[1:]
    if "--cluster-id" in options:
        assert options.index("--cluster-id") == options.index("--database") - 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("unknown",),
        ("people", "unknown"),
        ("people", "import"),
        ("people", "export"),
        ("people", "import", "x.csv", "-w", "default/crm", "--by", "name"),
        ("apply",),
        ("apply", "-f", "x.yaml", "-o", "xml"),
        ("workspaces", "assign", "one", "--to", "a/b"),
        ("people", "export", "--unknown"),
        ("people", "dedupe", *W),
        ("people", "dedupe", "--keep", "best", *W),
    ],
    ids=" ".join,
)
def test_usage_errors_end_with_sixty_four(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert (done.code, done.out) == (64, "")
    assert "Error: " in done.err


LOADED = """
import sys, workspace_operator.cli.app as app
try: app.main(sys.argv[1:])
except SystemExit: print(*sorted(sys.modules), file=sys.stderr)
"""


def modules_loaded_by(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", ["--help", "version", "--version"])
def test_list_of_commands_and_version_load_no_command(arguments: str) -> None:
    loaded = modules_loaded_by(arguments)

    assert {name for name in loaded if name.startswith("workspace_operator.")} == {
        "workspace_operator.cli",
        "workspace_operator.cli.app",
        "workspace_operator.cli.conversion",
        "workspace_operator.cli.support",
        "workspace_operator.cli.support.output",
        "workspace_operator.errors",
    }
    assert not loaded & {"pydantic", "rich.console", "sqlalchemy", "asyncio"}
    assert ("importlib.metadata" in loaded) is (arguments != "--help")


def test_command_loads_only_its_own_libraries() -> None:
    loaded = modules_loaded_by("run", "api", "--help")

    assert "workspace_operator.cli.commands.run" in loaded
    assert not loaded & {
        "kopf",
        "kubernetes",
        "alembic",
        "psycopg",
        "starlette",
        "rich.console",
        "workspace_operator.cli.commands.people",
    }


OF_OTHERS = {
    "aiohttp",
    "alembic",
    "email_validator",
    "kopf",
    "kubernetes",
    "liquid",
    "prometheus_client",
    "psycopg",
    "rich.console",
    "smtplib",
    "sqlalchemy.dialects.postgresql",
    "starlette",
    "uvicorn",
    "workspace_operator.handlers",
    "workspace_operator.rendering",
    "workspace_operator.web",
}
"""What a command with a SQLite file needs none of."""

OF_MANIFESTS = {
    "cel",
    "pydantic",
    "yaml",
    "workspace_operator.application.operator",
    "workspace_operator.resources.schema",
}
"""What only commands for resources and their settings need besides; Typer needs pydantic for files and numbers."""


@pytest.mark.parametrize(
    ("command", "used"),
    [
        (("people", "show", "ada@example.com", *W), set()),
        (("people", "export", *W), set()),
        (("people", "find", "ada", *W), set()),
        (("people", "delete", "ada@example.com", *W), set()),
        (("people", "import", "people.csv", *W), {"pydantic"}),
        (("segments", "list", *W), set()),
        (("merges", "list", *W), set()),
        (("migrations", "show", *W), {"pydantic"}),
        (("exports", "list", *W), set()),
        (("workspaces", "list"), OF_MANIFESTS - {"yaml"}),
        (("apply", "-f", "crm.yaml"), OF_MANIFESTS),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_command_with_a_store_loads_no_more_than_it_needs(crm: Crm, command: tuple[str, ...], used: set[str]) -> None:
    crm(people="id,email\n1,ada@example.com\n")

    loaded = modules_loaded_by(*command)

    assert "sqlalchemy.dialects.sqlite" in loaded
    assert not loaded & OF_OTHERS
    assert loaded & OF_MANIFESTS <= used


def test_version_is_an_option_and_a_command(run: Run) -> None:
    option, command = run("--version"), run("version")

    assert option == command
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", command.out)


def test_summaries_are_those_of_the_commands() -> None:
    loaded = {name: command.get_short_help_str(80) for name, command in command_tree().commands.items()}

    assert loaded == SUMMARIES
    assert list(loaded) == list(SUMMARIES)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "the database URL must be sqlite:///FILE.db or postgresql://"),
        ("mysql://x/y", "mysql is not supported"),
        ("sqlite://", "a SQLite database must be a file"),
        ("postgresql://u:secret@127.0.0.1:1/x", "does not answer"),
        ("postgresql://u:secret@127.0.0.1:99999/x", "is not a number from 1 to 65535"),
        ("sqlite:////proc/nowhere/x.db", "/proc/nowhere"),
        ("sqlite:///folder", "the database "),
        ("sqlite:///text.db", "the database "),
    ],
)
@pytest.mark.parametrize("command", ["workspaces list", "apply -f crm.yaml"])
def test_bad_database_is_one_line(run: Run, crm: Crm, command: str, url: str, words: str) -> None:
    crm()
    Path("folder").mkdir()
    Path("text.db").write_text("this is no database, however long it is" * 100)

    done = run(*command.split(), "--database", url)

    assert words in done.failure
    assert "secret" not in done.error


@pytest.mark.parametrize("command", ["workspaces list", "plan -f crm.yaml"])
@pytest.mark.parametrize(
    ("revision", "words"), [("9999_from_tomorrow", "newer"), ("0002", "export its people with that version")]
)
def test_other_schema_is_one_line(run: Run, crm: Crm, command: str, revision: str, words: str) -> None:
    crm()
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    before = Path("store.db").read_bytes()

    assert words in run(*command.split()).failure
    assert Path("store.db").read_bytes() == before


NASTY = "\x1b[31mred\x07 \x9b31m \u202eleft\u2028 \x00 ok é 漢"


def test_printed_data_cannot_steer() -> None:
    shown = printable(NASTY)

    assert shown == "\\x1b[31mred\\x07 \\x9b31m \\u202eleft\\u2028 \\x00 ok é 漢"
    assert shown.isprintable()


def test_json_stays_json_when_escaped() -> None:
    shown = json_text({"name": NASTY, "emoji": ":smile: \U000e0001"})

    assert shown.replace("\n", "").isprintable()
    assert json.loads(shown) == {"name": NASTY, "emoji": ":smile: \U000e0001"}


def test_tables_align_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "N"), [("漢字", 1), ("abcdé", None), ("a\nb\x1b", "")])

    assert capsys.readouterr().out == "NAME     N\n漢字     1\nabcdé    -\na b\\x1b  -\n"


NO_UNICODE = "\udcff"  # what Python makes of an argument that is not UTF-8
LARGE = str(2**63)


@pytest.mark.parametrize(
    "command",
    [
        ("exports", "list", "-w", f"default/{NO_UNICODE}"),
        ("exports", "get", *W, "--id", LARGE),
        ("exports", "get", *W, "--id", f"-{LARGE}0"),
        ("exports", "show", *W, "--id", LARGE),
        ("migrations", "show", *W, "--cluster-id", NO_UNICODE),
        ("merges", "show", NO_UNICODE, *W),
        ("merges", "undo", NO_UNICODE, *W),
        ("merges", "list", *W, "--cio-id", NO_UNICODE),
        ("merges", "list", *W, "--before", NO_UNICODE),
        ("workspaces", "delete", LARGE, "--confirm-name", "CRM"),
        ("workspaces", "assign", LARGE, "--to", "default/crm"),
        ("workspaces", "assign", "1", "--to", f"default/{NO_UNICODE}"),
        ("workspaces", "assign", "1", "--to", "default/a", "--cluster-id", NO_UNICODE),
        ("workspaces", "move", "--from-cluster", NO_UNICODE),
        ("workspaces", "move", "--from-cluster", "a", "--to-cluster", NO_UNICODE),
        ("workspaces", "move", "--from-cluster", "a", "--namespace", NO_UNICODE),
        ("apply", "-f", "crm.yaml", "--cluster-id", NO_UNICODE),
        ("plan", "-f", "crm.yaml", "--cluster-id", NO_UNICODE),
    ],
    ids=ascii,
)
def test_arguments_that_no_database_can_look_for_are_wrong_usage(run: Run, crm: Crm, command: tuple[str, ...]) -> None:
    crm()

    done = run(*command)

    assert done.code == 64
    assert "Invalid value" in done.err
