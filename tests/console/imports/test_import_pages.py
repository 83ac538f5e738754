"""An import in the console, in four steps: file, columns, what would happen, result."""

import codecs

import pytest

from tests.console.cleanups.club import words_of
from tests.console.environment import HTML, hidden_fields, parsed
from tests.console.hostile import HOSTILE
from tests.console.imports.import_console import FILE, ImportConsole
from workspace_operator.console.pages.imports import files
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.imports.columns import MAX_CELL
from workspace_operator.imports.model import ImportState


def test_list_offers_a_file(console: ImportConsole) -> None:
    said = words_of(console.browser().get(console.path))

    assert "No imports yet." in said
    assert "File: CSV, up to 100 MB and 1,000 columns" in said


def test_file_leads_to_its_columns(console: ImportConsole) -> None:
    browser = console.browser()

    answer = console.upload(browser)
    page = browser.get(answer.headers["location"])

    said = words_of(page)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{console.path}/1")
    assert "people.csv: UTF-8, comma, 4 rows, header in line 1" in said
    assert "E-Mail ada@new.example, bo@club.example, eve@club.example 75 %" in said
    assert "skipped: names that begin with _ are reserved" in said
    chosen = [option.get("value") for option in parsed(page).iter(f"{HTML}option") if "selected" in option.attrib]
    assert chosen == ["email", "id", "attribute", "attribute", "", "ignore"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,name\n1,b\xe4r\n", "Line 2 is not UTF-8. In Excel: Save as > CSV UTF-8."),
        (b"PK\x03\x04", "This is an Excel workbook, not CSV."),
        (b"a,b\n1\n", "Line 2 has 1 cell, the header has 2."),
    ],
)
def test_refused_file_says_why(console: ImportConsole, content: bytes, message: str) -> None:
    answer = console.upload(console.browser(), content)

    assert answer.status_code == 422
    assert message in words_of(answer)
    assert "No imports yet." in words_of(answer)


def test_second_file_waits_for_the_first(console: ImportConsole) -> None:
    browser = console.browser()
    console.upload(browser)

    page, answer = browser.get(console.path), console.upload(browser)

    assert "Import 1 is under way, and a workspace has one at a time. Go on with it" in words_of(page)
    assert (answer.status_code, console.job.number) == (409, 1)
    assert "import 1 is Uploaded" in words_of(answer)


def test_column_of_addresses_that_is_lost_is_pointed_out(console: ImportConsole) -> None:
    browser = console.browser()
    console.upload(browser, "Kontakt,id\nada@new.example,m-1\n")

    assert "The column Kontakt contains e-mail addresses but is not imported as the e-mail address." in console.words()


def test_two_columns_for_one_target_are_refused(console: ImportConsole) -> None:
    browser = console.browser()
    console.upload(browser)

    answer = console.choose(browser, c2="email", update_only="1", empty_cells="remove", by="id")

    assert answer.status_code == 422
    assert "'E-Mail' and 'first_name' would both become email: ignore one" in words_of(answer)
    wrong = [each for each in parsed(answer).iter(f"{HTML}select") if each.get("aria-invalid")]
    assert [each.get("name") for each in wrong] == ["c2"]
    chosen = [option.get("value") for option in parsed(answer).iter(f"{HTML}option") if "selected" in option.attrib]
    assert chosen == ["email", "id", "email", "attribute", "id", "remove"]
    assert console.job.state is ImportState.UPLOADED


def test_nothing_that_names_people_is_refused(console: ImportConsole) -> None:
    browser = console.browser()
    console.upload(browser)

    answer = console.choose(browser, c1="ignore")

    assert answer.status_code == 422
    assert "the column id or cio_id, which identifies people, is missing" in words_of(answer)


def test_unknown_way_to_name_people_is_refused(console: ImportConsole) -> None:
    browser = console.browser()
    console.upload(browser)

    assert console.choose(browser, by="name").status_code == 400


