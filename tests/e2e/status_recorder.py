"""Every status that the API server hands out during the tests, watched from outside and judged as other tools do."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from tests.controlplane.kubectl import Kubectl
from tests.reconcile.status_readers import flux_refusals, kstatus

Document = dict[str, Any]

WATCH = (
    "get",
    "workspaces.workspace-operator.dev",
    "--all-namespaces",
    "--watch",
    "--output-watch-events",
    "-o",
    "json",
)


@dataclass(slots=True, kw_only=True)
class StatusRecorder:
    """Watches all Workspaces with kubectl; a watch that ends with its server is begun anew."""

    kubectl: Kubectl
    seen: list[Document] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _process: "subprocess.Popen[str] | None" = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="status recorder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread is not None:
            self._thread.join()

    def of(self, namespace: str, name: str = "") -> list[Document]:
        """What was seen so far of a namespace, or of one resource; in the order of time."""
        return [
            each
            for each in self.seen
            if each["metadata"]["namespace"] == namespace and name in ("", each["metadata"]["name"])
        ]

    def refusals(self, namespace: str) -> list[str]:
        """Everything that Flux or kstatus would make something wrong of."""
        return [f"{refusal}: {each}" for each in newly_reported(self.of(namespace)) for refusal in refusals_of(each)]

    def _watch(self) -> None:
        while not self._ending.wait(0.2):
            self._process = subprocess.Popen(
                [self.kubectl.program, *WATCH],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=self.kubectl.environment(),
            )
            with self._process as process:
                assert process.stdout is not None
                for event in documents_of(process.stdout):
                    if event["type"] != "ERROR":  # a watch that ends says why, in a Status
                        self.seen.append(event["object"])


def documents_of(stream: IO[str]) -> Iterator[Document]:
    """JSON objects that simply follow each other, in a line each or in several."""
    text = ""
    for line in stream:
        text += line
        with contextlib.suppress(json.JSONDecodeError):  # not the whole of it yet
            yield json.loads(text)
            text = ""


def newly_reported(documents: list[Document]) -> Iterator[Document]:
    """Those with a status of their own: one that an edit left behind speaks of the generation before it."""
    told: dict[str, Document] = {}
    for each in documents:
        uid, status = each["metadata"]["uid"], each.get("status", {})
        if told.get(uid) != status:
            yield each
        told[uid] = status


def refusals_of(document: Document) -> Iterator[str]:
    generation, status = document["metadata"]["generation"], document.get("status", {})
    if status == {"observedGeneration": -1}:
        return  # nobody has looked at it yet: that says so
    yield from flux_refusals(generation, status)
    ready = next((each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"), "")
    meant = kstatus(generation, status, deleting="deletionTimestamp" in document["metadata"])
    if meant == "Current" and ready != "True":
        yield "kstatus would take it for current"
