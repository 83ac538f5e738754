"""What the columns of a file become, and names that only look as if they had a meaning."""

import pytest

from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.csv_files.columns import parse_mapping
from workspace_operator.application.people.csv_files.reader import CsvOptions
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import Mode


def mapped(*options: str) -> CsvOptions:
    return CsvOptions(mapping=parse_mapping(options))


def refusal(content: str, *options: str) -> str:
    env = ImportEnv.of()
    with pytest.raises(InvalidInput) as refused:
        env.import_text(content, csv_options=mapped(*options))
    assert env.all_people() == []
    return str(refused.value)


def test_columns_are_reported_once() -> None:
    result = ImportEnv.of().import_text("_line,_reason,ID,First Name,email,_advice,Created_At\n2,x,1,Ana,a@x.com,y,\n")

    assert result.columns is not None
    assert list(result.columns.identifiers) == ["ID", "email"]
    assert list(result.columns.attributes) == ["First Name", "Created_At"]
    assert list(result.columns.ignored) == ["_line", "_reason", "_advice"]


def test_an_email_is_an_attribute_where_it_does_not_identify() -> None:
    result = ImportEnv.of(Mode.ID_ONLY).import_text("id,email,cio_id\n1,a@x.com,\n")

    assert result.columns is not None
    assert (list(result.columns.identifiers), list(result.columns.attributes)) == (["id", "cio_id"], ["email"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Email Address", "email"),
        ("E-Mail", "email"),
        ("e_mail", "email"),
        ("E Mail", "email"),
        ("EMAIL-ADDRESS", "email"),
        ("Email:", "email"),
        ("Mail", "email"),
        ("E-Mail-Adresse", "email"),
        ("Ｅｍａｉｌ", "email"),  # noqa: RUF001 - wide letters
        ("User ID", "id"),
        ("user_id", "id"),
        ("I.D.", "id"),
        ("Customer-ID", "id"),
        ("cio id", "cio_id"),
        ("CIO-ID", "cio_id"),
        ("Created At", "created_at"),
        ("createdAt", "created_at"),
        ("Unsubscribed", "unsubscribed"),
    ],
)
def test_names_that_are_nearly_known_are_refused_with_the_option(name: str, meant: str) -> None:
    known = {"email": "id", "id": "email"}.get(meant, "id")

    options = refusal(f"{known},{name}\n1,x\n")

    assert f"add --map '{name}={meant}' or --map '{name}=attribute'" in options


def test_all_nearly_known_names_are_reported_together() -> None:
    options = refusal("User ID,Email Address,Plan\n1,ana@example.com,gold\n")

    assert "'User ID=id'" in options
    assert "'Email Address=email'" in options


@pytest.mark.parametrize("name", ["Email opt in", "First Name", "mailing", "identity", "id_card", "Work Email", "Plan"])
def test_other_names_are_attributes(env: ImportEnv, name: str) -> None:
    env.import_text(f"id,{name}\n1,x\n")

    assert env.get(id="1").attributes == {name: "x"}


def test_a_mapping_says_what_columns_are(env: ImportEnv) -> None:
    content = "User ID;E-Mail;First Name;Notes;Mail\n1;ana@example.com;Ana;secret;post\n"
    options = ("User ID=id", "E-Mail=Email", "First Name=first_name", "Notes=ignore", "Mail=attribute")

    result = env.import_text(content, csv_options=mapped(*options))

    assert env.all_people() == [("1", "ana@example.com", {"first_name": "Ana", "Mail": "post"})]
    assert result.columns is not None
    assert list(result.columns.identifiers) == ["User ID (as id)", "E-Mail (as email)"]
    assert list(result.columns.attributes) == ["First Name (as first_name)", "Mail"]
    assert list(result.columns.ignored) == ["Notes"]


