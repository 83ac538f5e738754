import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tests.people.fixtures import ImportEnv
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import IdentifierKind, Mode

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(
    ["=1+1", "+49 30 1234", "-5", "@home", "\tx", "\rx", "a\r\nb", "''=x", "'", '"quoted"', "a;b", "x,y"]
)
PEOPLE = st.lists(st.tuples(VALUES, VALUES), max_size=6)


@given(PEOPLE)
def test_export_imports_as_the_same_people(values: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerow(["id", "email", "=name", "note"])
    csv.writer(text).writerows(
        [
            ("", f"{number}@x.com", *pair) if number % 3 else (f"u{number}", "", *pair)
            for number, pair in enumerate(values)
        ]
    )
    first, second = ImportEnv.of(), ImportEnv.of()
    assert first.import_text(text.getvalue().encode()).counts == (len(values), 0, 0, 0)

    result = second.import_text(first.export().encode())

    assert result.counts == (len(values), 0, 0, 0)
    assert second.all_people() == first.all_people()


def test_foreign_cio_ids_are_reported() -> None:
    first, second = ImportEnv.of(), ImportEnv.of()
    second.import_text("id\n0\n")
    first.import_text("id,plan\n1,a\n2,b\n")

    result = second.import_text(first.export())

    assert result.summary.in_part == 2
    assert {why for _, why in result.rejects.lines.values()} == {f"cio_id: {refusal_reasons.CIO_ID_IS_IMMUTABLE}"}


def test_export_changed_and_imported_by_cio_id(env: ImportEnv) -> None:
    env.import_text("id,email,plan\n1,a@x.com,a\n,b@x.com,b\n")
    changed = env.export().replace("a@x.com", "c@x.com")

    result = env.import_text(changed, by=IdentifierKind.CIO_ID, update_only=True)

    assert (result.counts, result.summary.in_part) == ((0, 2, 0, 0), 0)
    assert [email for _, email, _ in env.all_people()] == ["c@x.com", "b@x.com"]


def test_id_only_workspace_keeps_any_email() -> None:
    first, second = ImportEnv.of(Mode.ID_ONLY), ImportEnv.of(Mode.ID_ONLY)
    first.import_text("id,email\n1,same@x.com\n2,same@x.com\n3,no address\n")

    second.import_text(first.export())

    assert second.all_people() == first.all_people()


def test_wide_export_imports_again() -> None:
    first, second = ImportEnv.of(), ImportEnv.of()
    for number in range(4):
        names = [f"a{number}-{each}" for each in range(100)]
        first.import_text(f"id,{','.join(names)}\n{number}{',x' * 100}\n")

    result = second.import_text(first.export())

    assert result.counts == (4, 0, 0, 0)
    assert second.all_people() == first.all_people()
