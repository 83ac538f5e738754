"""One test's namespace: Workspaces applied with kubectl, looked at through the API server and in the store."""

import base64
import csv
import io
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.controlplane.kubectl import Kubectl
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import SECONDS, wait_until
from workspace_operator.application.operator.api_keys import digest
from workspace_operator.bootstrap import open_store_lazily
from workspace_operator.reconcile.model.accounts import Account
from workspace_operator.resources.workspaces import API_VERSION, KIND, RECONCILE_REQUESTED_AT
from workspace_operator.workspaces.model import Workspace

Document = dict[str, Any]

RESOURCE = "workspaces.workspace-operator.dev"
ACCOUNTS = "accounts.workspace-operator.dev"
VERSION = ("-o", "jsonpath={.metadata.resourceVersion}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceEnv:
    """``kubectl`` is the user's; the operator has its own. ``edits`` is the newest version that the user made."""

    kubectl: Kubectl
    operator: Operator
    namespace: str
    folder: Path
    recorder: StatusRecorder
    edits: dict[str, int] = field(default_factory=dict)

    def apply(self, name: str = "shop", *, annotations: dict[str, str] | None = None, **spec: object) -> None:
        """As ``kubectl apply`` does; the display name is the name's unless the spec says another."""
        document = manifest(name, self.namespace, annotations=annotations, **spec)
        self.edits[name] = int(self.kubectl("apply", *VERSION, "-f", "-", input=json.dumps(document)))

    def get(self, name: str = "shop") -> Document:
        document: Document = self.kubectl.json("get", RESOURCE, name, "-n", self.namespace)
        return document

    def names(self) -> list[str]:
        printed = self.kubectl("get", RESOURCE, "-n", self.namespace, "-o", "jsonpath={.items[*].metadata.name}")
        return printed.split()

    def delete(self, name: str = "shop", *options: str) -> None:
        self.kubectl("delete", RESOURCE, name, "-n", self.namespace, *options)

    def annotate(self, key: str, value: str, name: str = "shop") -> None:
        where = (RESOURCE, name, "-n", self.namespace)
        self.edits[name] = int(self.kubectl("annotate", "--overwrite", *VERSION, *where, f"{key}={value}"))

    def patch(self, spec: dict[str, object], name: str = "shop") -> None:
        """As ``kubectl patch`` does: only what is named changes."""
        migration = ("--type=merge", "-p", json.dumps({"spec": spec}))
        self.edits[name] = int(self.kubectl("patch", RESOURCE, name, "-n", self.namespace, *VERSION, *migration))

    def request_reconcile(self, name: str = "shop") -> str:
        """The token that was written."""
        token = f"now-{secrets.token_hex(4)}"
        self.annotate(RECONCILE_REQUESTED_AT, token, name)
        return token

    def wait_until(self, fits: Callable[[Document], bool], name: str = "shop", *, within: float = SECONDS) -> Document:
        """The resource as it was when it first fitted, after the user's last edit."""

        def found() -> list[Document]:
            return [each for each in self._since_edit(name) if fits(each)]

        return wait_until(found, within=within, what=lambda: json.dumps(self.get(name).get("status"), indent=1))[-1]

    def _since_edit(self, name: str) -> list[Document]:
        """Only the newest: what passed does not count."""
        seen = self.recorder.of(self.namespace, name)[-1:]
        return [each for each in seen if int(each["metadata"]["resourceVersion"]) >= self.edits.get(name, 0)]

    def wait_for_reason(self, reason: str, name: str = "shop", *, within: float = SECONDS) -> Document:
        """The resource, as soon as its Ready says so of its present generation."""
        return self.wait_until(lambda document: has_reason(document, reason), name, within=within)

    def wait_until_ready(self, name: str = "shop", *, within: float = SECONDS) -> Document:
        return self.wait_for_reason("InForce", name, within=within)

    def apply_account(self, name: str = "team", **spec: object) -> None:
        """As ``kubectl apply`` does; the operator creates no first workspace unless the spec says so."""
        document = account_manifest(name, self.namespace, **{"firstWorkspace": "None"} | spec)
        self.kubectl("apply", "-f", "-", input=json.dumps(document))

    def wait_for_account(self, reason: str, name: str = "team", *, within: float = SECONDS) -> Document:
        """The Account, as soon as its Ready says so of its present generation."""
        where = (ACCOUNTS, name, "-n", self.namespace)

        def found() -> list[Document]:
            document: Document = self.kubectl.json("get", *where)
            return [document] if has_reason(document, reason) else []

        return wait_until(found, within=within, what=lambda: self.kubectl("get", *where, "-o", "yaml"))[0]

    def stored_account(self, name: str = "team") -> Account | None:
        """What the store has for an Account."""
        with open_store_lazily(self.operator.database) as store:
            found = [each for each in store.accounts.list() if each.key.namespace == self.namespace]
        return next((each for each in found if each.key.name == name), None)

    def stored(self, name: str = "shop") -> Workspace:
        """What the store has for it."""
        with open_store_lazily(self.operator.database) as store:
            return store.workspaces.find(self.namespace, name)

    def stored_names(self) -> list[str]:
        """The display names that the store has of this namespace."""
        with open_store_lazily(self.operator.database) as store:
            ours = [each for each in store.workspaces.list() if each.owner.namespace == self.namespace]
        return sorted(each.settings.display_name for each in ours)

    def import_people(self, rows: Sequence[tuple[str, str]], *options: str, name: str = "shop") -> None:
        """People by (id, email), brought in as a user brings them."""
        file = self.folder / f"people-{secrets.token_hex(4)}.csv"
        text = io.StringIO()
        csv.writer(text).writerows([("id", "email"), *rows])
        file.write_text(text.getvalue())
        self.operator.workspacectl("people", "import", "--workspace", f"{self.namespace}/{name}", file, *options)

    def events(self, name: str = "shop") -> list[tuple[str, str, str]]:
        """(type, reason, message) of each event about a resource, oldest first."""
        items = self.kubectl.json("get", "events", "-n", self.namespace)["items"]
        ours = [each for each in items if each["involvedObject"]["name"] == name]
        ours.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [(each["type"], each["reason"], each["message"]) for each in ours]

    def find_secret(self, name: str = "shop") -> Document | None:
        """The Secret of a resource's credentials, if there is one."""
        secret = f"{name}-credentials"
        found = self.kubectl("get", "secret", secret, "-n", self.namespace, "--ignore-not-found", "-o", "json")
        document: Document | None = json.loads(found) if found else None
        return document

    def secret(self, name: str = "shop") -> Document:
        return wait_until(lambda: self.find_secret(name) or {})

    def keys(self, name: str = "shop") -> dict[str, str]:
        """What a client finds in the Secret."""
        return {key: base64.b64decode(value).decode() for key, value in self.secret(name)["data"].items()}

    def make_secret(self, name: str = "shop", *, labels: dict[str, str] | None = None, **metadata: object) -> None:
        """A Secret under the name of a resource's, as somebody else makes it."""
        where = {"name": f"{name}-credentials", "namespace": self.namespace, "labels": labels or {}}
        document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": where | metadata,
            "stringData": {"apiKey": "mine"},
        }
        self.kubectl("create", "-f", "-", input=json.dumps(document))

    def can_call(self, keys: dict[str, str], name: str = "shop") -> bool:
        """Whether the store lets these keys in, to this resource's workspace."""
        with open_store_lazily(self.operator.database) as store:
            number = store.workspaces.find(self.namespace, name).workspace_id
            now = datetime.now(UTC)
            by_site = store.credentials.find_by_site_ids([digest(keys["siteID"])], now=now).get(digest(keys["siteID"]))
            by_app = store.credentials.find_by_app_keys([digest(keys["appKey"])], now=now).get(digest(keys["appKey"]))
        if by_site is None or by_app is None or by_site.digests.api_key != digest(keys["apiKey"]):
            return False
        return by_site.workspace_id == by_app.workspace_id == number


def manifest(name: str, namespace: str, *, annotations: dict[str, str] | None = None, **spec: object) -> Document:
    metadata = {"name": name, "namespace": namespace} | ({"annotations": annotations} if annotations else {})
    wanted = {"displayName": name} | spec
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": wanted}


def account_manifest(name: str, namespace: str, **spec: object) -> Document:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "Account", "metadata": metadata, "spec": {"displayName": name} | spec}


def conditions(document: Document) -> dict[str, Document]:
    return {each["type"]: each for each in document.get("status", {}).get("conditions", ())}


def has_reason(document: Document, reason: str) -> bool:
    """Whether Ready gives this reason, of the generation that the resource has now."""
    ready = conditions(document).get("Ready", {})
    generation = document["metadata"]["generation"]
    return ready.get("reason") == reason and document["status"]["observedGeneration"] == generation


def condition_is_stable(document: Document) -> dict[str, str]:
    """The status of each condition but SendingApplied, which depends on the senders that run, by type."""
    return {kind: each["status"] for kind, each in conditions(document).items() if kind != "SendingApplied"}