def test_dry_run_shows_its_progress(console: ImportConsole) -> None:
    browser = console.browser()
    console.upload(browser)
    console.choose(browser)

    page, part = browser.get(console.one), browser.get(console.one, x_part="progress")

    assert "The rows are tried. Nothing is written." in words_of(page)
    assert "0 %, 0 of 4" in words_of(page)
    assert f'data-poll="{console.one}"' in part.text
    assert f'content="5; url={console.one}?refresh=1"' in page.text


def test_dry_run_says_what_would_happen(console: ImportConsole) -> None:
    console.tried()

    said = console.words()

    assert "1 created, 1 changed, 1 unchanged, 1 rejected Nothing was written." in said
    assert "Changes the address of 1 person." in said
    assert "2 m-1 email: ada@old.example → ada@new.example Notes: (no value) → new" in said
    assert "5 rejected The row identifies no person" in said
    assert "Import 4 rows" in said
    assert console.imports.env.find(id="m-3") is None


def test_columns_can_be_chosen_again(console: ImportConsole) -> None:
    browser = console.tried()

    page = browser.get(f"{console.one}/columns")
    console.choose(browser, c2="ignore")
    console.imports.work()

    assert "See what would happen" in words_of(page)
    assert console.job.mapping is not None
    assert console.job.mapping.targets[2] == "ignore"
    assert console.job.state is ImportState.CHECKED


def test_columns_of_an_import_that_ran_lead_to_its_result(console: ImportConsole) -> None:
    browser = console.imported()

    assert browser.get(f"{console.one}/columns").headers["location"] == console.one


def test_result_and_undo(console: ImportConsole) -> None:
    browser = console.imported()
    said = console.words()
    people = console.imports.people()
    console.act(browser, "undo")
    undoing = console.words()
    console.imports.work()

    assert "The import is done." in said
    assert "1 created, 1 changed, 1 unchanged, 1 rejected Imported by installation (root)," in said
    assert "Undo Possible until 2 April 2026." in said
    assert "If you undo now: 3 of 3 people restored completely, 0 partly, 0 not at all." in said
    assert len(people) == 3
    assert "The import is undone." in undoing
    assert "Undone: 3 people completely, 0 partly, 0 not at all." in console.words()
    assert [person.email for person in console.imports.people()] == ["ada@old.example", "bo@club.example"]


