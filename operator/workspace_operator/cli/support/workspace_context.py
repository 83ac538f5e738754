"""Opens the database for a command, and finds the workspace and the person that the command names."""

import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import typer

from workspace_operator.application.ports import Actor, Segment
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.cli.support.options import parse_namespaced_name
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import Reference, parse_reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.segments import segment_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceContext:
    """The workspace that a command names, in its database."""

    name: str
    workspace_id: int
    store: Repositories

    def segment(self, value: str, *, field: str) -> Segment:
        """Return the manual segment with a number or a name. Raises InvalidInput or NotFound."""
        selector = segment_reference(value, field=field)
        if isinstance(selector, str):
            selector = self.store.segments.find_by_name(self.workspace_id, selector)
        else:
            self._refuse_ambiguous_number(selector, value.strip(), field=field)
        return self.store.segments.get(self.workspace_id, selector)

    def _refuse_ambiguous_number(self, number: int, value: str, *, field: str) -> None:
        """Refuse a number that is also the name of another segment; earlier versions allowed such names."""
        with suppress(NotFound):
            other = self.store.segments.find_by_name(self.workspace_id, value)
            if other != number:
                raise InvalidInput(
                    f"{field} {value} is both a number and the name of segment {other}: delete segment {other}, which "
                    "keeps its people, and create it again under another name",
                    field=field,
                )


def current_actor() -> Actor:
    """The actor of the audit log: the user of the operating system that runs this process."""
    number = os.getuid()
    try:
        return Actor.installation(pwd.getpwuid(number).pw_name)
    except KeyError:  # as in a container, whose user has no entry
        return Actor.installation(f"user {number}")


@contextmanager
def open_workspace(database: str, name: str, cluster: str | None) -> Iterator[WorkspaceContext]:
    """Open a database and find NAMESPACE/NAME in it.

    Raises InvalidInput or StoreUnavailable if the database cannot be opened; NotFound or Ambiguous if no workspace has
    the name, or workspaces of several clusters have it.
    """
    namespace, short_name = parse_namespaced_name(name, "--workspace")
    with open_existing_store(database) as store:
        stored = store.workspaces.find(namespace, short_name, cluster=cluster)
        yield WorkspaceContext(name=name, workspace_id=stored.workspace_id, store=store)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSelector:
    """The one person that a command names: by a bare value, --id, --email or --cio-id."""

    value: str | None
    id: str | None = None
    email: str | None = None
    cio_id: str | None = None

    def __post_init__(self) -> None:
        """Raise a usage error unless exactly one identifier is given."""
        if len(self._given_options()) + (self.value is not None) != 1:
            raise typer.BadParameter("name one person: VALUE, or one of --id, --email and --cio-id")

    def reference(self, workspace: WorkspaceContext, *, for_suppression: bool = False) -> Reference:
        """Return the reference in the identifier mode of the workspace. Raises InvalidInput."""
        people, number = workspace.store.people, workspace.workspace_id
        mode = people.rules(number).mode
        if self.value is None:
            [(kind, text)] = self._given_options()
            field = f"--{kind.replace('_', '-')}"
            return reference_of_kind(text, IdentifierKind(kind), mode, field=field, for_suppression=for_suppression)
        reference = parse_reference(self.value, mode, field="VALUE")
        if for_suppression and reference.kind is IdentifierKind.ID and email_key(self.value) is not None:
            return reference_of_kind(self.value, IdentifierKind.EMAIL, mode, field="VALUE", for_suppression=True)
        if reference.kind is IdentifierKind.CIO_ID and people.find(number, reference) is None:
            # Earlier versions accepted ids of this shape.
            by_id = reference_of_kind(self.value, IdentifierKind.ID, mode, field="VALUE")
            return reference if people.find(number, by_id) is None else by_id
        return reference

    def _given_options(self) -> Sequence[tuple[str, str]]:
        given = {"id": self.id, "email": self.email, "cio_id": self.cio_id}
        return [(kind, text) for kind, text in given.items() if text is not None]
