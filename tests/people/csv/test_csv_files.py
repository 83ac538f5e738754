import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.csv_files.reader import (
    MAX_CELL_LENGTH,
    MAX_COLUMNS,
    MAX_HEADER_LENGTH,
    MAX_ROW_LENGTH,
)
from workspace_operator.application.people.import_options import EmptyCells
from workspace_operator.errors import InvalidInput


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_any_dialect_is_recognised(env: ImportEnv, delimiter: str, end: str, mark: bytes) -> None:
    rows = [("id", "email", "city"), ("1", "a@x.com", "Zürich"), ("2", "b@x.com", "Köln, NRW; D")]
    quoted = [delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows]

    result = env.import_text(mark + end.join(quoted).encode())

    assert result.counts == (2, 0, 0, 0)
    assert env.all_people() == [("1", "a@x.com", {"city": "Zürich"}), ("2", "b@x.com", {"city": "Köln, NRW; D"})]


def test_quoted_cells_may_hold_line_breaks(env: ImportEnv) -> None:
    result = env.import_text('id,note\n1,"one\ntwo\r\nthree"\n2,"say ""hi"""\n,x\n')

    assert [attributes for _, _, attributes in env.all_people()] == [
        {"note": "one\ntwo\r\nthree"},
        {"note": 'say "hi"'},
    ]
    assert list(result.rejects.lines) == [6]


def test_quoted_names_may_hold_line_breaks(env: ImportEnv) -> None:
    result = env.import_text('id,"a\nb"\n1,x\n,x\n')

    assert env.get(id="1").attributes == {"a\nb": "x"}
    assert list(result.rejects.lines) == [4]


def test_stray_quotes_in_names_are_names(env: ImportEnv) -> None:
    result = env.import_text('id,5" pipe\n1,x\n2,y\n')

    assert result.counts == (2, 0, 0, 0)
    assert env.get(id="2").attributes == {'5" pipe': "y"}


def test_known_names_match_whatever_their_case(env: ImportEnv) -> None:
    env.import_text("ID, Email ,Created_At,Plan\n1,a@x.com,1700000000,pro\n")

    person = env.get(id="1")
    assert (person.email, person.created_at) == ("a@x.com", 1_700_000_000)
    assert person.attributes == {"created_at": "1700000000", "Plan": "pro"}


def test_blank_lines_are_no_rows(env: ImportEnv) -> None:
    result = env.import_text("id,plan\n\n1,a\n\n\n,b\n\n")

    assert result.summary.rows == 2
    assert list(result.rejects.lines) == [6]


def test_one_column_is_enough(env: ImportEnv) -> None:
    result = env.import_text("email\na@x.com\nb@x.com")

    assert result.counts == (2, 0, 0, 0)


def test_header_alone_imports_nobody() -> None:
    assert ImportEnv.of().import_text("id,email\n").counts == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must start with a header"),
        (b"\n1,2\n", "must start with a header"),
        (b"name,plan\nx,y\n", "must be named id, email or cio_id; found 'name', 'plan'"),
        (b"id,Email,plan,email\n", "the column 'email' exists twice"),
        (b"id,plan,plan\n", "the column 'plan' exists twice"),
        (b"id,,plan\n1,x,y\n", "column 2 has no name"),
        (b"id,caf\xe9\n", "not UTF-8 here, and nothing was imported: save it as CSV UTF-8"),
        ("id,email\n1,a@x.com\n".encode("utf-16"), "save it as CSV UTF-8"),
        ("id,email\n1,a@x.com\n".encode("utf-16-le"), "save it as CSV UTF-8"),
        (b"id,pl\0an\n1,x\n", "the header contains NUL"),
        (b'id,"plan\n1,x\n', "check that every quote is closed"),
        (b"id," + b"x" * 151 + b"\n", "the name of column 2"),
        (b"id," + b"x" * MAX_HEADER_LENGTH, "the header is longer than"),
        (
            ",".join(["id", *(f"a{number}" for number in range(MAX_COLUMNS))]).encode(),
            "2001 columns, 2000 are allowed",
        ),
    ],
)
def test_bad_header_refuses_the_file(env: ImportEnv, content: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        env.import_text(content)

    assert str(refused.value).startswith("line 1: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert env.all_people() == []


@pytest.mark.parametrize("rest", ['"never closed\n4,x\n5,y\n', '"open\n4,x\n5,"y"\n'])
def test_unclosed_quote_refuses_the_file(env: ImportEnv, rest: str) -> None:
    with pytest.raises(InvalidInput, match=r"line 4: the row that starts here .* every quote is closed\. Nothing was"):
        env.import_text(f"id,plan\n1,a\n2,b\n3,{rest}")

    assert env.all_people() == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "cell",
    [
        "x" * (MAX_CELL_LENGTH + 1),
        '"' + "x,\n" * (MAX_CELL_LENGTH // 2) + '"',
        "x" * (MAX_ROW_LENGTH + 9),
        '"' + "x" * MAX_ROW_LENGTH,
    ],
)
def test_cell_that_is_too_large_rejects_its_row(env: ImportEnv, cell: str, end: str) -> None:
    result = env.import_text(f"id,plan\n1,a\n2,{cell}\n3,c\n".replace("\n", end))

    assert result.counts == (2, 0, 0, 1)
    [(line, (_, reason))] = result.rejects.lines.items()
    assert line == 3
    assert reason.startswith("A cell is too large: it has ")
    assert [id_ for id_, _, _ in env.all_people()] == ["1", "3"]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ('q-1,"19" screen', ["q-1", '"19" screen']),
        ('q-1,"19" screen, 20" too', ["q-1", '"19" screen', ' 20" too']),
        ('"q,1","a, b" c', ["q,1", '"a, b" c']),
        ('"say ""hi""","x"y', ['say "hi"', '"x"y']),
    ],
)
def test_rows_with_stray_quotes_go_to_the_rejects_as_they_are(env: ImportEnv, row: str, cells: list[str]) -> None:
    columns = ["id", *(f"a{number}" for number in range(len(cells) - 1))]

    result = env.import_text(f"{','.join(columns)}\n{row}\n")
    again = env.import_text(result.rejects.file)

    assert result.counts == (0, 0, 0, 1)
    assert [result.rejects.rows[0][name] for name in columns] == cells
    assert again.counts == (1, 0, 0, 0)
    assert list(env.all_people()[0][2].values()) == cells[1:]


