"""What may happen in the middle of a reconcile: a process ends, another one acts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.cluster.secrets import FakeSecrets
from tests.fakes.workspaces.credentials import FakeCredentials
from workspace_operator.application.ports import StoredCredentials
from workspace_operator.reconcile.model.secrets import Secret


@dataclass(slots=True, kw_only=True)
class InterruptedSecrets:
    """Secrets of which something happens just before one is written; a trial is left alone."""

    secrets: FakeSecrets
    disturb: Callable[[], object]

    def read(self, namespace: str, name: str) -> Secret | None:
        return self.secrets.read(namespace, name)

    def write(self, namespace: str, name: str, secret: Secret, *, dry_run: bool = False) -> Secret:
        if not dry_run:
            self.disturb()
        return self.secrets.write(namespace, name, secret, dry_run=dry_run)

    def remove(self, namespace: str, name: str, *, version: str) -> None:
        self.secrets.remove(namespace, name, version=version)


class Killed(Exception):
    """The process ended."""


def crash() -> None:
    raise Killed


@dataclass(frozen=True, slots=True)
class CrashingCredentials(FakeCredentials):
    """A process that ends just before it puts credentials in force."""

    def rotate(self, *_: object, **__: object) -> StoredCredentials:
        raise Killed


@dataclass(frozen=True, slots=True)
class RacingCredentials(FakeCredentials):
    """Another operator acts just before credentials are put in force."""

    other: Callable[[], object]

    def rotate(self, *args: Any, **options: Any) -> StoredCredentials:
        self.other()
        return FakeCredentials.rotate(self, *args, **options)


@dataclass(slots=True)
class Once:
    """Does something the first time only."""

    interruption: Callable[[], object]
    is_done: bool = False

    def __call__(self) -> None:
        if not self.is_done:
            self.is_done = True
            self.interruption()
