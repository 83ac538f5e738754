"""``kubectl ws report``: a support bundle as one text, collected with the rights of the user and redacted here."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from workspace_operator.cli.plugin.commands import Plugin
from workspace_operator.cli.plugin.kubectl import OPERATOR_LABELS, Kubectl
from workspace_operator.cli.plugin.redaction import redacted_log, redacted_text
from workspace_operator.cli.support.output import printable
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.resources import accounts
from workspace_operator.resources.workspaces import GROUP, KIND, PLURAL

Json = Mapping[str, Any]

WORKSPACES: Final = f"{PLURAL}.{GROUP}"
ACCOUNTS: Final = f"{accounts.PLURAL}.{GROUP}"
KINDS: Final = (KIND, accounts.KIND)
PRODUCT_LABEL: Final = OPERATOR_LABELS.partition(",")[0]
MAX_OBJECTS: Final = 500
SAFE_SETTINGS: Final = (
    "identifiers.mode",
    "identifiers.onConflict",
    "sendBehavior.mode",
    "openTracking",
    "credentials.appKeyMay",
    "deletionPolicy",
    "suspend",
)
"""Fields of a spec whose values are words of the schema."""
ACCOUNT_SETTINGS: Final = ("plan.workspaceLimit", "admins", "members", "notices.transport")
"""Fields of an Account that are counted; their values are not shown."""
SECRET_WORDS: Final = ("DATABASE", "SMTP", "KEY", "SECRET", "PASSWORD", "TOKEN", "CREDENTIAL")
"""Words in the name of an environment variable whose value is not shown."""


def write_report(plugin: Plugin, output: str, *, tail: int) -> None:
    """Collect all sections and write them; a section that cannot be read says why."""
    sections: Sequence[tuple[str, Callable[[], Iterator[str]]]] = (
        ("versions", lambda: version_lines(plugin)),
        ("status", lambda: status_lines(plugin.kubectl)),
        ("settings", lambda: setting_lines(deployments(plugin.kubectl))),
        ("counts", lambda: count_lines(resources(plugin.kubectl, WORKSPACES))),
        ("conditions", lambda: condition_lines(resources(plugin.kubectl, WORKSPACES))),
        ("accounts", lambda: account_lines(resources(plugin.kubectl, ACCOUNTS))),
        ("events", lambda: event_lines(events(plugin.kubectl))),
        ("log", lambda: log_lines(plugin.kubectl, tail)),
    )
    text = "\n".join(line for title, read in sections for line in _section(title, read))
    if output == "-":
        sys.stdout.write(text + "\n")
    else:
        Path(output).write_text(text + "\n", encoding="utf-8")


def _section(title: str, read: Callable[[], Iterator[str]]) -> Iterator[str]:
    yield f"== {title} =="
    try:
        yield from map(printable, read())
    except WorkspaceOperatorError as error:
        yield redacted_text(f"not available: {error}")
    yield ""


def version_lines(plugin: Plugin) -> Iterator[str]:
    """The versions of this program, kubectl, the API server, the pod and its database."""
    kubectl = plugin.kubectl
    yield f"time: {datetime.now(UTC).isoformat(timespec='seconds')}"
    yield f"kubectl ws: {version('workspace-operator')}"
    versions = kubectl.read_json("version")
    yield from (f"{name}: {versions[name]['gitVersion']}" for name in ("clientVersion", "serverVersion"))
    pod = kubectl.operator_pod()
    yield f"operator: {kubectl.read_from_pod(pod, 'version').strip()}"
    yield from redacted_text(kubectl.read_from_pod(pod, "database", "status")).splitlines()


def status_lines(kubectl: Kubectl) -> Iterator[str]:
    """What is wrong, as the operator's database tells."""
    yield from redacted_text(kubectl.read_from_pod(kubectl.operator_pod(), "status")).splitlines()


def deployments(kubectl: Kubectl) -> Sequence[Json]:
    """The Deployments of the installation."""
    where = ("--namespace", kubectl.operator_namespace, "--selector", PRODUCT_LABEL)
    return _items(kubectl.read_json("get", "deployments", *where))


def resources(kubectl: Kubectl, kind: str) -> Sequence[Json]:
    """The Workspaces or Accounts of the namespace that the user names, or of all."""
    return _items(kubectl.read_json("get", kind, *_where(kubectl)))


def events(kubectl: Kubectl) -> Sequence[Json]:
    """The newest events of Workspaces and Accounts, oldest first."""
    found = [event for kind in KINDS for event in _events_of(kubectl, kind)]
    return sorted(found, key=lambda event: str(event["metadata"]["creationTimestamp"]))[-MAX_OBJECTS:]