def test_cells_that_hold_rows_are_reported() -> None:
    result = ImportEnv.of().import_text(
        'id,email,note\n1,a@x.com,"half\n2,b@x.com,x\n3,c@x.com,half"\n4,d@x.com,"fine, \nreally"\n'
    )

    assert result.counts == (2, 0, 0, 0)
    assert (result.summary.rows_in_cells, result.summary.first_rows_in_cells) == (1, 2)


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;", "sep=|", "sep=\t", "sep=^"])
def test_line_that_names_the_delimiter_is_skipped(env: ImportEnv, line: str) -> None:
    delimiter = line.strip('"')[4]

    result = env.import_text(f"{line}\r\nid;email;a,b\r\n1;a@x.com;x\r\n;;y\r\n".replace(";", delimiter))

    assert env.all_people() == [("1", "a@x.com", {"a,b": "x"})]
    assert list(result.rejects.lines) == [4]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"2,x,y", "The row has 3 cells, the header has 2."),
        (b"2", "The row has 1 cells, the header has 2."),
        (b'2,"a"b', 'The row has text after a closing quote; a quote in a cell is written "".'),
        (b"2,a\0b", "contains NUL"),
        (b"2," + b"x" * 1001, "1001 bytes, 1000 are allowed"),
        (b"x" * 151 + b",y", "151 bytes, 150 are allowed"),
        (b",x", "The row identifies no person"),
    ],
)
def test_bad_row_rejects_only_itself(env: ImportEnv, row: bytes, reason: str) -> None:
    result = env.import_text(b"id,plan\n1,a\n" + row + b"\n3,c\n")

    assert result.counts == (2, 0, 0, 1)
    [(line, (outcome, why))] = result.rejects.lines.items()
    assert (line, outcome) == (3, "rejected")
    assert reason in why


def test_wide_files_leave_empty_cells_out(env: ImportEnv) -> None:
    names = [f"a{number}" for number in range(400)]

    result = env.import_text(f"id,{','.join(names)}\n1,x,y{',' * 398}\n2{',x' * 301}{',' * 99}\n")

    assert result.counts == (1, 0, 0, 1)
    assert env.get(id="1").attributes == {"a0": "x", "a1": "y"}
    assert "301 attributes, 300 are allowed" in result.rejects.lines[3][1]


def test_wide_files_still_remove_attributes(env: ImportEnv) -> None:
    names = [f"a{number}" for number in range(400)]
    env.import_text("id,a1,a2\n1,x,y\n")

    env.import_text(f"id,{','.join(names)}\n1,z{',' * 399}\n", empty_cells=EmptyCells.REMOVE)

    assert env.get(id="1").attributes == {"a0": "z"}


@pytest.mark.parametrize("row", ['2, "gold"', ' "2",gold', '2,  "gold" '])
def test_space_before_a_quote_rejects_the_row(env: ImportEnv, row: str) -> None:
    result = env.import_text(f"id,plan\n1,silver\n{row}\n3,iron\n")

    assert result.counts == (2, 0, 0, 1)
    reason = "A cell has a space before its quote: write no space between the delimiter and the quote."
    assert result.rejects.lines == {3: ("rejected", reason)}


@pytest.mark.parametrize(("row", "value"), [('1," ""gold"""', ' "gold"'), ('1, say "hi"', ' say "hi"')])
def test_quotes_that_a_cell_holds_are_its_own(env: ImportEnv, row: str, value: str) -> None:
    assert env.import_text(f"id,plan\n{row}\n").counts == (1, 0, 0, 0)
    assert env.get(id="1").attributes == {"plan": value}


def test_space_before_a_quote_in_the_header_refuses_the_file() -> None:
    with pytest.raises(InvalidInput, match="line 1: a column has a space before its quote"):
        ImportEnv.of().import_text('"id", "plan"\n"1", "gold"\n')


def test_names_may_hold_what_is_a_space_before_a_quote_elsewhere(env: ImportEnv) -> None:
    assert env.import_text('id;note, "x"\n1;y\n').counts == (1, 0, 0, 0)
    assert env.get(id="1").attributes == {'note, "x"': "y"}
