"""The database as commands use it: opened, with the workspace and the person that a command names found in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from workspace_operator.cli.support.options import parse_namespaced_name
from workspace_operator.errors import InvalidInput, NotFound

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.ports import (
        Clock,
        Credentials,
        Exports,
        MergeJournal,
        Migrations,
        People,
        PersonRecords,
        Segment,
        Segments,
    )
    from workspace_operator.bootstrap import Repositories
    from workspace_operator.identity.values.references import Reference

_OPTION_NAMES = {"id": "--id", "email": "--email", "cio_id": "--cio-id"}


@contextmanager
def open_existing_store(database: str) -> "Iterator[Repositories]":
    """Open a database that is there. Raises InvalidInput or StoreUnavailable."""
    from workspace_operator import bootstrap

    with bootstrap.open_existing_store(database) as store:
        yield store


@contextmanager
def open_or_create_store(database: str) -> "Iterator[Repositories]":
    """Open a database, made if it is not there. Raises InvalidInput or StoreUnavailable."""
    from workspace_operator import bootstrap

    with bootstrap.open_store(database) as store:
        yield store


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceContext:
    """The workspace that a command names, and the ports to it."""

    name: str
    number: int
    people: "People"
    person_records: "PersonRecords"
    segments: "Segments"
    exports: "Exports"
    merges: "MergeJournal"
    migrations: "Migrations"
    credentials: "Credentials"
    clock: "Clock"

    def segment(self, value: str, *, field: str) -> "Segment":
        """The manual segment with a number or a name. Raises InvalidInput and NotFound."""
        from workspace_operator.identity.values.segments import segment_reference

        selector = segment_reference(value, field=field)
        if isinstance(selector, str):
            return self.segments.get(self.number, self.segments.find_by_name(self.number, selector))
        self._refuse_ambiguous_number(selector, value.strip(), field=field)
        return self.segments.get(self.number, selector)

    def _refuse_ambiguous_number(self, number: int, value: str, *, field: str) -> None:
        """Names could be numbers once, and who says one may mean either."""
        with suppress(NotFound):
            other = self.segments.find_by_name(self.number, value)
            if other != number:
                raise InvalidInput(
                    f"{field} {value} is a number, and the name of segment {other}, too: delete segment {other}, which "
                    "leaves its people, and make it again under another name",
                    field=field,
                )


@contextmanager
def open_workspace(database: str, name: str, cluster: str | None) -> Iterator[WorkspaceContext]:
    """Open a database and find NAMESPACE/NAME in it. Raises NotFound or Ambiguous besides."""
    namespace, short_name = parse_namespaced_name(name, "--workspace")
    with open_existing_store(database) as store:
        stored = store.workspaces.find(namespace, short_name, cluster=cluster)
        yield WorkspaceContext(
            name=name,
            number=stored.workspace_id,
            people=store.people,
            person_records=store.person_records,
            segments=store.segments,
            exports=store.exports,
            merges=store.merges,
            migrations=store.migrations,
            credentials=store.credentials,
            clock=store.clock,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSelector:
    """How a command names a person: by a bare value, or by --id, --email or --cio-id. A usage error if not by one."""

    value: str | None
    id: str | None = None
    email: str | None = None
    cio_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse none and several."""
        if len(self._given_options()) + (self.value is not None) != 1:
            raise typer.BadParameter("name one person: VALUE, or one of --id, --email and --cio-id")

    def reference(self, workspace: WorkspaceContext, *, for_suppression: bool = False) -> "Reference":
        """The reference, by the identifiers of the workspace. Raises InvalidInput."""
        from workspace_operator.identity.values.references import parse_reference, reference_of_kind
        from workspace_operator.identity.values.rules import IdentifierKind

        mode = workspace.people.rules(workspace.number).mode
        if self.value is None:
            [(kind, text)] = self._given_options()
            return reference_of_kind(
                text, IdentifierKind(kind), mode, field=_OPTION_NAMES[kind], for_suppression=for_suppression
            )
        reference = parse_reference(self.value, mode, field="VALUE")
        if for_suppression and reference.kind is IdentifierKind.ID and _is_email(self.value):
            return reference_of_kind(self.value, IdentifierKind.EMAIL, mode, field="VALUE", for_suppression=True)
        if reference.kind is IdentifierKind.CIO_ID and workspace.people.find(workspace.number, reference) is None:
            by_id = reference_of_kind(self.value, IdentifierKind.ID, mode, field="VALUE")  # such ids were taken once
            return reference if workspace.people.find(workspace.number, by_id) is None else by_id
        return reference

    def _given_options(self) -> Sequence[tuple[str, str]]:
        given = {"id": self.id, "email": self.email, "cio_id": self.cio_id}
        return [(kind, text) for kind, text in given.items() if text is not None]


def _is_email(value: str) -> bool:
    from workspace_operator.identity.values.email_keys import email_key

    return email_key(value) is not None
