import json
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W


@pytest.fixture(autouse=True)
def email_or_id(crm: Crm) -> None:
    crm()


def test_rejects_lie_beside_the_file(run: Run) -> None:
    Path("folder").mkdir()
    Path("folder/people.csv").write_text("id\n1\n \n")

    run("people", "import", "folder/people.csv", *W)

    rejects = Path("folder/people.rejects.csv")
    assert rejects.read_text().splitlines()[1].startswith("3,rejected,")
    assert rejects.stat().st_mode & 0o777 == 0o600


def test_import_without_rejects_leaves_no_file(run: Run) -> None:
    Path("people.csv").write_text("id\n1\n")
    Path("people.rejects.csv").write_text("_line,_outcome,_reason,id\n2,rejected,x,\n")

    run("people", "import", "people.csv", *W)

    assert not Path("people.rejects.csv").exists()


@pytest.mark.parametrize("workspace", ["default/other", "default/crm"])
def test_import_that_cannot_start_destroys_nothing(run: Run, workspace: str) -> None:
    Path("people.csv").write_text("name\n1\n")
    Path("people.rejects.csv").write_text("_line,_outcome,_reason,id\n")

    done = run("people", "import", "people.csv", "-w", workspace)

    assert (done.code, done.out) == (1, "")
    assert Path("people.rejects.csv").read_text() == "_line,_outcome,_reason,id\n"


def test_rejects_never_replace_the_input(run: Run) -> None:
    Path("people.csv").write_text("id\n \n")
    Path("link.csv").symlink_to("people.csv")

    done = run("people", "import", "people.csv", *W, "--rejects", "link.csv")

    assert done.error == "error: link.csv is the file to import: choose another file with --rejects"
    assert Path("people.csv").read_text() == "id\n \n"


def test_rejects_can_go_to_a_device(run: Run) -> None:
    Path("people.csv").write_text("id\n1\n \n")

    done = run("people", "import", "people.csv", *W, "--rejects", "/dev/null")

    assert done.code == 3
    assert Path("/dev/null").is_char_device()


def test_bad_file_is_named_with_its_line(run: Run) -> None:
    Path("people.csv").write_text("name,plan\nx,y\n")

    done = run("people", "import", "people.csv", *W)

    assert done.failure == (
        "error: people.csv, line 1: one column must be named id, email or cio_id; found 'name', 'plan'"
    )


def test_import_options_reach_the_rows(run: Run) -> None:
    people(run, "id,email\n1,a@x.com\n")
    Path("more.csv").write_text("id,email,plan\n,a@x.com,pro\n,b@x.com,pro\n")

    done = run("people", "import", "more.csv", *W, "--by", "email", "--update")

    assert "2 rows: 0 created, 1 updated, 1 skipped, 0 rejected\n" in done.out


def people(run: Run, text: str) -> None:
    Path("people.csv").write_text(text)
    assert run("people", "import", "people.csv", *W).code == 0


def shown(run: Run, *named: str) -> dict[str, object]:
    done = run("people", "show", *W, *named)
    assert done.code == 0, done.err
    person: dict[str, object] = json.loads(done.out)
    return person


def test_person_is_found_by_any_name(run: Run) -> None:
    people(run, "id,email,plan,created_at\n1,A@x.com,pro,1700000000\n")

    person = shown(run, "1")

    cio_id = str(person["cio_id"])
    names = (("--id", "1"), ("--email", "a@X.com"), ("--cio-id", cio_id), ("a@x.com",), (f"cio_{cio_id}",))
    assert all(shown(run, *named) == person for named in names)
    assert person == {
        "cio_id": cio_id,
        "id": "1",
        "email": "A@x.com",
        "created_at": 1_700_000_000,
        "attributes": {"plan": "pro", "created_at": "1700000000"},
    }


