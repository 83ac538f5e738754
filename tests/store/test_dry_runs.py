"""The contract of `People.dry_run`: it answers as `perform` does, across calls, and writes nothing."""

import io
from collections.abc import Sequence
from functools import partial

import pytest

from tests.store.adapters import Store
from tests.store.scenes import Scene
from workspace_operator.application.import_options import ImportOptions
from workspace_operator.application.import_summary import Summary
from workspace_operator.application.importing import PeopleImport
from workspace_operator.application.ports import Answer, Performer
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.calls import Call, identify_call
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.references import Reference, reference_by_kind
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.store import dry_runs


class Lists:
    """Rejects of an import."""

    def __init__(self) -> None:
        self.rows: list[Sequence[str]] = []

    def write(self, cells: Sequence[str]) -> None:
        self.rows.append(cells)


def take(scene: Scene, people: Performer, content: str, *, batch: int) -> tuple[Summary, list[Sequence[str]]]:
    rejects = Lists()
    run = PeopleImport(
        people=people,
        workspace_id=scene.workspace_id,
        options=ImportOptions(),
        rejects=rejects,
        clock=lambda: 1_700_000_000,
        batch=batch,
    )
    return run.run(io.BytesIO(content.encode())), rejects.rows


def everybody(scene: Scene) -> list[object]:
    return list(scene.store.people.all(scene.workspace_id))


@pytest.mark.parametrize("mode", list(Mode))
def test_dry_run_answers_as_the_import_does(store: Store, mode: Mode) -> None:
    scene = Scene.create(store, mode)
    take(scene, scene.store.people, "id,email,plan\n1,a@x.com,p\n2,,q\n,c@x.com,r\n", batch=10)
    scene.suppress(id="7")
    content = (
        "id,email,plan\n1,a@x.com,new\n3,d@x.com,x\n3,,y\n4,d@x.com,z\n2,b@x.com,p\n,b@x.com,again\n8,c@x.com,s\n"
        "7,g@x.com,x\n9,nonsense,x\n1,a@x.com,new\n,,\n"
    )
    before = everybody(scene)

    with scene.store.people.dry_run(scene.workspace_id) as performer:
        expected, expected_rejects = take(scene, performer, content, batch=2)
    untouched = everybody(scene)
    done, rejects = take(scene, scene.store.people, content, batch=2)

    assert untouched == before
    assert (expected.created, expected.updated, expected.unchanged) == (done.created, done.updated, done.unchanged)
    assert (expected.skipped, expected.rejected, expected.in_part) == (done.skipped, done.rejected, done.in_part)
    assert expected_rejects == rejects
    assert sorted(expected.repetitions.found(), key=str) == sorted(done.repetitions.found(), key=str)


def test_dry_run_sees_what_others_write_meanwhile(sql: Store) -> None:
    scene = Scene.create(sql, Mode.EMAIL_OR_ID)
    call = identify_call(reference("1"), {"plan": "x"}, by_import=True)

    with scene.store.people.dry_run(scene.workspace_id) as performer:
        scene.add("1", "a@x.com")
        [answer] = performer.perform(scene.workspace_id, [call], now=1)

    assert isinstance(answer, Outcome)
    assert answer.before is not None
    assert answer.before.email == "a@x.com"


def test_identifiers_that_moved_are_followed(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)
    scene.add("1", "a@x.com")
    cio_id = scene.find(id="1").cio_id  # type: ignore[union-attr]
    moved = identify_call(of(Kind.CIO_ID, cio_id), {"email": "b@x.com"}, update_only=True, by_import=True)
    freed = identify_call(of(Kind.EMAIL, "a@x.com"), {"plan": "new"}, by_import=True)
    named = identify_call(of(Kind.EMAIL, "b@x.com"), {"plan": "same"}, by_import=True)

    with scene.store.people.dry_run(scene.workspace_id) as performer:
        answers = [performer.perform(scene.workspace_id, [each], now=2)[0] for each in (moved, freed, named, freed)]

    assert [cio_id_of(each) == cio_id for each in answers] == [True, False, True, False]
    assert cio_id_of(answers[1]) == cio_id_of(answers[3])
    assert scene.find(email="b@x.com") is None


def test_errors_of_asks_are_given_back(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_OR_ID)

    def wrong(_: Mode) -> Call:
        raise InvalidInput("no such row")

    with scene.store.people.dry_run(scene.workspace_id) as performer:
        [error, fine] = performer.perform(scene.workspace_id, [wrong, partial(call_of, "1")], now=1)

    assert isinstance(error, InvalidInput)
    assert isinstance(fine, Outcome)


def test_rules_of_a_dry_run_are_those_in_force(store: Store) -> None:
    scene = Scene.create(store, Mode.ID_ONLY)

    with scene.store.people.dry_run(scene.workspace_id) as performer:
        assert performer.rules(scene.workspace_id).mode is Mode.ID_ONLY


def test_unknown_workspaces_have_no_dry_run(store: Store) -> None:
    with pytest.raises(NotFound), store.people.dry_run(99):
        pass


def test_full_disk_is_told(sql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene.create(sql, Mode.EMAIL_OR_ID)
    monkeypatch.setattr(dry_runs, "_SCHEMA", "SELECT nothing FROM nowhere")

    with (
        pytest.raises(InvalidInput, match=r"no room for temporary files: .* set SQLITE_TMPDIR"),
        scene.store.people.dry_run(scene.workspace_id),
    ):
        pass


def call_of(id_: str, mode: Mode) -> Call:
    return identify_call(reference_by_kind(id_, Kind.ID, mode), {})


def reference(id_: str) -> Reference:
    return of(Kind.ID, id_)


def of(kind: Kind, value: str) -> Reference:
    return reference_by_kind(value, kind, Mode.EMAIL_OR_ID)


def cio_id_of(answer: Answer) -> str | None:
    assert isinstance(answer, Outcome)
    return None if answer.person is None else answer.person.cio_id
