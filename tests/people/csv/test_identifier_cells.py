"""Cells of identifiers: stripped, refused where a spreadsheet has made them, and named more than once."""

import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.identity.values.rules import IdentifierKind, Mode

BLANKS = [" ", "\t", "\u00a0", "\u200b", "\ufeff", "\u2060", "\u3000", "\u00ad", "\u200e", " \u200b ", "\u200b \u00a0"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("mode", list(Mode))
def test_white_space_around_identifiers_is_no_part_of_them(env: ImportEnv, blank: str, mode: Mode) -> None:
    env.import_text(f'id,email,plan\n"{blank}m-1{blank}","{blank}pia@example.com{blank}",gold\n')

    result = env.import_text(f'email,id,plan\n"pia@example.com{blank}","{blank}m-1","{blank}silver"\n')

    assert result.counts == (0, 1, 0, 0)
    [(id_, email, attributes)] = env.all_people()
    assert email == "pia@example.com"
    assert id_ == "m-1" or mode is Mode.EMAIL_ONLY
    assert attributes == {"plan": f"{blank}silver"}


def test_cio_ids_are_stripped_too(env: ImportEnv) -> None:
    env.import_text("id\n1\n")

    result = env.import_text(f"cio_id,plan\n \u00a0cio_{env.get(id='1').cio_id}\u200b,pro\n")

    assert result.counts == (0, 1, 0, 0)


@pytest.mark.parametrize("blank", BLANKS)
def test_identifiers_of_white_space_are_empty(blank: str) -> None:
    result = ImportEnv.of().import_text(f'id,plan\n"{blank}",gold\n')

    assert result.rejects.lines == {2: ("rejected", "The row identifies no person: there is no value in id.")}


@pytest.mark.parametrize(
    "cell",
    ["1.23457E+11", "1,23457E+11", "1E+12", "1e+12", "1.5E-05", "1.23457E11", "-4.2E+10", "1001.0", "1001.00", "7,0"],
)
@pytest.mark.parametrize("column", ["id", "cio_id"])
def test_numbers_that_a_program_has_changed_are_no_identifiers(env: ImportEnv, cell: str, column: str) -> None:
    result = env.import_text(f'{column},email\n"{cell}",ana@example.com\n"{cell}",ben@example.com\n')

    assert result.counts == (0, 0, 0, 2)
    assert result.rejects.lines[2][1].startswith(f"{column} '{cell}' is a number that a ")
    assert env.all_people() == []


@pytest.mark.parametrize(
    "cell",
    ["#N/A", "#n/a", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#NV", "#BEZUG!", "#####", "Err:502"],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_errors_of_spreadsheets_are_no_identifiers(env: ImportEnv, cell: str) -> None:
    result = env.import_text(f"id,email\n{cell},ana@example.com\n1,{cell}\n")

    assert result.counts == (0, 0, 0, 2)
    assert result.rejects.lines[2] == (
        "rejected",
        f"id '{cell}' is an error value of a spreadsheet: write the id itself",
    )
    assert result.rejects.lines[3] == (
        "rejected",
        f"email '{cell}' is an error value of a spreadsheet: write the email itself",
    )
    assert env.all_people() == []


@pytest.mark.parametrize(
    "cell", ["#1", "#anna", "E-5", "1e5", "12E", "1.2.0", "0", "00123", "1.5", "+49", "-", "Err", "#"]
)
def test_other_identifiers_are_taken(cell: str) -> None:
    result = ImportEnv.of().import_text(f"id\n{cell}\n")

    assert result.counts == (1, 0, 0, 0)


def test_people_named_more_than_once_are_counted_across_batches(env: ImportEnv) -> None:
    result = env.import_text("id,email\n1,a@x.com\n2,b@x.com\n1,\n3,\n,B@x.com\n4,\n2,\n,nonsense\n", batch=2)

    assert sorted(result.summary.repetitions.found()) == [[2, 4], [3, 6, 8]]


def test_nobody_is_named_twice_by_rows_that_are_not_taken() -> None:
    result = ImportEnv.of().import_text("id,plan\n1,a\n1,a,b\n2,b\n")

    assert list(result.summary.repetitions.found()) == []


def test_many_people_are_distinguished(env: ImportEnv) -> None:
    rows = "".join(f"u{number},x\n" for number in range(3_000))

    result = env.import_text(f"id,plan\n{rows}u17,y\nu2999,y\n", batch=1_000)

    assert sorted(result.summary.repetitions.found()) == [[19, 3_002], [3_001, 3_003]]


@pytest.mark.parametrize("by", [IdentifierKind.ID, IdentifierKind.EMAIL])
def test_rows_by_one_identifier_only_are_checked_in_all(by: IdentifierKind) -> None:
    result = ImportEnv.of().import_text("id,email\n1E+12,ana@example.com\n", by=by)

    assert result.counts == (0, 0, 0, 1)


@pytest.mark.parametrize("cell", ["undefined", "NULL", "null", "[object Object]", "NaN", "None", "cio_77", "cio_"])
@pytest.mark.parametrize("mode", [Mode.EMAIL_OR_ID, Mode.ID_ONLY])
def test_placeholders_and_reserved_ids_reject_their_rows(env: ImportEnv, cell: str) -> None:
    result = env.import_text(f"id,email\n{cell},ana@example.com\n1,ben@example.com\n")

    assert result.counts == (1, 0, 0, 1)
    assert result.rejects.lines[2][0] == "rejected"
    assert [id_ for id_, _, _ in env.all_people()] == ["1"]


@pytest.mark.parametrize("cell", ["<NA>", "NaT", "N/A", "n/a"])
def test_what_stands_for_a_missing_value_is_no_id(cell: str) -> None:
    env = ImportEnv.of(Mode.ID_ONLY)

    result = env.import_text(f"id,email\n{cell},{cell}\nn-1,{cell}\n")

    assert result.counts == (1, 0, 0, 1)
    assert result.rejects.lines == {2: ("rejected", f"id '{cell}' marks a missing value: write the id itself")}
