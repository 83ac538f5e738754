"""The resources of a cluster, in memory: every write is recorded, and one on top of an edit is a conflict."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.reconcile.model.actions import Event
from workspace_operator.workspaces.model import Owner

Document = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class FakeResources:
    """Implements the port ``Resources``.

    Attributes:
        cluster: the id of the cluster whose resources these are.
        documents: by namespace and name, as an API server would return them.
        writes: (what, namespace, name, value) in order.
        events: (namespace, name, event) in order.
    """

    cluster: str = "cluster-1"
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    writes: list[tuple[str, str, str, Any]] = field(default_factory=list)
    events: list[tuple[str, str, Event]] = field(default_factory=list)

    def apply(self, document: Mapping[str, Any]) -> Document:
        """Make or edit a resource as a user does: metadata and spec; the status stays."""
        metadata = document["metadata"]
        key = metadata.get("namespace", "default"), metadata["name"]
        known = self.documents.get(key, {"metadata": {"uid": f"uid-{len(self.documents) + 1}"}})
        merged = {**known, **deepcopy(dict(document)), "metadata": {**known["metadata"], **metadata}}
        merged["metadata"]["namespace"] = key[0]
        if merged.get("spec") != known.get("spec"):
            merged["metadata"]["generation"] = known["metadata"].get("generation", 0) + 1
        if "status" in known:
            merged["status"] = known["status"]
        self.documents[key] = merged
        self._touch(merged)
        return deepcopy(merged)

    def get(self, namespace: str, name: str) -> Document:
        """The resource as it is now."""
        return deepcopy(self._document(namespace, name))

    def remove(self, namespace: str, name: str) -> None:
        """Take a resource away."""
        self.documents.pop((namespace, name), None)

    def write_status(self, namespace: str, name: str, status: Mapping[str, Any], *, resource_version: str) -> str:
        document = self._at(namespace, name, resource_version)
        document["status"] = deepcopy(dict(status))
        self.writes.append(("status", namespace, name, deepcopy(dict(status))))
        return self._touch(document)

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:
        document = self._at(namespace, name, resource_version)
        document["metadata"]["finalizers"] = list(finalizers)
        self.writes.append(("finalizers", namespace, name, list(finalizers)))
        if "deletionTimestamp" in document["metadata"] and not finalizers:
            self.remove(namespace, name)
        return self._touch(document)

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:  # noqa: ARG002
        self.events.append((namespace, name, event))

    def owner_is_gone(self, owner: Owner) -> bool:
        return owner.cluster == self.cluster and (owner.namespace, owner.name) not in self.documents

    def _document(self, namespace: str, name: str) -> Document:
        if (namespace, name) not in self.documents:
            raise NotFound(f"{namespace}/{name} is gone")
        return self.documents[namespace, name]

    def _at(self, namespace: str, name: str, resource_version: str) -> Document:
        document = self._document(namespace, name)
        if document["metadata"]["resourceVersion"] != resource_version:
            raise StaleRevision(f"{namespace}/{name} was edited meanwhile")
        return document

    def _touch(self, document: Document) -> str:
        metadata = document["metadata"]
        metadata["resourceVersion"] = str(int(metadata.get("resourceVersion", "0")) + 1)
        return str(metadata["resourceVersion"])
