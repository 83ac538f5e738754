"""What an operator logs of workspaces that no resource owns."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Event

import pytest

from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.reconcile.builders import NOW
from tests.reconciler.test_heartbeats import Clusters
from tests.workspaces import create_workspace
from workspace_operator.application.operator import orphan_log
from workspace_operator.application.operator.orphan_log import OrphanLog
from workspace_operator.errors import ClusterUnavailable, StoreUnavailable
from workspace_operator.workspaces.model import Owner

Key = tuple[str, str]


@dataclass(slots=True)
class Cluster:
    """Resources by namespace and name, those of them that the operator knows, and what it logs."""

    present: set[Key] = field(default_factory=set)
    unknown: set[Key] = field(default_factory=set)
    memory: InMemoryDatabase = field(default_factory=InMemoryDatabase)
    errors: list[Exception] = field(default_factory=list)
    asked: list[Owner] = field(default_factory=list)

    def make(self, namespace: str, name: str = "crm", cluster: str = "cluster-1") -> None:
        """A workspace, and its resource."""
        self.present.add((namespace, name))
        owner = Owner(cluster=cluster, namespace=namespace, name=name, uid="uid-1")
        create_workspace(FakeWorkspaces(self.memory), owner, now=NOW)

    def known(self) -> Collection[Key]:
        if self.errors:
            raise self.errors[0]
        return self.present - self.unknown

    def owner_is_gone(self, owner: Owner) -> bool:
        self.asked.append(owner)
        return (owner.namespace, owner.name) not in self.present

    def log(self, *namespaces: str) -> OrphanLog:
        return OrphanLog(
            workspaces=FakeWorkspaces(self.memory),
            known=self.known,
            owner_is_gone=self.owner_is_gone,
            count_people=FakePeople(self.memory).count,
            cluster_id="cluster-1",
            namespaces=namespaces,
        )


@pytest.fixture
def cluster(caplog: pytest.LogCaptureFixture) -> Cluster:
    caplog.set_level(logging.INFO)
    return Cluster()


def test_owned_workspaces_are_not_logged(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    cluster.make("team-a", "theirs", cluster="cluster-2")
    cluster.present.remove(("team-a", "theirs"))

    cluster.log().check()

    assert (caplog.messages, cluster.asked) == ([], [])


def test_renamed_namespace_is_logged_with_its_way_back(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    log = cluster.log()
    log.check()
    cluster.make("team-b")
    cluster.present.remove(("team-a", "crm"))

    log.check()
    log.check()

    assert caplog.messages == [
        (
            "namespace=team-a name=crm workspace=1 people=0: the workspace is kept, and no resource owns it; if its "
            "namespace was renamed: `workspacectl workspaces assign 1 --to team-b/crm --replace-empty`"
        )
    ]
    assert caplog.records[0].levelname == "WARNING"


def test_renamed_namespace_is_logged_after_a_restart(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    cluster.make("team-b")
    cluster.present.remove(("team-a", "crm"))

    cluster.log().check()

    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_deleted_resource_is_logged_plainly(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    log = cluster.log()
    log.check()
    cluster.present.clear()

    log.check()

    assert caplog.messages == [
        "namespace=team-a name=crm workspace=1 people=0: the workspace is kept, and no resource owns it"
    ]


def test_old_orphans_are_counted(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(9):
        cluster.make(f"team-{number}")
    cluster.present.clear()
    log = cluster.log()

    log.check()
    log.check()

    assert [message.split(":")[0:2] for message in caplog.messages] == [
        ["workspaces without a resource", " 9; `workspacectl workspaces list --orphans --kubeconfig FILE` lists them"]
    ]


def test_incomplete_list_logs_nothing(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    cluster.unknown.add(("team-a", "crm"))
    log = cluster.log()

    log.check()

    assert caplog.messages == []


def test_unknown_resource_that_is_there_is_no_orphan(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    log = cluster.log()
    log.check()
    cluster.unknown.add(("team-a", "crm"))

    log.check()

    assert caplog.messages == []


def test_orphan_that_was_taken_up_is_logged_anew(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.make("team-a")
    log = cluster.log()
    log.check()
    for present in (set[Key](), {("team-a", "crm")}, set[Key]()):
        cluster.present = present
        log.check()

    assert len(caplog.messages) == 2


def test_other_namespaces_are_not_asked_about(cluster: Cluster) -> None:
    cluster.make("team-a")
    cluster.make("team-b")
    cluster.present.clear()

    cluster.log("team-b").check()

    assert {owner.namespace for owner in cluster.asked} == {"team-b"}


@pytest.mark.parametrize("error", [ClusterUnavailable("away"), StoreUnavailable("away"), RuntimeError("a fault")])
def test_next_resync_makes_up_for_a_failure(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    cluster.errors.append(error)
    log = cluster.log()

    log.check()

    assert len(caplog.messages) == isinstance(error, RuntimeError)


def test_looks_until_it_is_stopped(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphan_log, "INTERVAL_SECONDS", 0.0)
    cluster.make("team-a")
    cluster.present.clear()
    stopping = Event()

    def stop(owner: Owner) -> bool:
        stopping.set()
        return Cluster.owner_is_gone(cluster, owner)

    log = cluster.log()
    log.owner_is_gone = stop
    log.run(stopping)

    assert cluster.asked != []


def test_silent_cluster_is_logged_for_administrators(caplog: pytest.LogCaptureFixture) -> None:
    clusters = Clusters()
    clusters.reason_after(0)
    clusters.reason_after(60)
    clusters.env.reconcile()

    waits = [each for each in caplog.messages if "is silent" in each]

    assert waits == [
        (
            "namespace=team-a name=shop workspace=1 people=0: the resource waits, and the cluster cluster-2 of the "
            "workspace is silent: `workspacectl workspaces move --from-cluster cluster-2 --to-cluster cluster-1 "
            "--namespace team-a` moves it here"
        )
    ]