def test_bare_address_is_an_id_in_id_only(run: Run, crm: Crm) -> None:
    crm("IDOnly", "id,email\na@x.com,b@x.com\n")

    assert shown(run, "a@x.com")["id"] == "a@x.com"
    assert run("people", "show", *W, "b@x.com").error == "error: no person in default/crm has the id b@x.com"


def test_deleted_person_is_gone(run: Run) -> None:
    people(run, "id,email\n1,a@x.com\n")

    done = run("people", "delete", *W, "a@x.com")

    assert (done.code, done.out) == (0, "email a@x.com deleted\n")
    assert run("people", "show", *W, "1").code == 1
    assert run("people", "delete", *W, "1").error == "error: no person in default/crm has the id 1"
    people(run, "id,email\n1,a@x.com\n")


def test_suppressed_person_stays_away(run: Run) -> None:
    people(run, "id,email\n1,a@x.com\n")

    done = run("people", "suppress", *W, "--id", "1")

    assert (done.code, done.out) == (0, "id 1 suppressed\n")
    Path("again.csv").write_text("id,email\n1,\n,a@x.com\n")
    assert (
        run("people", "import", "again.csv", *W)
        .out.splitlines()[1]
        .startswith("2 rows: 0 created, 0 updated, 2 skipped")
    )
    assert run("people", "suppress", *W, "1").error == "error: id 1 is already suppressed"


def test_unsuppressing_frees_both_identifiers(run: Run) -> None:
    people(run, "id,email\n1,a@x.com\n")
    run("people", "suppress", *W, "1")

    done = run("people", "unsuppress", *W, "a@x.com")

    assert (done.code, done.out) == (0, "email a@x.com no longer suppressed\n")
    people(run, "id,email\n1,a@x.com\n")
    assert run("people", "unsuppress", *W, "1").error == "error: id 1 is not suppressed"


def test_bare_address_is_suppressed_in_id_only(run: Run, crm: Crm) -> None:
    crm("IDOnly", "id,email\n1,a@x.com\n")

    assert run("people", "suppress", *W, "a@x.com").out == "email a@x.com suppressed\n"
    assert run("people", "suppress", *W, "joe@").out == "id joe@ suppressed\n"
    assert run("people", "unsuppress", *W, "--email", "A@x.com").out == "email A@x.com no longer suppressed\n"
    assert shown(run, "1")["email"] == "a@x.com"


def test_suppressing_by_cio_id_needs_the_person(run: Run) -> None:
    people(run, "id\n1\n")
    cio_id = str(shown(run, "1")["cio_id"])

    assert run("people", "suppress", *W, "--cio-id", cio_id).code == 0
    assert run("people", "suppress", *W, "--cio-id", cio_id).error.endswith(f"has the cio_id {cio_id}")
    assert run("people", "unsuppress", *W, "--cio-id", cio_id).error == (
        "error: a cio_id cannot be suppressed: give the id or the email"
    )


@pytest.mark.parametrize("command", ["show", "delete", "suppress", "unsuppress"])
@pytest.mark.parametrize("named", [(), ("1", "--id", "1"), ("--id", "1", "--email", "a@x.com")])
def test_one_person_must_be_named(run: Run, command: str, named: tuple[str, ...]) -> None:
    done = run("people", command, *W, *named)

    assert done.code == 64
    assert "name one person: VALUE, or one of --id, --email and --cio-id" in done.err


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (("--email", "nonsense"), "--email 'nonsense' is not a valid email address"),
        (("--id", " "), "--id is empty"),
        (("--id", "x" * 151), "151 bytes, 150 are allowed"),
        (("--cio-id", "cio_"), "--cio-id is empty"),
        (("",), "VALUE is empty"),
    ],
)
def test_names_that_cannot_be_are_reported(run: Run, named: tuple[str, ...], words: str) -> None:
    done = run("people", "show", *W, *named)

    assert words in done.failure


