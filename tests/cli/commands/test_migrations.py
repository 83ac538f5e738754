import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W
from tests.cli.terminals import on_a_terminal
from workspace_operator import bootstrap
from workspace_operator.bootstrap.logs import TextFormatter
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.actions import RequestMigration

WATCH = ("migrations", "show", *W, "--watch")


def change_to(run: Run, mode: str) -> object:
    """The exit code of the apply that asks for it."""
    manifest = Path("crm.yaml")
    manifest.write_text(manifest.read_text().replace("IDOnly", mode))
    return run("apply", "-f", manifest).code


@pytest.fixture
def blocked(run: Run, crm: Crm) -> None:
    """Two people stand in the way of the change."""
    crm("IDOnly", "id,email\n1,a@x.com\n2,A@x.com\n3,c@x.com\n")
    assert change_to(run, "EmailOrID") == 3


@pytest.fixture
def requested(crm: Crm, tmp_path: Path) -> Iterator[bootstrap.Repositories]:
    """A change that no worker has taken up yet."""
    crm("IDOnly")
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        number = store.workspaces.find("default", "crm").workspace_id
        migration = RequestMigration(
            workspace_id=number, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.MERGE
        )
        store.workspaces.apply(migration, now=bootstrap.utc_now())
        yield store


@contextmanager
def watching() -> Iterator["subprocess.Popen[str]"]:
    """The command on no terminal, once it has told its first line."""
    command = (sys.executable, "-m", "workspace_operator", *WATCH)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "Requested\n"
            yield process
        finally:
            process.kill()


def fields(printed: str) -> dict[str, str]:
    """The table as a dictionary."""
    return {line[:20].strip(): line[20:].strip() for line in printed.splitlines()}


def test_completed_migration_is_shown(run: Run, crm: Crm) -> None:
    crm("IDOnly")
    assert change_to(run, "EmailOrID") == 0

    done = run("migrations", "show", *W)

    told = fields(done.out)
    assert (done.code, done.err) == (0, "")
    assert (told["FIELD"], told["MIGRATION"], told["FROM"], told["TO"]) == ("VALUE", "1", "IDOnly", "EmailOrID")
    assert (told["STAGE"], told["ON CONFLICT"], told["PEOPLE CHECKED"]) == ("Completed", "Block", "0 of 0")
    assert told["REQUESTED"] <= told["STARTED"] <= told["ENDED"]
    assert (told["TIME LEFT"], told["EXPORT"]) == ("-", "-")


@pytest.mark.usefixtures("blocked")
def test_blocked_migration_ends_with_three(run: Run) -> None:
    for done in (run("migrations", "show", *W), run(*WATCH)):
        told = fields(done.out)

        assert (done.code, done.err) == (3, "")
        assert (told["STAGE"], told["BLOCKING"], told["VIOLATIONS"]) == ("Blocked", "2", "duplicateEmail 2")
        assert told["EXPORT"] == "1"


@pytest.mark.usefixtures("blocked")
def test_blocked_migration_resumes_by_merging(run: Run) -> None:
    manifest = Path("crm.yaml")
    manifest.write_text(manifest.read_text().replace("mode: EmailOrID", "mode: EmailOrID, onConflict: Merge"))

    applied = run("apply", "-f", manifest)

    told = fields(run("migrations", "show", *W).out)
    assert applied.code == 0
    assert (told["MIGRATION"], told["STAGE"], told["ON CONFLICT"]) == ("2", "Completed", "Merge")
    assert (told["PEOPLE MERGED"], told["IDS GIVEN UP"], told["BLOCKING"]) == ("1 of 1", "1", "0")


@pytest.mark.usefixtures("blocked")
def test_json_is_that_of_the_resource(run: Run) -> None:
    [applied] = json.loads(run("apply", "-f", "crm.yaml", "-o", "json").out)

    done = run("migrations", "show", *W, "-o", "json")

    told = json.loads(done.out)
    assert done.code == 3
    assert told.items() >= applied["status"]["migration"].items()
    assert (told["number"], told["paused"], told["timeLeft"]) == (1, False, None)


def test_workspace_without_migration_is_reported(run: Run, crm: Crm) -> None:
    crm()

    plain, watched, document = (
        run("migrations", "show", *W),
        run(*WATCH),
        run("migrations", "show", *W, "-o", "json"),
    )

    assert [(each.code, each.out) for each in (plain, watched)] == [(0, "")] * 2
    assert plain.error == watched.error == "default/crm has no identifier migrations"
    assert (document.code, document.out, document.err) == (0, "null\n", "")


def test_lines_of_the_worker_name_the_resource(
    requested: bootstrap.Repositories, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", TextFormatter("%(message)s"))

    with caplog.at_level(logging.INFO):
        bootstrap.make_migration_worker(requested).work_once()

    assert "workspace=1 migration=1 stage=Completed namespace=default name=crm\n" in caplog.text


def test_migration_is_watched_to_its_end(requested: bootstrap.Repositories) -> None:
    with watching() as process:
        bootstrap.make_migration_worker(requested).work_once()
        out, _ = process.communicate(timeout=300)

    assert process.returncode == 0
    assert fields(out)["STAGE"] == "Completed"
    assert fields(out)["ON CONFLICT"] == "Merge"


@pytest.mark.usefixtures("requested")
def test_watching_may_be_interrupted() -> None:
    with watching() as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)

    assert (process.returncode, out, err) == (130, "", "")


def test_bar_is_shown_on_a_terminal(requested: bootstrap.Repositories) -> None:
    worker = bootstrap.make_migration_worker(requested)

    seen = on_a_terminal(*WATCH, once=("Requested", worker.work_once))

    assert "Requested" in seen
    assert "Completed" in seen
