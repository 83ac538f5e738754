"""What somebody at a terminal sees, who may be shown anything that was sent to us."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Crm, Run, W
from tests.cli.terminals import on_a_terminal


def test_bar_moves_on_a_terminal_only(run: Run, crm: Crm) -> None:
    crm()
    Path("people.csv").write_text("id\n" + "".join(f"{number}\n" for number in range(5000)))

    seen = on_a_terminal("people", "import", "people.csv", *W)
    piped = run("people", "import", "people.csv", *W)

    assert "importing" in seen
    assert "5000 rows: 5000 created" in seen
    assert piped.err == ""
    assert (
        piped.out
        == "identifiers: id\n5000 rows: 0 created, 5000 updated (5000 of them unchanged), 0 skipped, 0 rejected\n"
    )


def test_pipes_can_be_imported_on_a_terminal(crm: Crm) -> None:
    crm()
    os.mkfifo("pipe")
    writer = subprocess.Popen(["/bin/sh", "-c", "printf 'id\\n1\\n2\\n' > pipe"])

    seen = on_a_terminal("people", "import", "pipe", *W)

    assert writer.wait() == 0
    assert "2 rows: 2 created" in seen


def test_exported_data_cannot_steer(crm: Crm, run: Run) -> None:
    crm(people="id,note\n1,\x1b[2Jgone\x9b31m\n")

    seen = on_a_terminal("people", "export", *W) + on_a_terminal("people", "show", *W, "1")
    piped = run("people", "export", *W)

    assert "\x1b" not in seen
    assert "\x9b" not in seen
    assert "\\x1b[2Jgone" in seen
    assert "\x1b[2Jgone\x9b31m" in piped.out


def test_tables_are_never_cut(crm: Crm, tmp_path: Path) -> None:
    crm()
    manifest = tmp_path / "crm.yaml"
    manifest.write_text(manifest.read_text().replace("CRM", "A long display name " * 5))

    seen = on_a_terminal("apply", "-f", "crm.yaml") + on_a_terminal("workspaces", "list")

    assert ("A long display name " * 5).rstrip() in seen.replace("\r\n", "")


def test_closed_pipe_ends_quietly(crm: Crm) -> None:
    crm(people="id\n" + "".join(f"{number}\n" for number in range(20_000)))

    done = subprocess.run(
        f"{sys.executable} -m workspace_operator people export -w default/crm | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
    )

    assert (done.stdout, done.stderr) == ("cio_id,id,email\n", "")
