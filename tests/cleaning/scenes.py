"""A workspace in memory that people are deleted from, and an undo file that is a list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.fakes.belongings import MemoryBelongings
from tests.fakes.segments import MemorySegments
from tests.people.scenes import NOW, Place
from workspace_operator.application.cleaning import Deleted, Deletion, Doomed, Survey
from workspace_operator.application.ports import People
from workspace_operator.application.undo_rows import UndoAction
from workspace_operator.identity.calls import SegmentCall
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import Kind, Mode


@dataclass(slots=True)
class UndoList:
    """What an undo file would hold."""

    people: list[Person] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def write(self, people: Sequence[Person], action: UndoAction) -> None:
        assert action is UndoAction.DELETED
        self.people.extend(people)
        self.batches.append(len(people))

    @property
    def ids(self) -> list[str | None]:
        return [each.id for each in self.people]


def ids_of(place: Place) -> list[str | None]:
    """Who is there, in the order in which they were made."""
    return [each.id for each in place.people.all(place.number)]


def cio_id_of(place: Place, id_: str) -> str:
    return place.known(id=id_).cio_id


def doomed(place: Place, *ids: str, kept: str = "") -> list[Doomed]:
    """These people, by id; ``kept`` is the id of who shares their address."""
    keeper = cio_id_of(place, kept) if kept else ""
    return [Doomed(cio_id=cio_id_of(place, each), kept=keeper) for each in ids]


def surveyed(place: Place, people: Iterable[Doomed]) -> tuple[Survey, list[Doomed]]:
    survey = Survey()
    return survey, list(survey.looking_up(place.people, place.number, people))


def deletion(
    place: Place,
    undo: UndoList,
    *,
    attributes: Iterable[str] = (),
    people: People | None = None,
    mode: Mode = Mode.ID_ONLY,
    batch: int = 2,
) -> Deletion:
    return Deletion(
        people=people or place.people,
        workspace_id=place.number,
        mode=mode,
        attributes=frozenset(attributes),
        undo=undo,
        clock=lambda: NOW,
        batch=batch,
    )


def counts(deleted: Deleted) -> tuple[int, int, int]:
    return deleted.deleted, deleted.gone, deleted.left


def join(place: Place, segment: int, *ids: str) -> None:
    mode = place.people.rules(place.number).mode
    calls = [SegmentCall(reference=reference_by_kind(each, Kind.ID, mode), segment=segment, joins=True) for each in ids]
    place.people.perform(place.number, calls, now=NOW)


def belongings_of(place: Place) -> MemoryBelongings:
    return MemoryBelongings(place.memory)


def segments_of(place: Place) -> MemorySegments:
    return MemorySegments(place.memory)
