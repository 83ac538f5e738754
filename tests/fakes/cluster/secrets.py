"""The Secrets of a cluster, in memory: a write on top of another's is a conflict, what was not named stays."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workspace_operator.errors import ClusterForbidden, StaleRevision
from workspace_operator.reconcile.model.secrets import Secret


@dataclass(slots=True, kw_only=True)
class FakeSecrets:
    """Implements the port ``Secrets``.

    Attributes:
        held: by namespace and name.
        calls: what was asked for, in order: read, try, write, remove.
        refuses: the calls that the cluster does not allow.
    """

    held: dict[tuple[str, str], Secret] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    def read(self, namespace: str, name: str) -> Secret | None:
        self._asked("read")
        return self.held.get((namespace, name))

    def write(self, namespace: str, name: str, secret: Secret, *, dry_run: bool = False) -> Secret:
        self._asked("try" if dry_run else "write")
        written = self._written((namespace, name), secret)
        if not dry_run:
            self.held[namespace, name] = written
        return written

    def remove(self, namespace: str, name: str, *, version: str) -> None:
        self._asked("remove")
        there = self.held.pop((namespace, name), None)
        if there is not None and there.version != version:
            self.held[namespace, name] = there
            raise StaleRevision(f"{namespace}/{name} was edited meanwhile")

    def edit(self, namespace: str, name: str, **values: str) -> None:
        """Change values as a person does."""
        there = self.held[namespace, name]
        self.held[namespace, name] = replace(there, values={**there.values, **values}, version=_next(there.version))

    def put(self, namespace: str, name: str, *, labels: Mapping[str, str] | None = None, **values: str) -> None:
        """Make a Secret as a person does."""
        self.held[namespace, name] = Secret(values=values, labels=labels or {}, version="1")

    def _written(self, key: tuple[str, str], secret: Secret) -> Secret:
        there = self.held.get(key)
        if (there.version if there else "") != secret.version:
            raise StaleRevision(f"{key} was edited meanwhile")
        if there is None:
            return replace(secret, version="1")
        return Secret(
            values={**there.values, **secret.values},
            labels={**there.labels, **secret.labels},
            owners=secret.owners,
            version=_next(there.version),
        )

    def _asked(self, call: str) -> None:
        self.calls.append(call)
        if call in self.refuses:
            raise ClusterForbidden("the Kubernetes API refused it: 403 Forbidden")


def _next(version: str) -> str:
    return str(int(version) + 1)