def test_undo_that_looked_at_a_part_says_so(console: ImportConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.pages.imports.results.MAX_FORECAST", 1)
    console.imported()

    assert (
        "1 of 1 person restored completely, 0 partly, 0 not at all. Only these were checked, out of 3"
        in console.words()
    )


def test_undo_that_has_ended(console: ImportConsole) -> None:
    console.imported()
    console.club.store.clock.advance(31 * 86_400)

    said = console.words()

    assert "It cannot be undone any more." in said
    assert "Undo this import" not in said
    assert "Download the rejected rows" not in said


def test_rows_are_not_imported_with_columns_that_somebody_else_chose(console: ImportConsole) -> None:
    browser = console.tried()
    form = hidden_fields(browser.get(console.one), "/run")
    console.choose(console.browser(), c2="ignore")
    console.imports.work()

    refused = browser.post(f"{console.one}/run", form)
    again = browser.post(f"{console.one}/run", hidden_fields(refused, "/run"))

    assert (refused.status_code, again.status_code) == (409, 303)
    assert "Somebody has chosen other columns since you opened this page, so nothing was imported." in words_of(refused)
    assert console.job.state is ImportState.RUNNING


def test_rejects_are_downloaded(console: ImportConsole) -> None:
    browser = console.tried("E-Mail,id,first_name,Notes,_line\n,,=1+1,lost,\n")

    answer = browser.get(f"{console.one}/rejects")

    assert answer.headers["content-disposition"] == 'attachment; filename="import-1.rejects.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(codecs.BOM_UTF8)
    assert answer.content.decode("utf-8-sig").splitlines() == [
        "_line,_outcome,_reason,email,id,first_name,Notes",
        "2,rejected,The row identifies no person: there is no value in id.,,,'=1+1,lost",
    ]
    assert console.imports.entries()[-1][:2] == ("downloaded", "import 1")


def test_more_rejects_than_a_page_shows(console: ImportConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace_operator.console.pages.imports.results.MAX_REJECTS", 1)
    console.tried(FILE + ",,a,b,\n,,c,d,\n")

    assert "and 2 more" in console.words()


def test_stop_and_discard(console: ImportConsole) -> None:
    browser = console.tried()
    console.act(browser, "run")
    console.act(browser, "stop")
    console.imports.work()
    stopped = console.words()
    console.tried()
    console.act(browser, "discard")

    assert "It was stopped: 0 of 4 rows were imported." in stopped
    assert "The import was discarded. Nothing was changed." in console.words()
    assert "rejected" not in console.words()
    said = words_of(browser.get(console.path))
    assert "Import 2 people.csv The import was discarded." in said
    assert "Import 1 people.csv The import is done. 0 created, 0 changed, 0 unchanged, 0 rejected" in said


def test_history_leads_to_the_import(console: ImportConsole) -> None:
    browser = console.imported()

    page = browser.get(f"/w/{console.club.workspace.workspace_id}/history")

    links = [each for each in parsed(page).iter(f"{HTML}a") if each.get("href") == console.one]
    assert ["".join(each.itertext()) for each in links] == ["import 1", "Undo…"]


def test_hostile_values_are_text_on_every_page(console: ImportConsole) -> None:
    values = [value for value in HOSTILE if "\n" not in value and "\r" not in value]
    quoted = ['"' + value.replace('"', '""')[:900] + '"' for value in values]
    header = ",".join(["id", *(f'"h{number} {cell[1:40].replace(chr(34), "")}"' for number, cell in enumerate(quoted))])
    browser = console.browser()
    answer = console.upload(browser, f"{header}\nm-1,{','.join(quoted)}\n,{','.join(quoted)}\n".encode())
    columns = browser.get(console.one)
    form = {f"c{index}": "attribute" for index in range(len(values) + 1)}
    chosen = console.choose(browser, **{**form, "c0": "id"})
    console.imports.work()
    pages = [columns, browser.get(console.one), browser.get(console.path)]

    assert (answer.status_code, chosen.status_code) == (303, 303), words_of(answer) + words_of(chosen)
    shown = {"".join(each.itertext()) for page in pages for each in parsed(page).iter(f"{HTML}bdi")}
    assert all(any(visible(value, limit=MAX_CELL)[:20] in text for text in shown) for value in values)
    assert not [each for page in pages for each in parsed(page).iter(f"{HTML}script") if not each.get("src")]
    assert all("\u202e" not in page.text for page in pages)


def test_form_without_a_token_imports_nothing(console: ImportConsole) -> None:
    answer = console.upload(console.browser(), token="wrong")

    assert answer.status_code == 403
    assert console.imports.imports.recent(1, limit=1) == []


def test_form_of_another_site_imports_nothing(console: ImportConsole) -> None:
    answer = console.upload(console.browser(), headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403
    assert console.imports.imports.recent(1, limit=1) == []


def test_file_of_somebody_who_is_signed_out_is_not_read(console: ImportConsole) -> None:
    answer = console.upload(console.club.console.browser(), b"x" * 5_000_000, token="none")

    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("body", [{"data": {"a": "b"}}, {"content": b"x", "headers": {"content-type": "text/csv"}}])
def test_other_bodies_are_refused(console: ImportConsole, body: dict[str, object]) -> None:
    browser = console.browser()

    answer = browser.send_form(console.path, **{"headers": {}, **body})  # type: ignore[arg-type]

    assert answer.status_code == 415


def test_list_is_bounded(console: ImportConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_IMPORTS", 1)
    browser = console.browser()
    for _ in range(2):
        console.upload(browser)
        console.act(browser, "discard")

    said = words_of(browser.get(console.path))

    assert "Import 2" in said
    assert "Import 1 people.csv" not in said
