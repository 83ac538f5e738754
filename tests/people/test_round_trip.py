import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tests.people.scenes import Place
from workspace_operator.identity import reasons
from workspace_operator.identity.rules import Kind, Mode

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
    first, second = Place.of(), Place.of()
    assert first.take(text.getvalue().encode()).counts == (len(values), 0, 0, 0)

    taken = second.take(first.export().encode())

    assert taken.counts == (len(values), 0, 0, 0)
    assert second.everybody() == first.everybody()


def test_foreign_cio_ids_are_told() -> None:
    first, second = Place.of(), Place.of()
    second.take("id\n0\n")
    first.take("id,plan\n1,a\n2,b\n")

    taken = second.take(first.export())

    assert taken.summary.in_part == 2
    assert {why for _, why in taken.rejects.lines.values()} == {f"cio_id: {reasons.CIO_ID_IS_FIXED}"}


def test_export_changed_and_imported_by_cio_id() -> None:
    place = Place.of()
    place.take("id,email,plan\n1,a@x.com,a\n,b@x.com,b\n")
    changed = place.export().replace("a@x.com", "c@x.com")

    taken = place.take(changed, by=Kind.CIO_ID, update_only=True)

    assert (taken.counts, taken.summary.in_part) == ((0, 2, 0, 0), 0)
    assert [email for _, email, _ in place.everybody()] == ["c@x.com", "b@x.com"]


def test_id_only_workspace_keeps_any_email() -> None:
    first, second = Place.of(Mode.ID_ONLY), Place.of(Mode.ID_ONLY)
    first.take("id,email\n1,same@x.com\n2,same@x.com\n3,no address\n")

    second.take(first.export())

    assert second.everybody() == first.everybody()


def test_wide_export_imports_again() -> None:
    first, second = Place.of(), Place.of()
    for number in range(4):
        names = [f"a{number}-{each}" for each in range(100)]
        first.take(f"id,{','.join(names)}\n{number}{',x' * 100}\n")

    taken = second.take(first.export())

    assert taken.counts == (4, 0, 0, 0)
    assert second.everybody() == first.everybody()
