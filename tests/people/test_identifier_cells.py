"""Cells of identifiers: stripped, refused where a spreadsheet has made them, and named more than once."""

import pytest

from tests.people.scenes import Place
from workspace_operator.identity.rules import Kind, Mode

BLANKS = [" ", "\t", "\u00a0", "\u200b", "\ufeff", "\u2060", "\u3000", "\u00ad", "\u200e", " \u200b ", "\u200b \u00a0"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("mode", list(Mode))
def test_white_space_around_identifiers_is_no_part_of_them(blank: str, mode: Mode) -> None:
    place = Place.of(mode)
    place.take(f'id,email,plan\n"{blank}m-1{blank}","{blank}pia@example.com{blank}",gold\n')

    taken = place.take(f'email,id,plan\n"pia@example.com{blank}","{blank}m-1","{blank}silver"\n')

    assert taken.counts == (0, 1, 0, 0)
    [(id_, email, attributes)] = place.everybody()
    assert email == "pia@example.com"
    assert id_ == "m-1" or mode is Mode.EMAIL_ONLY
    assert attributes == {"plan": f"{blank}silver"}


def test_cio_ids_are_stripped_too() -> None:
    place = Place.of()
    place.take("id\n1\n")

    taken = place.take(f"cio_id,plan\n \u00a0cio_{place.known(id='1').cio_id}\u200b,pro\n")

    assert taken.counts == (0, 1, 0, 0)


@pytest.mark.parametrize("blank", BLANKS)
def test_identifiers_of_white_space_are_empty(blank: str) -> None:
    taken = Place.of().take(f'id,plan\n"{blank}",gold\n')

    assert taken.rejects.lines == {2: ("rejected", "The row names nobody: there is nothing in id.")}


@pytest.mark.parametrize(
    "cell",
    ["1.23457E+11", "1,23457E+11", "1E+12", "1e+12", "1.5E-05", "1.23457E11", "-4.2E+10", "1001.0", "1001.00", "7,0"],
)
@pytest.mark.parametrize("column", ["id", "cio_id"])
def test_numbers_that_a_program_has_changed_are_no_identifiers(cell: str, column: str) -> None:
    place = Place.of()

    taken = place.take(f'{column},email\n"{cell}",ana@example.com\n"{cell}",ben@example.com\n')

    assert taken.counts == (0, 0, 0, 2)
    assert taken.rejects.lines[2][1].startswith(f"{column} '{cell}' is a number that a ")
    assert place.everybody() == []


@pytest.mark.parametrize(
    "cell",
    ["#N/A", "#n/a", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#NV", "#BEZUG!", "#####", "Err:502"],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_errors_of_spreadsheets_are_no_identifiers(cell: str, mode: Mode) -> None:
    place = Place.of(mode)

    taken = place.take(f"id,email\n{cell},ana@example.com\n1,{cell}\n")

    assert taken.counts == (0, 0, 0, 2)
    assert taken.rejects.lines[2] == ("rejected", f"id '{cell}' is an error of a spreadsheet: write the id itself")
    assert taken.rejects.lines[3] == (
        "rejected",
        f"email '{cell}' is an error of a spreadsheet: write the email itself",
    )
    assert place.everybody() == []


@pytest.mark.parametrize(
    "cell", ["#1", "#anna", "E-5", "1e5", "12E", "1.2.0", "0", "00123", "1.5", "+49", "-", "Err", "#"]
)
def test_other_identifiers_are_taken(cell: str) -> None:
    taken = Place.of().take(f"id\n{cell}\n")

    assert taken.counts == (1, 0, 0, 0)


def test_people_named_more_than_once_are_counted_across_batches() -> None:
    place = Place.of()

    taken = place.take("id,email\n1,a@x.com\n2,b@x.com\n1,\n3,\n,B@x.com\n4,\n2,\n,nonsense\n", batch=2)

    assert sorted(each.lines for each in taken.summary.repetitions.found()) == [(2, 4), (3, 6, 8)]


def test_nobody_is_named_twice_by_rows_that_are_not_taken() -> None:
    taken = Place.of().take("id,plan\n1,a\n1,a,b\n2,b\n")

    assert list(taken.summary.repetitions.found()) == []


def test_many_people_are_told_apart() -> None:
    place = Place.of()
    rows = "".join(f"u{number},x\n" for number in range(3_000))

    taken = place.take(f"id,plan\n{rows}u17,y\nu2999,y\n", batch=1_000)

    assert [each.lines for each in sorted(taken.summary.repetitions.found(), key=lambda each: each.lines)] == [
        (19, 3_002),
        (3_001, 3_003),
    ]


@pytest.mark.parametrize("by", [Kind.ID, Kind.EMAIL])
def test_rows_by_one_identifier_only_are_checked_in_all(by: Kind) -> None:
    taken = Place.of().take("id,email\n1E+12,ana@example.com\n", by=by)

    assert taken.counts == (0, 0, 0, 1)


@pytest.mark.parametrize("cell", ["undefined", "NULL", "null", "[object Object]", "NaN", "None", "cio_77", "cio_"])
@pytest.mark.parametrize("mode", [Mode.EMAIL_OR_ID, Mode.ID_ONLY])
def test_placeholders_and_reserved_ids_reject_their_rows(cell: str, mode: Mode) -> None:
    place = Place.of(mode)

    taken = place.take(f"id,email\n{cell},ana@example.com\n1,ben@example.com\n")

    assert taken.counts == (1, 0, 0, 1)
    assert taken.rejects.lines[2][0] == "rejected"
    assert [id_ for id_, _, _ in place.everybody()] == ["1"]


@pytest.mark.parametrize("cell", ["<NA>", "NaT", "N/A", "n/a"])
def test_what_stands_for_a_missing_value_is_no_id(cell: str) -> None:
    place = Place.of(Mode.ID_ONLY)

    taken = place.take(f"id,email\n{cell},{cell}\nn-1,{cell}\n")

    assert taken.counts == (1, 0, 0, 1)
    assert taken.rejects.lines == {
        2: ("rejected", f"id '{cell}' is written where a value is missing: write the id itself")
    }