def _events_of(kubectl: Kubectl, kind: str) -> Sequence[Json]:
    return _items(
        kubectl.read_json("get", "events", *_where(kubectl), "--field-selector", f"involvedObject.kind={kind}")
    )


def _where(kubectl: Kubectl) -> Sequence[str]:
    return ("--namespace", kubectl.namespace) if kubectl.namespace else ("--all-namespaces",)


def setting_lines(found: Sequence[Json]) -> Iterator[str]:
    """Image, replicas, arguments and environment of each container; no value that may be a secret."""
    for deployment in found:
        spec = deployment["spec"]
        yield f"Deployment {deployment['metadata']['name']}: replicas {spec.get('replicas', 1)}"
        for container in spec["template"]["spec"]["containers"]:
            yield f"  container {container['name']}: image {container.get('image', '')}"
            yield from (f"    {redacted_text(word)}" for word in _words(container))
            yield from (f"    {_variable(variable)}" for variable in container.get("env", ()))


def _words(container: Json) -> Iterator[str]:
    """The command line, an option with its value on one line."""
    words = [*container.get("command", ()), *container.get("args", ())]
    for number, word in enumerate(words):
        if word.startswith("-") or number == 0 or not words[number - 1].startswith("-"):
            follows = words[number + 1] if number + 1 < len(words) else "-"
            yield word if follows.startswith("-") or not word.startswith("--") else f"{word}={follows}"


def _variable(variable: Json) -> str:
    name = variable["name"]
    if "value" not in variable:
        return f"{name}: from {', '.join(variable.get('valueFrom', {})) or 'nothing'}"
    if any(word in name.upper() for word in SECRET_WORDS):
        return f"{name}: set"
    return f"{name}={redacted_text(variable['value'])}"


def count_lines(found: Sequence[Json]) -> Iterator[str]:
    """Workspaces by the reason of Ready and by setting, and the sum of their people."""
    yield f"workspaces: {len(found)}"
    reasons = Counter(condition["reason"] for item in found for condition in _conditions(item, "Ready"))
    yield from (f"  Ready {reason}: {count}" for reason, count in sorted(reasons.items()))
    for path in SAFE_SETTINGS:
        values = Counter(str(value) for item in found if (value := _at(item["spec"], path)) is not None)
        yield from (f"  {path} {value}: {count}" for value, count in sorted(values.items()))
    yield f"people: {sum(_at(item.get('status', {}), 'people.total') or 0 for item in found)}"


def condition_lines(found: Sequence[Json]) -> Iterator[str]:
    """The conditions of each resource, with redacted messages."""
    for item in found[:MAX_OBJECTS]:
        metadata, status = item["metadata"], item.get("status", {})
        generations = f"generation {metadata.get('generation')}, observed {status.get('observedGeneration')}"
        yield f"{metadata['namespace']}/{metadata['name']}: {generations}"
        for condition in _conditions(item):
            words = (condition["type"], condition["status"], condition["reason"], condition["lastTransitionTime"])
            yield f"  {' '.join(words)}: {redacted_text(condition.get('message', ''))}"
    if len(found) > MAX_OBJECTS:
        yield f"and {len(found) - MAX_OBJECTS} more"


def account_lines(found: Sequence[Json]) -> Iterator[str]:
    """How many Accounts have a limit, members and notices, and the conditions of each; no address."""
    yield f"accounts: {len(found)}"
    for path in ACCOUNT_SETTINGS:
        yield f"  with {path}: {sum(_at(item['spec'], path) is not None for item in found)}"
    yield from condition_lines(found)


def event_lines(found: Sequence[Json]) -> Iterator[str]:
    """One line for each event."""
    for event in found:
        concerned = event["involvedObject"]
        moment = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
        words = (moment, event.get("type", ""), event.get("reason", ""), concerned.get("kind", ""))
        message = redacted_text(event.get("message", ""))
        yield f"{' '.join(words)} {concerned.get('namespace', '')}/{concerned.get('name', '')}: {message}"


def log_lines(kubectl: Kubectl, tail: int) -> Iterator[str]:
    """The newest log lines of each pod of the installation."""
    where = ("--namespace", kubectl.operator_namespace)
    for pod in kubectl.read("get", "pods", *where, "--selector", PRODUCT_LABEL, "-o", "name").split():
        yield f"-- {pod}"
        yield redacted_log(kubectl.read("logs", *where, pod, "--all-containers", f"--tail={tail}"))


def _items(listed: Json) -> Sequence[Json]:
    return list(listed.get("items", ()))


def _conditions(item: Json, kind: str | None = None) -> list[Json]:
    found = item.get("status", {}).get("conditions", ())
    return [condition for condition in found if kind in {None, condition["type"]}]


def _at(document: Any, path: str) -> Any:
    for step in path.split("."):
        document = document.get(step) if isinstance(document, Mapping) else None
    return document
