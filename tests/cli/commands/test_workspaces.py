"""``workspacectl workspaces``, and which cluster manifests are of."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Run, manifest, write
from workspace_operator import bootstrap
from workspace_operator.application.operator.orphans import ClusterResourceNames
from workspace_operator.bootstrap import Repositories


@contextmanager
def store_of(folder: Path) -> Iterator[Repositories]:
    with bootstrap.open_store(f"sqlite:///{folder}/store.db") as store:
        yield store


def beat(folder: Path, cluster: str, *, seconds_ago: float = 0) -> None:
    with store_of(folder) as store:
        store.heartbeats.beat(cluster, now=store.clock() - timedelta(seconds=seconds_ago))


@pytest.fixture(autouse=True)
def old(run: Run) -> None:
    """Cluster "old" has default/crm with one person, and default/club."""
    write("crm.yaml")
    Path("both.yaml").write_text(f"{manifest()}---\n{manifest('club', 'Club')}")
    assert run("apply", "-f", "both.yaml", "--cluster-id", "old").code == 0
    Path("ana.csv").write_text("id,email\nana,ana@example.com\n")
    assert run("people", "import", "ana.csv", "-w", "default/crm").code == 0


@pytest.fixture
def new(run: Run, old: None) -> None:  # noqa: ARG001 - it comes first
    """Cluster "new" has an empty default/crm of its own."""
    assert run("apply", "-f", "crm.yaml", "--cluster-id", "new").code == 0


def rows(run: Run, *options: str) -> list[list[str]]:
    return [line.split() for line in run("workspaces", "list", *options).out.splitlines()[1:]]


def test_owners_of_clusters_without_heartbeat_are_unknown(run: Run) -> None:
    assert [row[-1] for row in rows(run)] == ["unknown", "unknown"]
    assert [row[0] for row in rows(run, "--orphans")] == ["1", "2"]


def test_list_prints_as_json_and_csv(run: Run, tmp_path: Path) -> None:
    beat(tmp_path, "old", seconds_ago=61)
    write("formula.yaml", "formula", "=1")
    run("apply", "-f", "formula.yaml", "--cluster-id", "new")

    as_json, as_csv = (run("workspaces", "list", "--orphans", "-o", output) for output in ("json", "csv"))

    first, _, formula = json.loads(as_json.out)
    assert (formula["displayName"], formula["owner"]) == ("=1", "unknown")
    assert first == {
        "id": 1,
        "displayName": "CRM",
        "identifiers": "EmailOrID",
        "cluster": "old",
        "namespace": "default",
        "name": "crm",
        "account": "default",
        "people": 1,
        "owner": "cluster silent",
    }
    assert as_csv.out.splitlines() == [
        "id,display_name,identifiers,cluster,namespace,name,account,people,owner",
        "1,CRM,EmailOrID,old,default,crm,default,1,cluster silent",
        "2,Club,EmailOrID,old,default,club,default,0,cluster silent",
        "3,'=1,EmailOrID,new,default,formula,default,0,unknown",
    ]


def test_silent_cluster_is_listed(run: Run, tmp_path: Path) -> None:
    beat(tmp_path, "old", seconds_ago=61)

    assert [row[-2:] for row in rows(run)] == [["cluster", "silent"]] * 2
    assert [row[0] for row in rows(run, "--orphans")] == ["1", "2"]


def test_living_cluster_has_no_known_orphans(run: Run, tmp_path: Path) -> None:
    beat(tmp_path, "old")

    done = run("workspaces", "list", "--orphans")

    assert [row[-1] for row in rows(run)] == ["unknown", "unknown"]
    assert done.out.splitlines()[1:] == []
    assert done.err == "not listed, since their clusters were not queried (--kubeconfig): the workspaces of old\n"


def test_asked_cluster_knows_who_is_there(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(tmp_path, "old")
    asked = ClusterResourceNames(cluster_id="old", names={("default", "crm")})
    monkeypatch.setattr(bootstrap, "list_cluster_names", lambda _kubeconfig, _context: asked)

    done = run("workspaces", "list", "--orphans", "--context", "old")

    assert [row[-1] for row in rows(run, "--context", "old")] == ["present", "gone"]
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == ["2"]
    assert done.err == ""


def test_all_workspaces_of_a_cluster_are_moved(run: Run) -> None:
    done = run("workspaces", "move", "--from-cluster", "old", "--to-cluster", "new")

    assert (done.code, done.out.splitlines()[-1]) == (0, "2 workspaces moved.")
    assert [row[3:6] for row in rows(run)] == [["new", "default", "crm"], ["new", "default", "club"]]
    assert run("apply", "-f", "both.yaml", "--cluster-id", "new").out.splitlines()[1].split()[-1] == "1"


def test_dry_run_moves_nothing(run: Run) -> None:
    before = rows(run)

    done = run("workspaces", "move", "--from-cluster", "old", "--to-cluster", "new", "--dry-run")

    assert (done.code, done.out.splitlines()[-1]) == (0, "2 workspaces can be moved. Nothing was changed.")
    assert done.out.splitlines()[1].split() == ["1", "default", "crm", "1", "old", "new", "-"]
    assert rows(run) == before


@pytest.mark.usefixtures("new")
def test_one_that_is_in_the_way_keeps_all(run: Run) -> None:
    before = rows(run)

    done = run("workspaces", "move", "--from-cluster", "old", "--to-cluster", "new")

    assert (done.code, done.out.splitlines()[-1]) == (3, "1 of 2 workspaces cannot be moved. Nothing was changed.")
    assert "the target has workspace 3, which is empty: --replace-empty replaces it" in done.out
    assert rows(run) == before


@pytest.mark.usefixtures("new")
def test_empty_one_may_be_replaced(run: Run) -> None:
    done = run("workspaces", "move", "--from-cluster", "old", "--replace-empty")

    assert done.code == 0
    assert [row[0] for row in rows(run)] == ["1", "2"]
    assert {row[3] for row in rows(run)} == {"new"}


@pytest.mark.usefixtures("new")
def test_one_with_people_is_never_replaced(run: Run) -> None:
    done = run("workspaces", "move", "--from-cluster", "new", "--to-cluster", "old", "--replace-empty")

    assert done.code == 3
    assert "the target has workspace 1, which is not empty" in done.out


def test_name_of_another_is_in_the_way(run: Run) -> None:
    write("other.yaml", "other")
    run("apply", "-f", "other.yaml", "--cluster-id", "new")

    done = run("workspaces", "move", "--from-cluster", "old", "--to-cluster", "new")

    assert done.code == 3
    assert "workspace 3 of default/other has its display name" in done.out


def test_one_namespace_may_be_moved(run: Run) -> None:
    write("sales.yaml", "crm, namespace: sales")
    run("apply", "-f", "sales.yaml", "--cluster-id", "old")

    run("workspaces", "move", "--from-cluster", "old", "--to-cluster", "new", "-n", "sales")

    assert [row[3] for row in rows(run)] == ["old", "old", "new"]


def test_living_cluster_keeps_its_workspaces(run: Run, tmp_path: Path) -> None:
    beat(tmp_path, "old")
    move = ("workspaces", "move", "--from-cluster", "old", "--to-cluster", "new")

    refused, tried, forced = run(*move), run(*move, "--dry-run"), run(*move, "--force")

    assert refused.code == 1
    assert "cluster old is alive" in refused.error
    assert (tried.code, forced.code) == (0, 0)


@pytest.mark.usefixtures("new")
def test_target_is_the_other_cluster_that_is_alive(run: Run, tmp_path: Path) -> None:
    beat(tmp_path, "newest")
    beat(tmp_path, "dead", seconds_ago=600)

    run("workspaces", "move", "--from-cluster", "old")

    assert [row[3] for row in rows(run)] == ["newest", "newest", "new"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--from-cluster", "old"), "error: add --to-cluster CLUSTER; other clusters that the database knows: none"),
        (("--from-cluster", "none"), "error: cluster none has no workspaces; clusters that have some: old"),
        (("--from-cluster", "old", "-n", "x"), "error: cluster old has no workspaces in the namespace x; clusters"),
        (("--from-cluster", "old", "--to-cluster", "old"), "error: --to-cluster must be another cluster than"),
    ],
)
def test_moves_that_mean_nothing_are_refused(run: Run, options: tuple[str, ...], problem: str) -> None:
    done = run("workspaces", "move", *options)

    assert done.failure.startswith(problem)


@pytest.mark.usefixtures("new")
def test_assigning_replaces_only_what_is_empty(run: Run) -> None:
    assign = ("workspaces", "assign", "1", "--to", "default/crm", "--cluster-id", "new")

    refused, done = run(*assign), run(*assign, "--replace-empty")

    assert refused.code == 1
    assert "already has workspace 3; if it is empty, --replace-empty replaces it" in refused.error
    assert (done.code, done.out) == (0, "workspace number 1 now belongs to default/crm of cluster new\n")
    assert [row[0] for row in rows(run)] == ["1", "2"]


@pytest.mark.usefixtures("new")
def test_assigning_replaces_nobody(run: Run) -> None:
    done = run("workspaces", "assign", "3", "--to", "default/crm", "--cluster-id", "old", "--replace-empty")

    assert "already has workspace 1, which is not empty: nothing was changed" in done.failure


@pytest.mark.usefixtures("new")
def test_workspace_is_deleted_by_its_name(run: Run) -> None:
    done = run("workspaces", "delete", "1", "--confirm-name", "CRM")

    assert (done.code, done.out) == (0, 'workspace number 1 "CRM" was deleted, with 1 person\n')
    assert [row[0] for row in rows(run)] == ["2", "3"]
    assert run("people", "export", "-w", "default/crm").code == 0  # no longer ambiguous


def test_name_is_confirmed_in_any_form(run: Run) -> None:
    write("cafe.yaml", "cafe", "Caf\u00e9")
    assert run("apply", "-f", "cafe.yaml", "--cluster-id", "old").code == 0

    done = run("workspaces", "delete", "3", "--confirm-name", "Cafe\u0301")

    assert (done.code, done.out) == (0, 'workspace number 3 "Caf\u00e9" was deleted, with 0 people\n')


@pytest.mark.parametrize("name", ["crm", "CRM ", ""])
def test_nothing_is_deleted_by_another_name(run: Run, name: str) -> None:
    done = run("workspaces", "delete", "1", "--confirm-name", name)

    assert 'must be the display name of workspace 1, "CRM": nothing was deleted' in done.failure
    assert len(rows(run)) == 2


def test_new_workspaces_are_named(run: Run) -> None:
    manifests = [manifest(f"crm-{number:02}", f"CRM {number}") for number in range(12)]
    Path("many.yaml").write_text("---\n".join(manifests))

    first, second = (run("apply", "-f", "many.yaml", "--cluster-id", "old") for _ in range(2))

    names = ", ".join(f"default/crm-{number:02}" for number in range(10))
    assert (first.err, second.err) == (f"new workspaces: {names} and 2 more\n", "")


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_database_of_another_cluster_is_refused(run: Run, command: str) -> None:
    done = run(command, "-f", "crm.yaml")

    assert done.failure == (
        "error: the database belongs to cluster old (2 workspaces): add --cluster-id old if the manifests belong to "
        "that cluster, or --cluster-id local to create separate workspaces"
    )
    assert len(rows(run)) == 2


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_database_of_an_operator_is_refused(run: Run, tmp_path: Path, command: str) -> None:
    beat(tmp_path, "0cfc6b8e")

    done = run(command, "-f", "crm.yaml")

    assert "the database belongs to clusters 0cfc6b8e (0 workspaces), old (2 workspaces)" in done.failure


@pytest.mark.parametrize(("command", "code"), [("plan", 2), ("apply", 0)])
def test_another_cluster_may_be_meant(run: Run, command: str, code: int) -> None:
    assert run(command, "-f", "crm.yaml", "--cluster-id", "local").code == code


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_second_of_the_same_name_is_refused(run: Run, command: str) -> None:
    write("mine.yaml", "mine", "Mine")
    run("apply", "-f", "mine.yaml", "--cluster-id", "local")

    mine, doubled = run(command, "-f", "mine.yaml"), run(command, "-f", "both.yaml")

    assert mine.code == 0
    assert doubled.code == 1
    assert "default/club, default/crm would duplicate workspaces of cluster old (2 workspaces)" in doubled.error


def hand_over(folder: Path, *, seconds: float) -> None:
    """A message of workspace 1 is being handed over by a sender."""
    now = time.time()
    row = (1, f"{time.time_ns():024x}", 1, *(int(each * 1e6) for each in (now, now + seconds)))
    with closing(sqlite3.connect(folder / "store.db")) as database, database:
        database.execute(
            "INSERT INTO attempt (workspace_id, delivery_id, number, begun_at, deadline, send_version, mode, transport,"
            " worker, recipients) VALUES (?, ?, ?, ?, ?, 1, 'Normal', 'default', 'w1', 1)",
            row,
        )


def test_orphan_stops_sending(run: Run, tmp_path: Path) -> None:
    done = run("workspaces", "set-sending", "1", "Never")

    assert (done.code, done.err) == (0, "")
    assert done.out == 'workspace number 1 "CRM": Never is in force, and no message is in flight under other rules\n'
    with store_of(tmp_path) as store:
        assert store.workspaces.get(1).settings.send_mode == "Never"


def test_stop_waits_for_hand_overs(run: Run, tmp_path: Path) -> None:
    hand_over(tmp_path, seconds=3)
    began = time.monotonic()

    done = run("workspaces", "set-sending", "1", "Test", "qa@example.com")

    assert done.code == 0
    assert done.err.startswith("1 message is being handed over under the earlier rules, until ")
    assert time.monotonic() - began > 0.5


def test_workspace_of_a_living_cluster_needs_force(run: Run, tmp_path: Path) -> None:
    beat(tmp_path, "old")

    refused = run("workspaces", "set-sending", "1", "Never")
    forced = run("workspaces", "set-sending", "1", "Never", "--force")

    assert (refused.code, forced.code) == (1, 0)
    assert "change spec.sendBehavior there" in refused.err


@pytest.mark.parametrize("arguments", [("Test",), ("Never", "qa@example.com"), ("Test", "nobody")])
def test_wrong_send_behavior_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("workspaces", "set-sending", "1", *arguments).code != 0


def test_deletion_waits_for_hand_overs(run: Run, tmp_path: Path) -> None:
    hand_over(tmp_path, seconds=2)

    done = run("workspaces", "delete", "1", "--confirm-name", "CRM")

    assert done.code == 0
    assert "1 message is being handed over" in done.err
    assert "was deleted" in done.out
