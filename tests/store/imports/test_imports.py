"""A file is tried and imported by a worker, and undone."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.imports.import_env import ACTOR, UNDO_PERIOD, ImportEnv
from tests.store.invariants import assert_sound
from workspace_operator.application.ports import Lease
from workspace_operator.errors import Conflict, InvalidInput, NotFound, StaleRevision
from workspace_operator.identity.model.person_events import DeviceUpserted
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import CIO_ID, Mode
from workspace_operator.imports.model import ImportCounts, ImportMapping, ImportState

FILE = """id,email,first_name,Notes
m-1,ada@club.example,Ada,
m-2,bob@club.example,Bob,new
m-3,,,
m-4,broken@,Dan,
,,Nobody,
"""


def club_of(env: WorkspaceEnv) -> ImportEnv:
    """A workspace with two people of the file."""
    env.add("m-1", "ada@club.example", first_name="Ada")
    env.add("m-2", "bo@club.example", first_name="Bo", plan="gold")
    env.store.clock.advance(60)
    return ImportEnv(env)


def test_upload_says_what_the_file_has(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    job = club.upload(FILE, r"C:\files\people.csv")

    assert (job.state, job.file_name, job.rows) == (ImportState.UPLOADED, "people.csv", 5)
    assert job.facts is not None
    assert [(each.name, each.samples, each.filled, each.addresses) for each in job.facts.columns][1:] == [
        ("email", ("ada@club.example", "bob@club.example", "broken@"), 3, 3),
        ("first_name", ("Ada", "Bob", "Dan"), 4, 0),
        ("Notes", ("new",), 1, 0),
    ]


def test_dry_run_counts_and_writes_nothing(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    before = club.people()

    job = club.check_file(FILE)

    assert (job.state, job.done) == (ImportState.CHECKED, 5)
    assert job.counts == ImportCounts(made=2, changed=1, unchanged=1, rejected=1, addresses=1)
    assert club.people() == before
    [change] = job.changes
    assert (change.line, change.person) == (3, "m-2")
    assert [(each.name, each.before, each.after) for each in change.values] == [
        ("email", "bo@club.example", "bob@club.example"),
        ("first_name", "Bo", "Bob"),
        ("Notes", None, "new"),
    ]
    assert [row[:2] for row in club.rejects()][-1] == ["6", "rejected"]


def test_dry_run_counts_who_blocks_an_identifier_change(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.env.add("m-5", "bo@club.example")
    club.env.migrate_to(Mode.EMAIL_OR_ID)

    job = club.check_file("id,email\nm-1,a@club.example\nm-2,b@club.example\nm-5,bo@club.example\n")

    assert (job.counts.addresses, job.blocking) == (2, 1)


def test_import_equals_its_dry_run(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    checked = club.check_file(FILE)
    club.run()

    job = club.work(batch=2)

    assert (job.state, job.counts) == (ImportState.DONE, checked.counts)
    assert job.changes == ()
    assert (job.run_by, job.undo_until) == (ACTOR.name, club.env.store.clock() + UNDO_PERIOD)
    found = club.env.find(id="m-2")
    assert found is not None
    assert (found.email, found.attributes["first_name"], found.attributes["Notes"]) == (
        "bob@club.example",
        "Bob",
        "new",
    )
    assert club.entries() == [
        (
            "imported",
            "import 1",
            {
                "created": job.counts.made,
                "updated": 2,
                "unchanged": 1,
                "in_part": 0,
                "skipped": 0,
                "rejected": job.counts.rejected,
            },
        )
    ]


def test_import_goes_on_where_it_was(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.check_file(FILE)
    club.run()
    answers = iter([False, False, True])
    club.worker(batch=2, stopping=lambda: next(answers)).work_once()
    half = club.job

    job = club.work()

    assert (half.state, half.done) == (ImportState.RUNNING, 3)
    assert (job.state, job.done, job.counts.rows) == (ImportState.DONE, 5, 5)


def test_two_workers_import_each_row_once(sql_env: WorkspaceEnv) -> None:
    """A worker that lost its lease cannot record what it did."""
    club = club_of(sql_env)
    club.check_file(FILE)
    club.run()
    slow = club.worker()
    lease = Lease(worker="w2", duration=timedelta(seconds=20))
    claimed = club.imports.claim(lease, now=club.env.store.clock())
    assert claimed is not None
    club.env.store.clock.advance(60)

    assert slow.work_once()
    with pytest.raises(StaleRevision):
        club.imports.end(claimed, lease, undo_period=UNDO_PERIOD, now=club.env.store.clock())
    assert club.job.counts.rows == 5


def test_undo_brings_everything_back(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    before = club.people()
    job = club.import_file(FILE)
    said = club.forecast()

    club.undo()
    undone = club.work(batch=2)

    assert (said.examined, said.whole, said.in_part, said.not_at_all) == (job.people, job.people, 0, 0)
    assert (undone.state, undone.undone, undone.not_undone) == (ImportState.UNDONE, job.people, 0)
    assert club.people() == before
    assert [entry[:2] for entry in club.entries()] == [("imported", "import 1"), ("import_undone", "import 1")]


def test_undo_leaves_what_changed_since(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.import_file("id,first_name,plan\nm-1,Adele,silver\nm-2,Bobby,silver\nm-8,Eve,\nm-9,Fay,\n")
    club.env.identify_person(id="m-1", body={"plan": "bronze"})
    club.env.identify_person(id="m-2", body={"plan": "bronze", "first_name": "Rob"})
    club.env.identify_person(id="m-9", body={"plan": "bronze"})

    club.undo()
    job = club.work()

    assert (job.state, job.undone, job.undone_in_part, job.not_undone) == (ImportState.DONE, 1, 1, 2)
    one, two = club.env.find(id="m-1"), club.env.find(id="m-2")
    assert one is not None
    assert two is not None
    assert dict(one.attributes) == {"first_name": "Ada", "plan": "bronze"}
    assert dict(two.attributes) == {"first_name": "Rob", "plan": "bronze"}
    assert club.env.find(id="m-8") is None
    assert club.env.find(id="m-9") is not None
    assert job.can_be_undone(club.env.store.clock())


def test_undo_keeps_people_to_whom_something_was_added(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.import_file("id,first_name\nm-8,Eve\nm-9,Fay\n")
    eve = club.env.find(id="m-8")
    assert eve is not None
    device = Device(token="t", platform="ios", last_used=None, attributes={})
    club.env.store.append_events(club.env.workspace_id, [DeviceUpserted(cio_id=eve.cio_id, device=device)])

    club.undo()
    club.work()

    assert club.env.find(id="m-8") is not None
    assert club.env.find(id="m-9") is None


def test_erased_people_do_not_come_back(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.import_file("id,first_name\nm-1,Adele\nm-2,Bobby\n")
    club.env.delete(id="m-1")

    said = club.forecast()
    club.undo()
    job = club.work()

    assert (said.examined, job.people) == (1, 2)
    assert (job.state, job.undone, job.not_undone) == (ImportState.UNDONE, 1, 0)
    assert [person.id for person in club.people()] == ["m-2"]


def test_undo_of_moved_addresses_goes_backwards(sql: Store) -> None:
    """The last change first: the first one needs the address that a later row took."""
    club = ImportEnv(WorkspaceEnv.create(sql, Mode.EMAIL_OR_ID))
    club.env.add("m-1", "ada@club.example")
    club.env.add("m-2", "bo@club.example")
    before = club.people()
    cio_ids = {person.id: person.cio_id for person in before}
    mapping = ImportMapping(targets=("cio_id", "email"), by=CIO_ID, update_only=True)
    club.import_file(f"cio_id,email\n{cio_ids['m-2']},new@club.example\n{cio_ids['m-1']},bo@club.example\n", mapping)
    moved = {person.id: person.email for person in club.people()}

    club.undo()
    job = club.work(batch=1)

    assert moved == {"m-1": "bo@club.example", "m-2": "new@club.example"}
    assert (job.state, job.undone) == (ImportState.UNDONE, 2)
    assert club.people() == before


def test_rows_about_one_person_are_undone_together(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    before = club.people()
    job = club.import_file("id,first_name\nm-1,A\nm-1,B\nm-1,C\n", batch=1)

    club.undo()
    club.work()

    assert job.people == 1
    assert club.people() == before


def test_without_undo_days_nothing_is_kept(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.check_file(FILE)
    club.run()
    job = club.work(undo_period=timedelta(0))

    assert (job.people, job.undo_until) == (0, None)
    with pytest.raises(Conflict, match="import 1 cannot be undone any more"):
        club.undo()


def test_stop_leaves_what_was_imported(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.check_file(FILE)
    club.run()
    answers = iter([False, False, True])
    club.worker(batch=2, stopping=lambda: next(answers)).work_once()
    club.stop()
    job = club.work()

    assert (job.state, job.done) == (ImportState.DONE, 3)


def test_run_with_columns_that_were_not_seen_is_refused(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    checked = club.check_file(FILE)
    assert checked.mapping is not None
    run = partial(club.imports.run, checked.workspace_id, checked.number, actor=ACTOR, now=club.env.store.clock())

    with pytest.raises(StaleRevision, match="the columns of import 1 were chosen again"):
        run(seen="0123456789abcdef")

    assert club.job.state is ImportState.CHECKED
    assert run(seen=checked.mapping.version).state is ImportState.RUNNING


def test_stop_in_another_state_than_allowed_is_refused(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.import_file(FILE)
    undone = club.undo()

    with pytest.raises(Conflict, match="import 1 is Undoing: only somebody who may undo it can stop that"):
        club.imports.stop(
            undone.workspace_id,
            undone.number,
            among={ImportState.CHECKING, ImportState.RUNNING},
            actor=ACTOR,
            now=club.env.store.clock(),
        )

    assert club.work().state is ImportState.UNDONE


def test_stopped_dry_run_can_be_tried_again(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.upload(FILE)
    club.choose()
    club.check()
    club.stop()

    assert club.work().state is ImportState.MAPPED
    club.check()
    assert club.work().state is ImportState.CHECKED


def test_dry_run_begins_again_after_a_stop_of_the_worker(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.upload(FILE)
    club.choose()
    club.check()
    answers = iter([False, False, True])
    club.worker(batch=2, stopping=lambda: next(answers)).work_once()
    half = club.job

    job = club.work()

    assert (half.state, half.done) == (ImportState.CHECKING, 4)
    assert (job.state, job.done, len(club.rejects())) == (ImportState.CHECKED, 5, job.counts.rejected)


def test_one_import_at_a_time(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.upload(FILE)
    with pytest.raises(Conflict, match="import 1 is Uploaded, and a workspace has one at a time: choose its columns"):
        club.upload(FILE)

    club.discard()

    assert club.upload(FILE).number == 2


def test_discarded_import_loses_its_file(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.upload(FILE)
    job = club.discard()
    club.work()

    assert (job.state, club.imports.chunk(job, 1)) == (ImportState.DISCARDED, None)
    with pytest.raises(Conflict, match="import 1 is Discarded: it cannot be discarded"):
        club.discard()


@pytest.mark.parametrize("method", ["check", "run", "stop", "undo"])
def test_what_is_not_possible_yet(sql_env: WorkspaceEnv, method: str) -> None:
    club = club_of(sql_env)
    club.upload(FILE)

    with pytest.raises(Conflict, match="import 1 is Uploaded: "):
        getattr(club, method)()


def test_refused_file_leaves_nothing(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    lines = "".join(f"m-{number},x\n" for number in range(100_000))
    with pytest.raises(InvalidInput, match=r"^Line 100002 has 3 cells, the header has 2\.$"):
        club.upload(f"id,plan\n{lines}a,b,c\n")

    assert club.imports.recent(club.env.workspace_id, limit=10) == []


def test_upload_that_ends_is_given_up(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.imports.open(club.env.workspace_id, file_name="a.csv", actor=ACTOR, now=club.env.store.clock())
    job = club.job
    club.work()
    assert club.job.state is ImportState.UPLOADING

    club.env.store.clock.advance(601)
    club.worker().work_once()

    with pytest.raises(NotFound, match="there is no import 1"):
        club.imports.get(club.env.workspace_id, 1)
    assert job.facts is None
    with pytest.raises(StaleRevision, match="the upload of import 1 took too long"):
        club.imports.finish_upload(job, club.upload(FILE).facts, now=club.env.store.clock())  # type: ignore[arg-type]


def test_import_that_nobody_takes_up_is_discarded(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.upload(FILE)
    club.env.store.clock.advance(7 * 86_400 + 1)

    assert club.work().state is ImportState.DISCARDED


def test_file_goes_a_day_after_the_end_and_records_when_undo_ends(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.import_file(FILE)
    club.env.store.clock.advance(86_401)
    job = club.work()
    assert job.facts is not None
    assert {each.samples for each in job.facts.columns} == {()}
    assert (club.imports.chunk(job, 1), club.rejects()) == (None, [])
    assert not job.has_file(club.env.store.clock())
    assert club.forecast().examined == job.people

    club.env.store.clock.advance(29 * 86_400)
    club.work()

    assert club.forecast().examined == 0


def test_large_file_is_split_into_chunks(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    rows = [(f"n-{number}", "x" * (number % 97)) for number in range(9_000)]
    text = "id,note\n" + "\n".join(f'{id_},"{note}\n"' for id_, note in rows)

    job = club.check_file(text)

    assert (job.counts.made, job.counts.rejected) == (9_000, 0)
    second = club.imports.chunk(job, 8_999)
    assert second is not None
    assert second.first_row > 1
    assert second.first_line == 2 * second.first_row


def test_update_only_and_removed_values(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    mapping = ImportMapping(targets=("id", "ignore", "attribute", "plan"), update_only=True, removes_empty=True)

    job = club.import_file(FILE, mapping)

    found = club.env.find(id="m-2")
    assert found is not None
    assert (job.counts.made, job.counts.skipped) == (0, 2)
    assert dict(found.attributes) == {"first_name": "Bob", "plan": "new"}
    assert Counter(row[1] for row in club.rejects()) == {"skipped": 2, "rejected": 1}


def test_import_of_a_deleted_workspace_ends(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.check_file(FILE)
    club.run()
    destroy(club.env.store, club.env.owner)

    assert not club.worker().work_once()


def test_undo_deletes_what_calls_are_recorded_of_people_whom_it_deletes(sql_env: WorkspaceEnv) -> None:
    club = club_of(sql_env)
    club.env.add("m-5", "bo@club.example")
    club.env.migrate_to(Mode.EMAIL_OR_ID)
    club.import_file("id,email\nm-8,eve@club.example\n")

    club.undo()

    assert club.work().state is ImportState.UNDONE
    assert club.env.find(id="m-8") is None
    assert_sound(club.env.store.sql_database)
