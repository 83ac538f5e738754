"""Exports read back by the App API, and the links to them (track-api.md §2)."""

import codecs
import csv
import io
import tracemalloc
from collections.abc import Generator, Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.app_api_client import BASE_URL, AppApiClient
from tests.api.threaded_server import NOW
from workspace_operator.application.ports import ViolationRow
from workspace_operator.errors import NotFound, StoreUnavailable
from workspace_operator.http_server.responses import CHUNK_CHARACTERS, chunks
from workspace_operator.identity.model.commands import identify_from_fields
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode
from workspace_operator.web.app_api import downloads

LIFETIME = timedelta(minutes=15)


def row(cio_id: str) -> ViolationRow:
    return ViolationRow(
        cio_id=cio_id,
        id=f"id-{cio_id}",
        email="no address",
        email_key=None,
        created_at=1_700_000_000,
        sharing=1,
        invalid_email=True,
        suppressed_email=False,
        id_is_another_email=False,
    )


def link(app_api: AppApiClient, **query: str) -> str:
    url: str = app_api.read("/v1/exports/1/download", **query)["url"]
    assert url.startswith(f"{BASE_URL}/v1/downloads/")
    return url.removeprefix(BASE_URL)


@pytest.fixture
def exporting(app_api: AppApiClient) -> AppApiClient:
    """A workspace with one export of one person."""
    app_api.put_export(row("01"))
    return app_api


def test_no_exports_are_null() -> None:
    assert AppApiClient.of().read("/v1/exports") == {"exports": None}


def test_exports_are_listed_newest_first(exporting: AppApiClient) -> None:
    exporting.put_export(row("01"), row("02"), number=2)

    newest, oldest = exporting.read("/v1/exports")["exports"]

    assert newest == {
        "id": 2,
        "type": "customers",
        "status": "done",
        "total": 2,
        "failed": False,
        "description": "EmailOrID is blocked",
        "created_at": int(NOW.timestamp()),
        "updated_at": int(NOW.timestamp()),
    }
    assert oldest["id"] == 1


def test_export_is_read_by_its_number(exporting: AppApiClient) -> None:
    assert exporting.read("/v1/exports/1")["export"]["total"] == 1


@pytest.mark.parametrize("number", ["2", "01", "one", "-1", "9" * 100, "%20"])
@pytest.mark.parametrize("path", ["/v1/exports/{}", "/v1/exports/{}/download"])
def test_unknown_export_is_not_found(exporting: AppApiClient, number: str, path: str) -> None:
    response = exporting.get(path.format(number))

    assert response.status_code == 404
    assert "there is no export" in response.json()["errors"][0]["detail"]


def test_link_leads_to_the_csv(app_api: AppApiClient) -> None:
    app_api.put_export(row("01"), row("02"))

    response = app_api.get(link(app_api), key="")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="export-1.csv"'
    assert [each["id"] for each in csv.DictReader(io.StringIO(response.text))] == ["id-01", "id-02"]


def put_people(app_api: AppApiClient, **attributes: dict[str, object]) -> None:
    """Make people with attributes, by their ids, and list them in an export."""
    commands = [
        identify_from_fields(reference_of_kind(id_, IdentifierKind.ID, Mode.EMAIL_OR_ID), theirs)
        for id_, theirs in attributes.items()
    ]
    people = [outcome.person for outcome in app_api.perform(*commands)]
    app_api.put_export(*(row(person.cio_id) for person in people if person is not None))


@pytest.mark.parametrize(
    ("query", "columns"),
    [({}, ["city", "name"]), ({"with": "visits, name"}, ["visits", "name"]), ({"with": ""}, [])],
)
def test_link_leads_to_the_attributes_that_it_names(
    app_api: AppApiClient, query: dict[str, str], columns: list[str]
) -> None:
    put_people(app_api, a={"name": "Ana", "city": "Köln", "visits": 3}, b={"name": "Ben", "city": "Bonn", "vip": True})

    response = app_api.get(link(app_api, **query), key="")

    header, first, *_ = csv.reader(io.StringIO(response.text))
    known = {"name": "Ana", "city": "Köln", "visits": "3"}
    assert header[7:] == columns
    assert first[7:] == [known[name] for name in columns]


def test_csv_for_excel_begins_with_a_byte_order_mark(exporting: AppApiClient) -> None:
    plain, marked = (exporting.get(link(exporting, for_excel=each), key="") for each in ("false", "true"))

    assert marked.content == codecs.BOM_UTF8 + plain.content


@pytest.mark.parametrize("query", [{"with": "email"}, {"for_excel": "yes"}])
def test_wrong_option_of_a_csv_is_refused(exporting: AppApiClient, query: dict[str, str]) -> None:
    response = exporting.get("/v1/exports/1/download", **query)

    assert response.status_code == 400
    assert next(iter(query)) in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("end", ["", "?with=name,city", "?for_excel=true", "?with=name&for_excel=true"])
