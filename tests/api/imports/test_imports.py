"""Imports over the App API: a file is uploaded, its columns are chosen, it is tried, imported and undone."""

from typing import Any

import pytest

from tests.api.cleanups.cleanup_client import error_of
from tests.api.imports.import_client import FILE, ImportClient
from workspace_operator.application.imports import files
from workspace_operator.http_server import uploads
from workspace_operator.workspaces.app_keys import AppKeyMay

WRITES = ("mapping", "dry_run", "run", "stop", "undo", "discard")


def test_upload_answers_with_columns_and_guesses(shop: ImportClient) -> None:
    response = shop.upload()

    document = response.json()["import"]
    assert (response.status_code, document["number"], document["state"], document["rows"]) == (201, 1, "Uploaded", 3)
    assert [(each["name"], each["becomes"]) for each in document["columns"]] == [
        ("E-Mail", "email"),
        ("id", "id"),
        ("Notes", "attribute"),
        ("_line", "ignore"),
    ]
    assert document["columns"][0]["samples"] == ["ada@club.example", "bo@club.example"]


def test_import_from_the_file_to_the_undo(shop: ImportClient) -> None:
    checked = shop.checked()
    ran = shop.post("/v1/imports/1/run")
    shop.job.work()
    done = shop.read("/v1/imports/1")["import"]
    undone = shop.post("/v1/imports/1/undo")
    shop.job.work()

    assert (ran.status_code, undone.status_code) == (202, 202)
    assert [checked[name] for name in ("state", "made", "changed", "rejected", "addresses_changed")] == [
        "Checked",
        1,
        1,
        1,
        1,
    ]
    assert checked["changes"][0]["values"] == {
        "email": {"from": "ada@old.example", "to": "ada@club.example"},
        "Notes": {"from": None, "to": "new"},
    }
    assert (done["state"], done["undo"]) == ("Done", {"examined": 2, "whole": 2, "in_part": 0, "not": 0})
    assert shop.read("/v1/imports")["imports"][0]["state"] == "Undone"
    assert [person.email for person in shop.job.people()] == ["ada@old.example"]


def test_run_names_the_columns_that_were_seen(shop: ImportClient) -> None:
    seen = shop.checked()["mapping_version"]
    shop.post("/v1/imports/1/mapping", {"columns": ["email", "id", "ignore", "ignore"]})
    shop.post("/v1/imports/1/dry_run")
    shop.job.work()

    refused = shop.post("/v1/imports/1/run", {"mapping_version": seen})
    wrong = shop.post("/v1/imports/1/run", {"mapping_version": 7})
    now_seen = shop.read("/v1/imports/1")["import"]["mapping_version"]
    ran = shop.post("/v1/imports/1/run", {"mapping_version": now_seen})

    assert (refused.status_code, wrong.status_code, ran.status_code) == (409, 400, 202)
    assert error_of(refused) == "the columns of import 1 were chosen again in the meantime: check what would happen now"
    assert error_of(wrong) == "mapping_version is 7: send the text that the import has"


def test_rejects_are_a_file_that_can_be_imported(shop: ImportClient) -> None:
    shop.checked("id,plan\n=1+1,=2\n,gold\n")

    response = shop.get("/v1/imports/1/rejects")

    assert response.headers["content-disposition"] == 'attachment; filename="import-1.rejects.csv"'
    assert response.text.splitlines() == [
        "_line,_outcome,_reason,id,plan",
        "3,rejected,The row identifies no person: there is no value in id.,,gold",
    ]
    assert shop.job.entries()[-1] == ("downloaded", "import 1", {"rows": 1})


def test_rejects_have_no_formula_in_their_header(shop: ImportClient) -> None:
    shop.checked("id,=2+5\n,gold\n")

    response = shop.get("/v1/imports/1/rejects")

    assert response.text.splitlines()[0] == "_line,_outcome,_reason,id,'=2+5"


def test_no_rejects_before_a_dry_run(shop: ImportClient) -> None:
    shop.upload()

    assert shop.get("/v1/imports/1/rejects").status_code == 404


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,name\n1,a\n2,b\xe4r\n", "Line 3 is not UTF-8. In Excel: Save as > CSV UTF-8."),
        (b"PK\x03\x04rest", "This is an Excel workbook, not CSV."),
        (b"\xd0\xcf\x11\xe0rest", "This is an Excel workbook, not CSV."),
        ("id,name\n".encode("utf-16"), "This file is UTF-16, not UTF-8. In Excel: Save as > CSV UTF-8."),
        (b"id,a,b\n1,2\n", "Line 2 has 2 cells, the header has 3."),
        (b"id\n\n\n1\n2,3\n", "Line 5 has 2 cells, the header has 1."),
        (b"", "The file is empty."),
        (b"id,email\n", "The file has a header and no rows."),
        (b"id,,b\n1,,2\n3,x,4\n", "Line 3 has 'x' in a column without a name."),
        (b"x," * 1_000 + b"y\n", "The file has 1,001 columns, and up to 1,000 are possible."),
        (b'id,a\n1,"x\n2,y\n', "line 2: the row that starts here cannot be read"),
    ],
)
def test_refused_files(shop: ImportClient, content: bytes, message: str) -> None:
    response = shop.upload(content)

    assert response.status_code == 400
    assert error_of(response).startswith(message)
    assert shop.read("/v1/imports") == {"imports": []}