def test_email_names_nobody_in_id_only(run: Run, crm: Crm) -> None:
    crm("IDOnly")

    done = run("people", "show", *W, "--email", "a@x.com")

    assert "--email: email is no identifier in mode IDOnly: use one of cio_id, id" in done.error


def test_export_can_be_imported_elsewhere(run: Run) -> None:
    people(run, 'id,email,plan,note\n1,a@x.com,=1+1,"two\nlines"\n,b@x.com,-5,\n')
    before = run("people", "export", *W).out

    assert run("people", "export", *W, "-o", "out.csv").err == "2 people written to out.csv\n"
    done = run("people", "import", "out.csv", *W, "--by", "cio_id", "--update")

    assert Path("out.csv").read_bytes().decode() == before
    assert done.out.endswith("\n2 rows: 0 created, 2 updated (2 of them unchanged), 0 skipped, 0 rejected\n")
    assert run("people", "export", *W).out == before
    assert "'=1+1" in before


@pytest.mark.parametrize("name", ["crm", "/crm", "default/", "a/b/c"])
def test_malformed_workspace_is_a_usage_error(run: Run, name: str) -> None:
    done = run("people", "export", "-w", name)

    assert done.code == 64
    assert "must be NAMESPACE/NAME, such as default/crm" in done.err


@pytest.fixture
def club(run: Run, crm: Crm) -> None:
    """People of a workspace in which an email is no identifier."""
    crm("IDOnly")
    rows = "1,ana@x.com,Köln,3\n2,Ana@X.com,Bonn,\n3,not an address,Altköln,\n4,bo@x.com,,\n"
    Path("club.csv").write_text(f"id,email,city,visits\n{rows}")
    assert run("people", "import", "club.csv", *W).code == 0


@pytest.mark.usefixtures("club")
@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["ANA@x.com"], ["1", "2"]),
        (["ana"], ["1", "2"]),
        (["3"], ["3"]),
        (["köln", "--attribute", "city"], ["1", "3"]),
        (["3", "--attribute", "visits"], ["1"]),
        (["ADDRESS", "--attribute", "email"], ["3"]),
        (["a", "--attribute", "email", "--limit", "1"], ["1"]),
    ],
)
def test_people_are_found(run: Run, words: list[str], ids: list[str]) -> None:
    done = run("people", "find", *words, *W)

    assert done.code == 0
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ids


@pytest.mark.usefixtures("club")
def test_person_is_found_by_cio_id(run: Run) -> None:
    [first, *_] = json.loads(run("people", "find", "ana", *W, "-o", "json").out)

    found = json.loads(run("people", "find", f"cio_{first['cio_id']}", *W, "-o", "json").out)

    assert found == [first]


@pytest.mark.usefixtures("club")
def test_attribute_stands_beside_who_has_it(run: Run) -> None:
    header, row = run("people", "find", "bonn", "--attribute", "city", *W).out.splitlines()

    assert header.split() == ["CIO_ID", "ID", "EMAIL", "CITY"]
    assert row.split()[1:] == ["2", "Ana@X.com", "Bonn"]


@pytest.mark.usefixtures("club")
@pytest.mark.parametrize("words", [["Ana@y.com"], ["Hamburg", "--attribute", "city"], ["ana", "--attribute", "name"]])
def test_nobody_found_is_reported(run: Run, words: list[str]) -> None:
    done = run("people", "find", *words, *W)

    assert done.failure.startswith("error: no person in default/crm has ")


@pytest.mark.usefixtures("club")
@pytest.mark.parametrize("text", ["", " ", "a\0b", "x" * 1001])
def test_text_that_nobody_can_have_is_refused(run: Run, text: str) -> None:
    done = run("people", "find", text, *W)

    assert "TEXT" in done.failure


@pytest.mark.usefixtures("club")
def test_more_people_than_are_shown_are_reported(run: Run) -> None:
    done = run("people", "find", "ana", "--limit", "1", *W)

    assert done.err == "there are more people than the first 1: give a longer TEXT, or a higher --limit\n"
