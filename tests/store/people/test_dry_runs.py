"""The contract of `People.dry_run`: the results of `perform`, without writes."""

import io
from collections.abc import Sequence

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.people.csv_import import PeopleImport
from workspace_operator.application.people.import_options import ImportOptions
from workspace_operator.application.people.import_summary import ImportSummary
from workspace_operator.application.ports import UnitsOfWork
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.store.repositories import dry_runs


class ListRejects:
    """Rejects of an import."""

    def __init__(self) -> None:
        self.rows: list[Sequence[str]] = []

    def write(self, cells: Sequence[str]) -> None:
        self.rows.append(cells)


def take(
    env: WorkspaceEnv, units: UnitsOfWork, content: str, *, batch: int
) -> tuple[ImportSummary, list[Sequence[str]]]:
    rejects = ListRejects()
    run = PeopleImport(
        units=units,
        workspace_id=env.workspace_id,
        options=ImportOptions(),
        rejects=rejects,
        clock=lambda: 1_700_000_000,
        batch=batch,
    )
    return run.run(io.BytesIO(content.encode())), rejects.rows


def all_people(env: WorkspaceEnv) -> list[object]:
    return list(env.store.people.all(env.workspace_id))


@pytest.mark.parametrize("mode", list(Mode))
def test_dry_run_answers_as_the_import_does(store: Store, mode: Mode) -> None:
    env = WorkspaceEnv.create(store, mode)
    take(env, env.store.people, "id,email,plan\n1,a@x.com,p\n2,,q\n,c@x.com,r\n", batch=10)
    env.suppress(id="7")
    content = (
        "id,email,plan\n1,a@x.com,new\n3,d@x.com,x\n3,,y\n4,d@x.com,z\n2,b@x.com,p\n,b@x.com,again\n8,c@x.com,s\n"
        "7,g@x.com,x\n9,nonsense,x\n1,a@x.com,new\n,,\n"
    )
    before = all_people(env)

    with env.store.people.dry_run(env.workspace_id) as performer:
        expected, expected_rejects = take(env, performer, content, batch=2)
    untouched = all_people(env)
    done, rejects = take(env, env.store.people, content, batch=2)

    assert untouched == before
    assert (expected.created, expected.updated, expected.unchanged) == (done.created, done.updated, done.unchanged)
    assert (expected.skipped, expected.rejected, expected.in_part) == (done.skipped, done.rejected, done.in_part)
    assert expected_rejects == rejects
    assert sorted(expected.repetitions.found(), key=str) == sorted(done.repetitions.found(), key=str)


def test_dry_run_sees_what_others_write_meanwhile(sql: Store) -> None:
    env = WorkspaceEnv.create(sql, Mode.EMAIL_OR_ID)
    call = identify_from_fields(reference("1"), {"plan": "x"}, by_import=True)

    with env.store.people.dry_run(env.workspace_id) as performer:
        env.add("1", "a@x.com")
        [answer] = execute_commands(performer, env.workspace_id, [call], now=1)

    assert isinstance(answer, CommandResult)
    assert answer.before is not None
    assert answer.before.email == "a@x.com"


def test_identifiers_that_moved_are_followed(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    env.add("1", "a@x.com")
    cio_id = env.find(id="1").cio_id  # type: ignore[union-attr]
    moved = identify_from_fields(
        of(IdentifierKind.CIO_ID, cio_id), {"email": "b@x.com"}, update_only=True, by_import=True
    )
    freed = identify_from_fields(of(IdentifierKind.EMAIL, "a@x.com"), {"plan": "new"}, by_import=True)
    named = identify_from_fields(of(IdentifierKind.EMAIL, "b@x.com"), {"plan": "same"}, by_import=True)

    with env.store.people.dry_run(env.workspace_id) as performer:
        answers = [
            execute_commands(performer, env.workspace_id, [each], now=2)[0] for each in (moved, freed, named, freed)
        ]

    assert [cio_id_of(each) == cio_id for each in answers] == [True, False, True, False]
    assert cio_id_of(answers[1]) == cio_id_of(answers[3])
    assert env.find(email="b@x.com") is None


def test_errors_of_asks_are_given_back(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)

    wrong = InvalidInput("no such row")

    with env.store.people.dry_run(env.workspace_id) as performer:
        [error, fine] = execute_commands(
            performer, env.workspace_id, [wrong, identify_from_fields(reference("1"), {})], now=1
        )

    assert isinstance(error, InvalidInput)
    assert isinstance(fine, CommandResult)


def test_rules_of_a_dry_run_are_those_in_force(env: WorkspaceEnv) -> None:
    with env.store.people.dry_run(env.workspace_id) as performer:
        assert performer.rules(env.workspace_id).mode is Mode.ID_ONLY


def test_unknown_workspaces_have_no_dry_run(store: Store) -> None:
    with pytest.raises(NotFound), store.people.dry_run(99):
        pass


def test_full_disk_is_reported(sql: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    env = WorkspaceEnv.create(sql, Mode.EMAIL_OR_ID)
    monkeypatch.setattr(dry_runs, "_SCHEMA", "SELECT nothing FROM nowhere")

    with (
        pytest.raises(InvalidInput, match=r"cannot write temporary files: .* set SQLITE_TMPDIR"),
        env.store.people.dry_run(env.workspace_id),
    ):
        pass


def reference(id_: str) -> Reference:
    return of(IdentifierKind.ID, id_)


def of(kind: IdentifierKind, value: str) -> Reference:
    return reference_of_kind(value, kind, Mode.EMAIL_OR_ID)


def cio_id_of(answer: CommandResultOrError) -> str | None:
    assert isinstance(answer, CommandResult)
    return None if answer.person is None else answer.person.cio_id
