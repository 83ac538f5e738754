"""Reports of violations, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.fakes.database import InMemoryDatabase
from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.errors import NotFound


@dataclass(frozen=True, slots=True)
class FakeExports:
    """Implements the port ``Exports``."""

    memory: InMemoryDatabase

    def exports(self, workspace_id: int) -> Sequence[Export]:
        found = self.memory.states[workspace_id].exports if workspace_id in self.memory.states else {}
        return sorted(found.values(), key=lambda each: -each.number)

    def violations(
        self, workspace_id: int, number: int, *, attributes: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[ViolationRow]:
        state = self.memory.states.get(workspace_id)
        if state is None or number not in state.exports:
            raise NotFound(f"there is no export {number}: `workspacectl exports list` lists them")
        people = state.working_set.people
        held = {cio_id: person.attributes for cio_id, person in people.items()}
        rows = state.violations[number][:limit]
        return iter([row._replace(values=tuple(map(held.get(row.cio_id, {}).get, attributes))) for row in rows])
