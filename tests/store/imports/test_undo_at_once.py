"""Whatever a file has: an import that is undone at once leaves the people as they were, and the database sound."""

import csv
import io
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from tests.store.imports.import_env import ImportEnv
from workspace_operator.identity.values.rules import CIO_ID, Mode
from workspace_operator.imports.model import ImportMapping, ImportState

ids = st.sampled_from(["", "m-1", "m-2", "m-3", "ada@club.example"])
emails = st.sampled_from(["", "ada@club.example", "BO@club.example", "bo@club.example", "broken@"])
texts = st.sampled_from(["", "gold", "silver", "1", "true", "1700000000"])
names = st.sampled_from(["plan", "created_at", "unsubscribed"])
people = st.lists(st.tuples(ids, emails, texts), max_size=4)
rows = st.lists(st.tuples(ids, emails, texts), min_size=1, max_size=8)


def file_of(name: str, cells: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([["id", "email", name], *cells])
    return text.getvalue()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mode=st.sampled_from(Mode),
    earlier=people,
    name=names,
    rows=rows,
    removes_empty=st.booleans(),
    batch=st.integers(1, 4),
)
def test_undo_at_once_is_as_if_nothing_was_imported(
    sql: Store,
    mode: Mode,
    earlier: Sequence[tuple[str, str, str]],
    name: str,
    rows: Sequence[tuple[str, str, str]],
    removes_empty: bool,
    batch: int,
) -> None:
    club = ImportEnv(WorkspaceEnv.create(sql, mode))
    columns = ("id", "email", "attribute" if name != "created_at" else name)
    if earlier:
        club.import_file(file_of(name, earlier), ImportMapping(targets=columns))
        club.env.store.clock.advance(60)
    before = club.people()
    mapping = ImportMapping(targets=columns, removes_empty=removes_empty)

    checked = club.check_file(file_of(name, rows), mapping)
    club.run()
    done = club.work(batch=batch)
    if done.people:
        club.undo()
        assert club.work(batch=batch).state is ImportState.UNDONE

    assert done.counts == checked.counts
    assert club.people() == before


def test_undo_of_addresses_that_rows_pass_on(sql: Store) -> None:
    """Corrections by cio_id, each of which takes the address that the row before gave away."""
    club = ImportEnv(WorkspaceEnv.create(sql, Mode.EMAIL_OR_ID))
    for number in range(6):
        club.env.add(f"m-{number}", f"p{number}@club.example")
    before = club.people()
    moved = [(person.cio_id, f"p{number - 1}@club.example") for number, person in enumerate(before)]
    file = "cio_id,email\n" + "".join(f"{cio_id},{email}\n" for cio_id, email in moved)
    club.import_file(file, ImportMapping(targets=("cio_id", "email"), by=CIO_ID, update_only=True), batch=2)
    emails = [person.email for person in club.people()]

    club.undo()
    job = club.work(batch=2)

    assert emails == [f"p{number - 1}@club.example" for number in range(6)]
    assert (job.state, job.undone) == (ImportState.UNDONE, 6)
    assert club.people() == before
