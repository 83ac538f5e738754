"""The database as commands use it: opened, with the workspace and the person that a command names found in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from workspace_operator.cli.options import namespaced
from workspace_operator.errors import InvalidInput, NotFound

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.ports import (
        Belongings,
        Clock,
        Credentials,
        Exports,
        Merges,
        Migrations,
        People,
        Segment,
        Segments,
    )
    from workspace_operator.bootstrap import Store
    from workspace_operator.identity.references import Reference

_NAMES = {"id": "--id", "email": "--email", "cio_id": "--cio-id"}


@contextmanager
def opened(database: str) -> "Iterator[Store]":
    """Open a database that is there. Raises InvalidInput or StoreUnavailable."""
    from workspace_operator import bootstrap

    with bootstrap.existing(database) as store:
        yield store


@contextmanager
def made(database: str) -> "Iterator[Store]":
    """Open a database, made if it is not there. Raises InvalidInput or StoreUnavailable."""
    from workspace_operator import bootstrap

    with bootstrap.opened(database) as store:
        yield store


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedWorkspace:
    """The workspace that a command names, and the ports to it."""

    name: str
    number: int
    people: "People"
    belongings: "Belongings"
    segments: "Segments"
    exports: "Exports"
    merges: "Merges"
    migrations: "Migrations"
    credentials: "Credentials"
    clock: "Clock"

    def segment(self, said: str, *, field: str) -> "Segment":
        """The manual segment with a number or a name. Raises InvalidInput and NotFound."""
        from workspace_operator.identity.segments import segment_reference

        meant = segment_reference(said, field=field)
        if isinstance(meant, str):
            return self.segments.get(self.number, self.segments.named(self.number, meant))
        self._refuse_name(meant, said.strip(), field=field)
        return self.segments.get(self.number, meant)

    def _refuse_name(self, number: int, said: str, *, field: str) -> None:
        """Names could be numbers once, and who says one may mean either."""
        with suppress(NotFound):
            other = self.segments.named(self.number, said)
            if other != number:
                raise InvalidInput(
                    f"{field} {said} is a number, and the name of segment {other}, too: delete segment {other}, which "
                    "leaves its people, and make it again under another name",
                    field=field,
                )


@contextmanager
def opened_workspace(database: str, name: str, cluster: str | None) -> Iterator[NamedWorkspace]:
    """Open a database and find NAMESPACE/NAME in it. Raises NotFound or Ambiguous besides."""
    namespace, plain = namespaced(name, "--workspace")
    with opened(database) as store:
        found = store.workspaces.find(namespace, plain, cluster=cluster)
        yield NamedWorkspace(
            name=name,
            number=found.workspace_id,
            people=store.people,
            belongings=store.belongings,
            segments=store.segments,
            exports=store.exports,
            merges=store.merges,
            migrations=store.migrations,
            credentials=store.credentials,
            clock=store.clock,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """How a command names a person: by a bare value, or by --id, --email or --cio-id. A usage error if not by one."""

    value: str | None
    id: str | None = None
    email: str | None = None
    cio_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse none and several."""
        if len(self._options()) + (self.value is not None) != 1:
            raise typer.BadParameter("name one person: VALUE, or one of --id, --email and --cio-id")

    def reference(self, workspace: NamedWorkspace, *, suppressing: bool = False) -> "Reference":
        """The reference, by the identifiers of the workspace. Raises InvalidInput."""
        from workspace_operator.identity.references import reference_by_kind, reference_by_shape
        from workspace_operator.identity.rules import Kind

        mode = workspace.people.rules(workspace.number).mode
        if self.value is None:
            [(kind, text)] = self._options()
            return reference_by_kind(text, Kind(kind), mode, field=_NAMES[kind], suppressing=suppressing)
        reference = reference_by_shape(self.value, mode, field="VALUE")
        if suppressing and reference.kind is Kind.ID and _is_address(self.value):
            return reference_by_kind(self.value, Kind.EMAIL, mode, field="VALUE", suppressing=True)
        if reference.kind is Kind.CIO_ID and workspace.people.find(workspace.number, reference) is None:
            by_id = reference_by_kind(self.value, Kind.ID, mode, field="VALUE")  # such ids were taken once
            return reference if workspace.people.find(workspace.number, by_id) is None else by_id
        return reference

    def _options(self) -> Sequence[tuple[str, str]]:
        given = {"id": self.id, "email": self.email, "cio_id": self.cio_id}
        return [(kind, text) for kind, text in given.items() if text is not None]


def _is_address(value: str) -> bool:
    from workspace_operator.identity.emails import email_key

    return email_key(value) is not None
