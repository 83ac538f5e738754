"""Many people are deleted: written down before, batch by batch, and only as it was decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tests.cleaning.scenes import (
    UndoList,
    belongings_of,
    cio_id_of,
    counts,
    deletion,
    doomed,
    ids_of,
    join,
    surveyed,
)
from tests.fakes.people import MemoryPeople
from tests.people.scenes import Place
from workspace_operator.application.cleaning import Doomed, members
from workspace_operator.application.import_options import EmptyCells
from workspace_operator.application.ports import Answer
from workspace_operator.application.undo_rows import UndoAction
from workspace_operator.errors import InvalidInput, StoreUnavailable
from workspace_operator.identity.calls import Ask
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import Mode


@pytest.fixture
def place() -> Place:
    """Five people of mode IDOnly, of whom three share an address."""
    made = Place.of(Mode.ID_ONLY)
    made.take("id,email,plan\n1,a@x.com,pro\n2,A@x.com,\n3,c@x.com,free\n4,a@x.com,\n5,,\n")
    return made


@dataclass(frozen=True, slots=True)
class Interrupted(MemoryPeople):
    """People to whom something happens just before calls about them are carried out."""

    events: list[Callable[[], None]] = field(default_factory=list)

    def perform(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> Sequence[Answer]:
        if self.events:
            self.events.pop(0)()
        return MemoryPeople.perform(self, workspace_id, asks, now=now)


def interrupted(place: Place, *events: Callable[[], None]) -> Interrupted:
    return Interrupted(place.memory, events=list(events))


def nothing() -> None:
    """Nothing happens."""


def test_doomed_people_are_gone(place: Place) -> None:
    undo = UndoList()

    done = deletion(place, undo, attributes={"plan"}).run(iter(doomed(place, "1", "3", "5")))

    assert counts(done) == (3, 0, 0)
    assert ids_of(place) == ["2", "4"]


def test_people_are_written_as_they_were(place: Place) -> None:
    before = {each.id: each for each in place.people.all(place.number)}
    undo = UndoList()

    deletion(place, undo, attributes={"plan"}).run(iter(doomed(place, "1", "3")))

    assert undo.people == [before["1"], before["3"]]


def test_each_batch_is_written_before_it_goes(place: Place) -> None:
    there: list[list[str | None]] = []

    class Looking(UndoList):
        def write(self, people: Sequence[Person], action: UndoAction) -> None:
            there.append(ids_of(place))
            UndoList.write(self, people, action)

    progress: list[int] = []
    undo = Looking()

    deletion(place, undo, attributes={"plan"}).run(iter(doomed(place, "1", "2", "3")), progress.append)

    assert there == [["1", "2", "3", "4", "5"], ["3", "4", "5"]]
    assert undo.batches == progress == [2, 1]


def test_nobody_goes_who_is_not_written(place: Place) -> None:
    class Full(UndoList):
        def write(self, people: Sequence[Person], action: UndoAction) -> None:
            if self.people:
                raise InvalidInput("no space left")
            UndoList.write(self, people, action)

    undo = Full()
    run = deletion(place, undo, attributes={"plan"})

    with pytest.raises(InvalidInput, match="no space left"):
        run.run(iter(doomed(place, "1", "2", "3", "4")))

    assert counts(run.counts) == (2, 0, 0)
    assert ids_of(place) == ["3", "4", "5"]
    assert undo.ids == ["1", "2"]


def test_interrupted_deletion_is_run_again(place: Place) -> None:
    def away() -> None:
        raise StoreUnavailable("away")

    join(place, 7, "1", "2", "3", "4")
    first, second = UndoList(), UndoList()
    with pytest.raises(StoreUnavailable):
        deletion(place, first, attributes={"plan"}, people=interrupted(place, nothing, away)).run(
            members(belongings_of(place), place.number, 7)
        )

    done = deletion(place, second, attributes={"plan"}).run(members(belongings_of(place), place.number, 7))

    assert counts(done) == (2, 0, 0)
    assert ids_of(place) == ["5"]
    assert {*first.ids, *second.ids} == {"1", "2", "3", "4"}


def test_who_is_gone_already_is_counted(place: Place) -> None:
    going = doomed(place, "1", "2")
    deletion(place, UndoList(), attributes={"plan"}).run(iter(going[:1]))

    done = deletion(place, UndoList(), attributes={"plan"}).run(iter(going))

    assert counts(done) == (1, 1, 0)


def test_who_goes_at_the_last_moment_is_counted(place: Place) -> None:
    def delete_first() -> None:
        deletion(place, UndoList(), attributes={"plan"}).run(iter(going[:1]))

    going = doomed(place, "1", "2")
    people = interrupted(place, delete_first)

    done = deletion(place, UndoList(), attributes={"plan"}, people=people).run(iter(going))

    assert counts(done) == (1, 1, 0)


def test_who_has_no_place_in_the_file_stays(place: Place) -> None:
    undo = UndoList()

    done = deletion(place, undo, attributes={"other"}).run(iter(doomed(place, "1", "2")))

    assert counts(done) == (1, 0, 1)
    assert undo.ids == ["2"]
    assert "1" in ids_of(place)


def test_last_changes_are_written_once_more(place: Place) -> None:
    def change() -> None:
        place.take("id,plan\n1,gold\n")

    people = interrupted(place, change)
    undo = UndoList()

    done = deletion(place, undo, attributes={"plan"}, people=people).run(iter(doomed(place, "1", "2")))

    assert counts(done) == (2, 0, 0)
    assert [(each.id, dict(each.attributes)) for each in undo.people] == [
        ("1", {"plan": "pro"}),
        ("2", {}),
        ("1", {"plan": "gold"}),
    ]


def test_other_identifiers_stop_the_deletion(place: Place) -> None:
    place.take("id,email\n2,b@x.com\n4,d@x.com\n")
    people = interrupted(place, nothing, lambda: place.switch_to(Mode.EMAIL_OR_ID))
    run = deletion(place, UndoList(), attributes={"plan"}, people=people)

    with pytest.raises(InvalidInput, match="the mode was changed from IDOnly to EmailOrID meanwhile: look again"):
        run.run(iter(doomed(place, "1", "2", "3", "4")))

    assert counts(run.counts) == (2, 0, 0)
    assert ids_of(place) == ["3", "4", "5"]


def test_last_one_with_an_address_stays(place: Place) -> None:
    going = doomed(place, "2", "4", kept="1")
    deletion(place, UndoList(), attributes={"plan"}).run(iter(doomed(place, "1")))

    done = deletion(place, UndoList()).run(iter(going))

    assert counts(done) == (0, 0, 2)
    assert ids_of(place) == ["2", "3", "4", "5"]


@pytest.mark.parametrize("email", ["new@x.com", "nonsense", ""])
@pytest.mark.parametrize("id_", ["1", "2"])
def test_who_shares_no_address_any_more_stays(place: Place, id_: str, email: str) -> None:
    going = doomed(place, "2", "4", kept="1")
    place.take(f"id,email\n{id_},{email}\n", empty_cells=EmptyCells.REMOVE)

    done = deletion(place, UndoList()).run(iter(going))

    assert "2" in ids_of(place)
    assert counts(done) == ((1, 0, 1) if id_ == "2" else (0, 0, 2))


def test_survey_counts_who_is_there(place: Place) -> None:
    going = doomed(place, "2", "4", kept="1")
    nobody = Doomed(cio_id="nobody", kept=going[0].kept)

    survey, found = surveyed(place, [nobody, *going, *doomed(place, "5", kept="3")])

    assert found == [*going, *doomed(place, "5", kept="3")]
    assert (survey.people, survey.kept, survey.attributes) == (3, 2, set())


def test_survey_knows_all_attributes(place: Place) -> None:
    place.take("id,town,age\n2,Ulm,\n3,,7\n")

    survey, _ = surveyed(place, doomed(place, "1", "2", "3"))

    assert survey.attributes == {"plan", "town", "age"}


def test_members_are_those_of_one_segment(place: Place) -> None:
    join(place, 7, "3", "1")
    join(place, 8, "2")

    found = list(members(belongings_of(place), place.number, 7))

    assert found == [Doomed(cio_id=cio_id_of(place, each)) for each in ("1", "3")]
