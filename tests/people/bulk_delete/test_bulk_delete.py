"""Many people are deleted: written down before, batch by batch, and only as it was decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from tests.fakes.people.people import FakePeople
from tests.people.bulk_delete.fixtures import (
    BackupList,
    activities_of,
    candidates,
    cio_id_of,
    counts,
    deletion,
    ids_of,
    join,
    selected,
)
from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.backup_rows import BackupAction
from workspace_operator.application.people.bulk_delete import DeletionCandidate, segment_members
from workspace_operator.application.people.import_options import EmptyCells
from workspace_operator.application.ports import UnitOfWork
from workspace_operator.errors import InvalidInput, StoreUnavailable
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode

T = TypeVar("T")


@pytest.fixture
def env() -> ImportEnv:
    """Five people of mode IDOnly, of whom three share an address."""
    made = ImportEnv.of(Mode.ID_ONLY)
    made.import_text("id,email,plan\n1,a@x.com,pro\n2,A@x.com,\n3,c@x.com,free\n4,a@x.com,\n5,,\n")
    return made


@dataclass(frozen=True, slots=True)
class Interrupted(FakePeople):
    """People to whom something happens just before calls about them are carried out."""

    events: list[Callable[[], None]] = field(default_factory=list)

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        if self.events:
            self.events.pop(0)()
        return FakePeople.run_unit_of_work(self, workspace_id, work, exclusive=exclusive)


def interrupted(env: ImportEnv, *events: Callable[[], None]) -> Interrupted:
    return Interrupted(env.memory, events=list(events))


def nothing() -> None:
    """Nothing happens."""


def test_selected_people_are_deleted(env: ImportEnv) -> None:
    backup = BackupList()

    done = deletion(env, backup, attributes={"plan"}).run(iter(candidates(env, "1", "3", "5")))

    assert counts(done) == (3, 0, 0)
    assert ids_of(env) == ["2", "4"]


def test_people_are_written_as_they_were(env: ImportEnv) -> None:
    before = {each.id: each for each in env.people.all(env.number)}
    backup = BackupList()

    deletion(env, backup, attributes={"plan"}).run(iter(candidates(env, "1", "3")))

    assert backup.people == [before["1"], before["3"]]


def test_each_batch_is_written_before_it_goes(env: ImportEnv) -> None:
    there: list[list[str | None]] = []

    class Looking(BackupList):
        def write(self, people: Sequence[Person], action: BackupAction) -> None:
            there.append(ids_of(env))
            BackupList.write(self, people, action)

    progress: list[int] = []
    backup = Looking()

    deletion(env, backup, attributes={"plan"}).run(iter(candidates(env, "1", "2", "3")), progress.append)

    assert there == [["1", "2", "3", "4", "5"], ["3", "4", "5"]]
    assert backup.batches == progress == [2, 1]


def test_nobody_goes_who_is_not_written(env: ImportEnv) -> None:
    class Full(BackupList):
        def write(self, people: Sequence[Person], action: BackupAction) -> None:
            if self.people:
                raise InvalidInput("no space left")
            BackupList.write(self, people, action)

    backup = Full()
    run = deletion(env, backup, attributes={"plan"})

    with pytest.raises(InvalidInput, match="no space left"):
        run.run(iter(candidates(env, "1", "2", "3", "4")))

    assert counts(run.result) == (2, 0, 0)
    assert ids_of(env) == ["3", "4", "5"]
    assert backup.ids == ["1", "2"]


def test_interrupted_deletion_is_run_again(env: ImportEnv) -> None:
    def away() -> None:
        raise StoreUnavailable("away")

    join(env, 7, "1", "2", "3", "4")
    first, second = BackupList(), BackupList()
    with pytest.raises(StoreUnavailable):
        deletion(env, first, attributes={"plan"}, people=interrupted(env, nothing, away)).run(
            segment_members(activities_of(env), env.number, 7)
        )

    done = deletion(env, second, attributes={"plan"}).run(segment_members(activities_of(env), env.number, 7))

    assert counts(done) == (2, 0, 0)
    assert ids_of(env) == ["5"]
    assert {*first.ids, *second.ids} == {"1", "2", "3", "4"}


def test_who_is_gone_already_is_counted(env: ImportEnv) -> None:
    going = candidates(env, "1", "2")
    deletion(env, BackupList(), attributes={"plan"}).run(iter(going[:1]))

    done = deletion(env, BackupList(), attributes={"plan"}).run(iter(going))

    assert counts(done) == (1, 1, 0)


def test_who_goes_at_the_last_moment_is_counted(env: ImportEnv) -> None:
    def delete_first() -> None:
        deletion(env, BackupList(), attributes={"plan"}).run(iter(going[:1]))

    going = candidates(env, "1", "2")
    people = interrupted(env, delete_first)

    done = deletion(env, BackupList(), attributes={"plan"}, people=people).run(iter(going))

    assert counts(done) == (1, 1, 0)


def test_who_has_no_place_in_the_file_stays(env: ImportEnv) -> None:
    backup = BackupList()

    done = deletion(env, backup, attributes={"other"}).run(iter(candidates(env, "1", "2")))

    assert counts(done) == (1, 0, 1)
    assert backup.ids == ["2"]
    assert "1" in ids_of(env)


def test_last_changes_are_written_once_more(env: ImportEnv) -> None:
    def change() -> None:
        env.import_text("id,plan\n1,gold\n")

    people = interrupted(env, change)
    backup = BackupList()

    done = deletion(env, backup, attributes={"plan"}, people=people).run(iter(candidates(env, "1", "2")))

    assert counts(done) == (2, 0, 0)
    assert [(each.id, dict(each.attributes)) for each in backup.people] == [
        ("1", {"plan": "pro"}),
        ("2", {}),
        ("1", {"plan": "gold"}),
    ]


def test_other_identifiers_stop_the_deletion(env: ImportEnv) -> None:
    env.import_text("id,email\n2,b@x.com\n4,d@x.com\n")
    people = interrupted(env, nothing, lambda: env.set_mode(Mode.EMAIL_OR_ID))
    run = deletion(env, BackupList(), attributes={"plan"}, people=people)

    with pytest.raises(InvalidInput, match="the mode changed from IDOnly to EmailOrID meanwhile: review"):
        run.run(iter(candidates(env, "1", "2", "3", "4")))

    assert counts(run.result) == (2, 0, 0)
    assert ids_of(env) == ["3", "4", "5"]


def test_last_one_with_an_address_stays(env: ImportEnv) -> None:
    going = candidates(env, "2", "4", kept="1")
    deletion(env, BackupList(), attributes={"plan"}).run(iter(candidates(env, "1")))

    done = deletion(env, BackupList()).run(iter(going))

    assert counts(done) == (0, 0, 2)
    assert ids_of(env) == ["2", "3", "4", "5"]


@pytest.mark.parametrize("email", ["new@x.com", "nonsense", ""])
@pytest.mark.parametrize("id_", ["1", "2"])
def test_who_shares_no_address_any_more_stays(env: ImportEnv, id_: str, email: str) -> None:
    going = candidates(env, "2", "4", kept="1")
    env.import_text(f"id,email\n{id_},{email}\n", empty_cells=EmptyCells.REMOVE)

    done = deletion(env, BackupList()).run(iter(going))

    assert "2" in ids_of(env)
    assert counts(done) == ((1, 0, 1) if id_ == "2" else (0, 0, 2))


def test_survey_counts_who_is_there(env: ImportEnv) -> None:
    going = candidates(env, "2", "4", kept="1")
    nobody = DeletionCandidate(cio_id="nobody", kept=going[0].kept)

    survey, found = selected(env, [nobody, *going, *candidates(env, "5", kept="3")])

    assert found == [*going, *candidates(env, "5", kept="3")]
    assert (survey.people, survey.kept, survey.attributes) == (3, 2, set())


def test_survey_knows_all_attributes(env: ImportEnv) -> None:
    env.import_text("id,town,age\n2,Ulm,\n3,,7\n")

    survey, _ = selected(env, candidates(env, "1", "2", "3"))

    assert survey.attributes == {"plan", "town", "age"}


def test_members_are_those_of_one_segment(env: ImportEnv) -> None:
    join(env, 7, "3", "1")
    join(env, 8, "2")

    found = list(segment_members(activities_of(env), env.number, 7))

    assert found == [DeletionCandidate(cio_id=cio_id_of(env, each)) for each in ("1", "3")]
