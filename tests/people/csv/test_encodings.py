"""Files that are not UTF-8: refused as a whole, with the line and what to do; or read in the encoding that is named."""

import io

import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.csv_files.encoding import parse_encoding
from workspace_operator.application.people.csv_files.reader import CsvOptions
from workspace_operator.errors import InvalidInput

PEOPLE = "id,city\n1,Bonn\n2,Köln\n3,Ulm\n"
FILLER = "".join(f"{number},Bonn\r\n" for number in range(10, 200_000))


def refusal(content: bytes, encoding: str = "utf-8") -> str:
    env = ImportEnv.of()
    with pytest.raises(InvalidInput) as refused:
        env.import_text(content, csv_options=CsvOptions(encoding=encoding))
    assert refused.value.field == "file"
    assert env.all_people() == []
    return str(refused.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_other_encodings_refuse_the_file_with_the_line(end: str) -> None:
    options = refusal(PEOPLE.replace("\n", end).encode("latin-1"))

    assert options == (
        "line 3: the file is not UTF-8 here, and nothing was imported: save it as CSV UTF-8 or, if the word there is "
        "'Köln', add --encoding windows-1252"
    )


def test_the_line_is_found_in_a_large_file() -> None:
    content = f"id,city\r\n{FILLER}1,Köln\r\n".encode("cp1252")

    assert refusal(content).startswith(f"line {1 + 199_990 + 1}: ")


def test_one_bad_line_among_good_ones_is_not_taken_for_another_encoding() -> None:
    options = refusal("id,city\n1,Köln\n".encode() + b"2,M\xfcnchen\n")

    assert options.startswith("line 3: ")
    assert "--encoding" not in options
    assert "correct 'M\\\\xfcnchen'; the text before it is UTF-8" in options


def test_a_file_that_ends_inside_a_character_is_refused() -> None:
    assert refusal(b"id,city\n1,K\xc3").startswith("line 2: ")


@pytest.mark.parametrize(
    ("encoding", "option"),
    [("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")],
)
def test_utf_16_is_recognized_and_can_be_read(env: ImportEnv, encoding: str, option: str) -> None:
    assert refusal(PEOPLE.encode(encoding)) == (
        f"line 1: the file is UTF-16, not UTF-8: save it as CSV UTF-8, or add --encoding {option}"
    )
    env.import_text(
        PEOPLE.encode(encoding), csv_options=CsvOptions(encoding=parse_encoding(option, field="--encoding"))
    )
    assert env.get(id="2").attributes == {"city": "Köln"}


def test_byte_order_marks_of_utf_16_are_no_part_of_the_first_name(env: ImportEnv) -> None:
    env.import_text(b"\xff\xfe" + PEOPLE.encode("utf-16-le"), csv_options=CsvOptions(encoding="utf-16-le"))

    assert env.get(id="2").attributes == {"city": "Köln"}


@pytest.mark.parametrize("name", ["windows-1252", "latin-1", "ISO-8859-15", "cp850", "mac-roman"])
def test_files_are_read_in_the_encoding_that_is_named(env: ImportEnv, name: str) -> None:
    result = env.import_text(
        PEOPLE.encode(name), csv_options=CsvOptions(encoding=parse_encoding(name, field="--encoding"))
    )

    assert result.counts == (3, 0, 0, 0)
    assert env.get(id="2").attributes == {"city": "Köln"}


def test_what_is_not_of_the_named_encoding_is_refused() -> None:
    options = refusal(b"id,city\n1,K\x81ln\n", "cp1252")

    assert options == "line 2: 'K\\\\x81ln' is not cp1252, and nothing was imported: choose another --encoding"


def test_utf_8_is_never_read_as_something_else() -> None:
    assert refusal(PEOPLE.encode(), "cp1252") == "the file is UTF-8, not cp1252: omit --encoding"


def test_plain_ascii_fits_any_encoding() -> None:
    assert ImportEnv.of().import_text("id\n1\n", csv_options=CsvOptions(encoding="cp1252")).counts == (1, 0, 0, 0)


@pytest.mark.parametrize("name", ["nonsense", "rot13", "base64", "idna", "unicode_escape", "utf-7", "", "a\0b"])
def test_what_is_no_encoding_of_files_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"is not a file encoding: use one such as windows-1252"):
        parse_encoding(name, field="--encoding")


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "utf-8-sig"])
def test_utf_8_has_many_names(name: str) -> None:
    assert parse_encoding(name, field="--encoding") == "utf-8"


class Pipe(io.BytesIO):
    """What can be read only once."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError("a pipe")


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (
            b"id,city\n1,Bonn\n2,K\xc3\xb6ln\n3,M\xfcnchen\n",
            "utf-8",
            "line 4: the file is not UTF-8 here; the rows before it were imported: save it as CSV UTF-8 or, if the",
        ),
        (b"id,city\n1,Bonn\n2,Ulm\n3,K\x81ln\n", "cp1252", "the file is not cp1252: choose another --encoding"),
        (
            b'id,city\n1,Bonn\n2,Ulm\n3,"x\n',
            "utf-8",
            "every quote is closed. The rows before it were imported",
        ),
    ],
)
def test_pipes_are_read_until_what_cannot_be_read(env: ImportEnv, content: bytes, encoding: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        env.import_file(Pipe(content), csv_options=CsvOptions(encoding=encoding))

    assert words in str(refused.value)
    assert [id_ for id_, _, _ in env.all_people()] in (["1", "2"], [])


@pytest.mark.parametrize("content", [b"id,caf\xe9\n1,x\n", PEOPLE.encode("utf-16"), PEOPLE.encode("utf-16-le")])
def test_headers_of_pipes_are_checked(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="line 1: the file is"):
        ImportEnv.of().import_file(Pipe(content))


def test_rows_of_pipes_that_fill_columns_without_a_name_are_rejected(env: ImportEnv) -> None:
    result = env.import_file(Pipe(b"\xef\xbb\xbfid,,plan\n1,,a\n2,x,b\n3,c\n"))

    assert result.counts == (1, 0, 0, 2)
    assert result.rejects.lines[3][1] == "Column 2 has no name, and 'x' in this row."
    assert env.all_people() == [("1", None, {"plan": "a"})]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_without_the_byte_order_mark_of_its_encoding_is_refused(encoding: str) -> None:
    assert refusal(b"id,city\n1,Bonn\n2,Ulm\n3,Koeln\n", encoding).startswith("line 1: ")


def test_utf_16_without_a_byte_order_mark_says_what_to_name() -> None:
    options = refusal("id,city\n1,Köln\n".encode("utf-16-be"), "utf-16")

    assert "add --encoding utf-16-le or utf-16-be" in options
