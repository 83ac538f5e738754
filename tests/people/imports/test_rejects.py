import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tests.people.fixtures import ImportEnv
from workspace_operator.identity.values.rules import IdentifierKind


def test_notes_stand_before_the_row() -> None:
    result = ImportEnv.of().import_text("id;plan\n;pro\n")

    assert result.rejects.text.getvalue() == (
        "_line,_outcome,_reason,id,plan\r\n2,rejected,The row identifies no person: there is no value in id.,,pro\r\n"
    )


def test_cells_stay_as_many_as_they_were() -> None:
    result = ImportEnv.of().import_text("id,a,b\n1,2\n1,2,3,4,5\n")

    rows = list(csv.reader(io.StringIO(result.rejects.text.getvalue())))
    assert [row[3:] for row in rows] == [["id", "a", "b"], ["1", "2"], ["1", "2", "3", "4", "5"]]


def test_corrected_rejects_import_as_they_are(env: ImportEnv) -> None:
    first = env.import_text("id,email,note\n,,'=1+1\n2,b@x.com,fine\n3,no address,-5\n")
    corrected = first.rejects.file.replace(b",,,", b",1,a@x.com,").replace(b"no address", b"c@x.com")

    second = env.import_text(corrected)

    assert (first.counts, first.summary.in_part) == ((2, 0, 0, 1), 1)
    assert (second.counts, second.summary.in_part) == ((1, 1, 0, 0), 0)
    assert sorted(env.all_people(), key=str) == [
        ("1", "a@x.com", {"note": "=1+1"}),
        ("2", "b@x.com", {"note": "fine"}),
        ("3", "c@x.com", {"note": "-5"}),
    ]


def test_rejects_of_rejects_name_their_own_lines(env: ImportEnv) -> None:
    first = env.import_text("id,plan\n1,a\n2,b\n,c\n")

    second = env.import_text(first.rejects.file)

    assert list(first.rejects.lines) == [4]
    assert list(second.rejects.lines) == [2]
    assert [name for name in second.rejects.rows[0] if name.startswith("_")] == ["_line", "_outcome", "_reason"]


CELLS = st.sampled_from(["", "1", "2", "3", "a@x.com", "b@x.com", "no address", "=1+1", "'=1+1", "x" * 151, "\0", "é"])
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12)


@given(ROWS, st.sampled_from([None, IdentifierKind.ID, IdentifierKind.EMAIL]), st.booleans())
def test_summary_and_rejects_account_for_all(
    rows: list[list[str]], by: IdentifierKind | None, update_only: bool
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["id", "email", "plan"], *rows])
    env = ImportEnv.of()
    env.import_text("id,email\n1,a@x.com\n")

    result = env.import_text(text.getvalue(), by=by, update_only=update_only)

    summary = result.summary
    assert summary.rows == sum(result.counts) == len(rows)
    assert len(result.rejects.rows) == summary.skipped + summary.rejected + summary.in_part
    assert all(row["_line"] and row["_outcome"] and row["_reason"] for row in result.rejects.rows)


@given(ROWS)
def test_import_again_changes_nobody(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["id", "email", "plan"], *rows])
    env = ImportEnv.of()
    env.import_text(text.getvalue())
    before = len(env.all_people())

    again = env.import_text(text.getvalue())

    assert again.summary.created == 0
    assert len(env.all_people()) == before