def test_link_shows_no_other_attributes_than_it_was_made_for(exporting: AppApiClient, end: str) -> None:
    path = link(exporting, **{"with": "name"})

    changed = path.partition("?")[0] + end

    assert exporting.get(path, key="").status_code == 200
    assert exporting.get(changed, key="").status_code == 404


@pytest.mark.parametrize(("after", "status"), [(LIFETIME - timedelta(seconds=1), 200), (LIFETIME, 404)])
def test_link_works_for_fifteen_minutes(exporting: AppApiClient, after: timedelta, status: int) -> None:
    path = link(exporting)

    exporting.now = NOW + after

    assert exporting.get(path).status_code == status


def test_link_dies_with_revoked_credentials(exporting: AppApiClient) -> None:
    path = link(exporting)

    exporting.credentials.revoke(exporting.number)

    assert exporting.get(path).status_code == 404


def test_link_of_a_rotated_key_works_for_its_grace_time(exporting: AppApiClient) -> None:
    path = link(exporting)

    exporting.rotate(grace=timedelta(minutes=5))

    assert exporting.get(path).status_code == 200
    exporting.now = NOW + timedelta(minutes=5)
    assert exporting.get(path).status_code == 404


def test_link_to_an_export_that_is_gone_is_not_found(exporting: AppApiClient) -> None:
    path = link(exporting)

    del exporting.memory.state(exporting.number).exports[1]

    assert exporting.get(path).status_code == 404


def test_another_workspace_s_export_is_not_found(app_api: AppApiClient) -> None:
    other = AppApiClient.of(beside=app_api)
    other.put_export(row("01"))

    assert app_api.read("/v1/exports") == {"exports": None}
    assert app_api.get("/v1/exports/1").status_code == 404
    assert app_api.get("/v1/exports/1/download").status_code == 404


@pytest.mark.parametrize("position", range(5))
def test_no_part_of_a_link_can_be_changed(app_api: AppApiClient, position: int) -> None:
    other = AppApiClient.of(beside=app_api)
    for each in (app_api, other):
        each.put_export(row("01"))
        each.put_export(row("01"), number=2)
    parts = link(app_api).rpartition("/")[2].split("-")

    changed = ["1" + each if place == position else each for place, each in enumerate(parts)]

    assert app_api.get(f"/v1/downloads/{'-'.join(parts)}").status_code == 200
    assert app_api.get(f"/v1/downloads/{'-'.join(changed)}").status_code == 404


def test_another_set_s_signature_opens_nothing(app_api: AppApiClient) -> None:
    other = AppApiClient.of(beside=app_api)
    app_api.put_export(row("01"))
    ours = app_api.credentials.valid_sets(app_api.number, now=NOW)[0]
    theirs = app_api.credentials.valid_sets(other.number, now=NOW)[0]
    claim = downloads.sign(ours, 1, now=NOW).rpartition("-")[0]

    forged = f"{claim}-{downloads.sign(theirs, 1, now=NOW).rpartition('-')[2]}"

    with pytest.raises(NotFound):
        downloads.verify(forged, app_api.credentials, now=NOW)


@given(st.text() | st.from_regex(r"([0-9]{1,30}-){4}[0-9a-f]{64}", fullmatch=True) | st.from_regex(r"[-0-9٣]+"))
def test_made_up_link_opens_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        downloads.verify(text, AppApiClient.of().credentials, now=NOW)


def test_csv_is_made_in_pieces() -> None:
    made = 0

    def lines() -> Iterator[str]:
        nonlocal made
        for _ in range(10_000):
            made += 1
            yield "x" * 99 + "\n"

    pieces = chunks(lines())
    first = next(pieces)

    assert CHUNK_CHARACTERS <= len(first) < CHUNK_CHARACTERS + 100
    assert made == len(first) // 100
    assert len(first) + sum(map(len, pieces)) == 1_000_000


def test_long_export_takes_no_more_memory_than_a_short_one() -> None:
    def peak(people: int) -> int:
        tracemalloc.start()
        reply = downloads.csv_response((row(f"{number:06}") for number in range(people)), "export-1.csv")
        for _ in reply.document:
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1_000)

    assert peak(20_000) < 1.5 * peak(1_000)


def test_end_of_the_sending_ends_the_reading() -> None:
    ended = []

    def rows() -> Iterator[ViolationRow]:
        try:
            for number in range(100_000):
                yield row(f"{number:06}")
        finally:
            ended.append(True)

    reply = downloads.csv_response(rows(), "export-1.csv")
    assert isinstance(reply.document, Generator)
    next(reply.document)
    assert ended == []

    reply.document.close()

    assert ended == [True]


def test_lost_database_is_reported_before_the_first_byte() -> None:
    def rows() -> Iterator[ViolationRow]:
        yield from iter(())
        raise StoreUnavailable("the database does not answer")

    with pytest.raises(StoreUnavailable):
        downloads.csv_response(rows(), "export-1.csv")
