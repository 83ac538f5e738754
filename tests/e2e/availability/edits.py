"""Edits of many Workspaces while something fails, and the check that none of them is lost."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kubernetes.client import ApiClient

from tests.e2e.fixtures import Document, NamespaceEnv, conditions, has_reason, manifest
from tests.e2e.waiting import wait_until
from workspace_operator.bootstrap import open_store_lazily
from workspace_operator.cluster.access import load_client
from workspace_operator.cluster.api_client import MERGE_PATCH, request
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.resources.workspaces import API_VERSION

CREATORS = 4


@dataclass(slots=True, kw_only=True)
class Edits:
    """Changes the colors of Workspaces in turn; the API server is reached directly, not through a proxy.

    Attributes:
        acknowledged: the generation of the last edit of each resource that the API server confirmed.
    """

    env: NamespaceEnv
    names: tuple[str, ...]
    per_second: float
    api: ApiClient = field(init=False)
    acknowledged: dict[str, int] = field(default_factory=dict)
    count: int = 0
    _turns: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.api = load_client(self.env.kubectl.kubeconfig)

    def create_all(self, *, within: float = 60.0) -> None:
        """Create the resources at once, and wait until all are Ready."""
        with ThreadPoolExecutor(CREATORS) as threads:
            documents = [manifest(name, self.env.namespace) for name in self.names]
            list(threads.map(lambda document: request(self.api, "POST", self._path(), document), documents))
        self.wait_until_settled(within=within)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Edit at the rate meanwhile."""
        thread = threading.Thread(target=self._run, name="edits")
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()
            self._stopping.clear()

    def edit(self) -> str:
        """Edit the resource whose turn it is; any thread may. Raises ClusterUnavailable and others."""
        with self._turns:
            number, self.count = self.count, self.count + 1
        name = self.names[number % len(self.names)]
        change = {"spec": {"color": f"{number % 1_000_000:06d}"}}
        edited = request(self.api, "PATCH", self._path(name), change, content_type=MERGE_PATCH)
        self.acknowledged[name] = edited["metadata"]["generation"]
        return name

    def seconds_until_in_force(self, name: str) -> float:
        """How long it takes from now until the last edit of a resource is in force."""
        start, generation = time.perf_counter(), self.acknowledged[name]
        wait_until(lambda: self._observed_generation(name) >= generation, every=0.01)
        return time.perf_counter() - start

    def documents(self) -> dict[str, Document]:
        """All resources by name, as the API server has them."""
        found = request(self.api, "GET", self._path())["items"]
        return {document["metadata"]["name"]: document for document in found}

    def wait_until_settled(self, *, within: float = 60.0) -> dict[str, Document]:
        """Wait until every resource is Ready with its newest generation."""

        def settled() -> dict[str, Document]:
            documents = self.documents()
            is_settled = documents.keys() == set(self.names) and all(map(_is_in_force, documents.values()))
            return documents if is_settled else {}

        return wait_until(settled, within=within, every=0.3, what=self._unsettled)

    def assert_none_lost(self, *, within: float = 60.0) -> None:
        """After the fault: all converge, and the store has what the resources say; only one store was called Ready."""
        self.wait_until_settled(within=within)
        self.assert_stored()
        assert len(stores_called_ready(self.env)) == 1

    def assert_stored(self) -> None:
        """The store has what the resources say, and these have every edit that was acknowledged."""
        documents = self.documents()
        generations = {name: document["metadata"]["generation"] for name, document in documents.items()}
        assert all(generations[name] >= self.acknowledged[name] for name in self.acknowledged)
        with open_store_lazily(self.env.operator.database) as store:
            stored = {
                workspace.owner.name: workspace
                for workspace in store.workspaces.list()
                if workspace.owner.namespace == self.env.namespace
            }
        colors = {name: document["spec"]["color"] for name, document in documents.items()}
        assert {name: workspace.settings.color for name, workspace in stored.items()} == colors
        numbers = {name: document["status"]["workspaceID"] for name, document in documents.items()}
        assert {name: workspace.workspace_id for name, workspace in stored.items()} == numbers

    def _observed_generation(self, name: str) -> int:
        generation: int = request(self.api, "GET", self._path(name))["status"]["observedGeneration"]
        return generation

    def _run(self) -> None:
        while not self._stopping.wait(1 / self.per_second):
            with contextlib.suppress(WorkspaceOperatorError):  # the API server is away: not acknowledged
                self.edit()

    def _path(self, name: str = "") -> str:
        return f"/apis/{API_VERSION}/namespaces/{self.env.namespace}/workspaces" + (f"/{name}" if name else "")

    def _unsettled(self) -> dict[str, Any]:
        with contextlib.suppress(WorkspaceOperatorError):
            found = self.documents()
            return {name: document.get("status") for name, document in found.items() if not _is_in_force(document)}
        return {}


def _is_in_force(document: Document) -> bool:
    return has_reason(document, "InForce") if "conditions" in document.get("status", {}) else False


def stores_called_ready(env: NamespaceEnv) -> set[str]:
    """The stores of all statuses of the namespace that were ever Ready."""
    return {
        document["status"]["storeID"]
        for document in env.recorder.of(env.namespace)
        if conditions(document).get("Ready", {}).get("status") == "True"
    }