def test_rejects_of_a_mapped_file_import_without_the_mapping(env: ImportEnv) -> None:
    first = env.import_text("User ID,Plan,Notes\n,gold,x\n", csv_options=mapped("User ID=id", "Notes=ignore"))

    second = env.import_text(first.rejects.file.replace(b",gold", b"1,gold"))

    assert second.counts == (1, 0, 0, 0)
    assert env.all_people() == [("1", None, {"Plan": "gold"})]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("Email Address", "must be COLUMN=TARGET"),
        ("=email", "must be COLUMN=TARGET"),
        ("Email=", "must be COLUMN=TARGET"),
        ("Plan=_line", "must be COLUMN=TARGET"),
        ("Plan=E-Mail", "the target must be written email"),
    ],
)
def test_mappings_that_make_no_sense_are_refused(options: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_mapping([options])


def test_a_column_has_one_target() -> None:
    with pytest.raises(InvalidInput, match="two targets"):
        parse_mapping(["A=email", "A=id"])


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("id,Plan\n", "Plam=plan", "the column 'Plam' of --map does not exist; the file has 'id', 'Plan'"),
        ("id,A,A\n", "A=plan", "the column 'A' of --map exists more than once"),
        ("id,A,B\n", "A=B", "the column 'B' exists twice, as 'A' and 'B'; remove one, or add --map 'B=ignore'"),
        ("id,A\n", "A=id", "the column 'id' exists twice"),
    ],
)
def test_mappings_that_do_not_fit_the_file_are_refused(content: str, options: str, words: str) -> None:
    assert words in refusal(content, options)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("email\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\ufeffemail", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("e\u00admail", "U+00AD SOFT HYPHEN"),
        ("first\u00a0name", "U+00A0 NO-BREAK SPACE"),
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u3164", "U+3164 HANGUL FILLER"),
        ("a\x07b", "U+0007"),
        ("a\u2028b", "U+2028 LINE SEPARATOR"),
    ],
)
def test_invisible_characters_in_names_are_refused_by_name(name: str, title: str) -> None:
    options = refusal(f'id,"{name}"\n1,x\n')

    assert f"has an invisible character ({title})" in options


def test_a_mapping_names_columns_by_what_is_seen(env: ImportEnv) -> None:
    env.import_text("id,email\u200b,a\u00a0b\n1,a@x.com,x\n", csv_options=mapped("email=email", "a b=attribute"))

    assert env.all_people() == [("1", "a@x.com", {"a b": "x"})]


@pytest.mark.parametrize("content", ["id,plan,,\n1,gold,,\n2,free,,\n", "id,plan,\n1,gold,\n2,free,\n"])
def test_empty_columns_without_a_name_are_left_out(env: ImportEnv, content: str) -> None:
    result = env.import_text(content)

    assert result.counts == (2, 0, 0, 0)
    assert env.all_people() == [("1", None, {"plan": "gold"}), ("2", None, {"plan": "free"})]


def test_columns_without_a_name_that_hold_something_refuse_the_file() -> None:
    options = refusal(",id\n,1\n1,2\n")

    assert options == "line 1: column 1 has no name, and line 3 has '1' in it; name it or remove it"


def test_rows_that_end_in_a_delimiter_are_taken(env: ImportEnv) -> None:
    result = env.import_text("id,plan\n1,gold,\n2,free,,,\n3,x,,y\n")

    assert result.counts == (2, 0, 0, 1)
    assert result.rejects.lines[4][1] == "The row has 4 cells, the header has 2."


def test_columns_of_one_meaning_are_refused_with_the_way_out() -> None:
    content = "id,email,Email,plan\n1,a@x.com,,gold\n"

    options = refusal(content)
    result = ImportEnv.of().import_text(content, csv_options=mapped("Email=ignore"))

    assert "the column 'email' exists twice, as 'email' and 'Email'; remove one, or add --map 'Email=ignore'" in options
    assert result.counts == (1, 0, 0, 0)


def test_columns_of_ours_are_skipped(env: ImportEnv) -> None:
    ours = "_line,_outcome,_reason,_violations,_age_from,_shares_with,_advice"

    env.import_text(f"{ours},id,_mine\n{'x,' * 7}1,y\n")

    assert env.all_people() == [("1", None, {"_mine": "y"})]