def test_file_that_is_too_large(shop: ImportClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1_000_000)

    response = shop.upload("id\n" + "1\n" * 1_000_000)

    assert error_of(response) == "The file has more than 1 MB. Split it into several files."


def test_body_that_is_too_large(shop: ImportClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 100_000)

    response = shop.upload("id\n" + "1\n" * 1_000_000)

    assert error_of(response) == "The upload has more than 100 MB. Split the file into several files."


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"json": {"file": "x"}}, "the body is not multipart/form-data with a boundary"),
        ({"data": {"a": "b"}, "files": {"c": (None, b"d")}}, "the form has no file"),
        ({"files": [("file", ("a", b"id\n1\n")), ("file", ("b", b"id\n1\n"))]}, "the form has more than one file"),
        ({"data": {"a": "b" * 5_000}, "files": {"file": ("a", b"id\n1\n")}}, "the field a has more than 4096 bytes"),
        ({"data": {"a": ["b"] * 30}, "files": {"file": ("a", b"id\n1\n")}}, "the form has more than 20 fields"),
        (
            {"content": b"nonsense", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            "the form is malformed",
        ),
        (
            {
                "content": b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nid\n1\n',
                "headers": {"content-type": "multipart/form-data; boundary=x"},
            },
            "the form ends within its file",
        ),
    ],
)
def test_bodies_that_are_no_form_with_a_file(shop: ImportClient, request_: dict[str, Any], message: str) -> None:
    response = shop.send_form(**request_)

    assert response.status_code == 400
    assert error_of(response).startswith(message)
    assert shop.read("/v1/imports") == {"imports": []}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"columns": ["id"]}, "there are 1 targets for 4 columns"),
        ({"columns": []}, "columns must be a list of 1 to 1000 texts"),
        ({"columns": ["id", 3, "x", "ignore"]}, "columns[1] is 3"),
        ({"columns": ["email", "email", "x", "ignore"]}, "'E-Mail' and 'id' would both become email: ignore one"),
        ({"columns": ["email", "id", "x", "line"]}, "column 4, '_line', can only be ignored"),
        ({"columns": ["email", "id", "_x", "ignore"]}, "'Notes' cannot become '_x'"),
        ({"columns": ["a", "b", "c", "ignore"]}, "the column id or cio_id, which identifies people, is missing"),
        ({"columns": ["email", "id", "x", "ignore"], "by": "email"}, "people of a workspace in mode IDOnly"),
        ({"columns": ["email", "id", "x", "ignore"], "by": "name"}, "by 'name' is unknown"),
        ({"columns": ["email", "id", "x", "ignore"], "update_only": 1}, "update_only is 1"),
        ({"columns": ["email", "id", "x", "ignore"], "empty_cells": "no"}, "empty_cells 'no' is unknown"),
    ],
)
def test_mappings_that_are_refused(shop: ImportClient, mapping: dict[str, Any], message: str) -> None:
    shop.upload()

    response = shop.post("/v1/imports/1/mapping", mapping)

    assert response.status_code == 400
    assert error_of(response).startswith(message)


def test_options_of_a_mapping_are_kept(shop: ImportClient) -> None:
    shop.upload()
    mapping = {
        "columns": ["email", "id", "remark", "ignore"],
        "by": "id",
        "update_only": True,
        "empty_cells": "remove",
    }

    response = shop.post("/v1/imports/1/mapping", mapping)

    assert response.json()["import"]["mapping"] == mapping
    assert response.json()["import"]["state"] == "Mapped"


def test_second_import_is_a_conflict_that_says_what_to_do(shop: ImportClient) -> None:
    shop.upload()

    response = shop.upload()

    assert response.status_code == 409
    assert error_of(response).endswith("one at a time: choose its columns, or discard it")
    assert shop.post("/v1/imports/1/discard").json()["import"]["state"] == "Discarded"
    assert shop.upload().status_code == 201


@pytest.mark.parametrize("action", ["run", "undo", "stop"])
def test_what_is_not_possible_yet_is_a_conflict(shop: ImportClient, action: str) -> None:
    shop.upload()

    assert shop.post(f"/v1/imports/1/{action}").status_code == 409


def test_running_import_is_stopped(shop: ImportClient) -> None:
    shop.checked()
    shop.post("/v1/imports/1/run")

    assert shop.post("/v1/imports/1/stop").status_code == 202
    assert shop.job.work().done == 0


def test_key_that_may_read_changes_nothing(shop: ImportClient) -> None:
    shop.upload()
    shop.may(AppKeyMay.READ)

    assert shop.upload().status_code == 403
    assert {shop.post(f"/v1/imports/1/{action}").status_code for action in WRITES} == {403}
    assert shop.read("/v1/imports/1")["import"]["state"] == "Uploaded"


def test_another_workspace_is_not_found(shop: ImportClient) -> None:
    shop.upload()
    other = ImportClient.of(shop.env.store)

    mapping = {"columns": ["email", "id", "x", "ignore"]}
    assert other.read("/v1/imports") == {"imports": []}
    assert {other.get(f"/v1/imports/1{path}").status_code for path in ("", "/rejects")} == {404}
    assert {other.post(f"/v1/imports/1/{action}", mapping).status_code for action in WRITES} == {404}
    assert other.upload(FILE).status_code == 201
