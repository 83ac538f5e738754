"""Manual segments of a workspace, by name."""

from dataclasses import dataclass
from typing import Self

from tests.console.environment import ConsoleEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.model.commands import SetMembership
from workspace_operator.identity.values.rules import Mode


@dataclass(kw_only=True)
class Segments:
    """The segments of one workspace of a console."""

    console: ConsoleEnv
    workspace: WorkspaceEnv

    @classmethod
    def of(cls, console: ConsoleEnv) -> Self:
        return cls(console=console, workspace=WorkspaceEnv.create(console.store, Mode.ID_ONLY))

    @property
    def path(self) -> str:
        return f"/w/{self.workspace.workspace_id}/segments"

    def add(self, name: str, *ids: str) -> int:
        """A segment with new people; its number."""
        store = self.console.store
        number = store.segments.create(self.workspace.workspace_id, name, now=store.clock())
        for id_ in ids:
            self.workspace.add(id_, f"{id_[:50]}@club.example")
            self.workspace.perform(
                SetMembership(reference=self.workspace.reference(id=id_), segment=number, member=True)
            )
        return number
