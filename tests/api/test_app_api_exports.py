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

from tests.api.reading import BASE_URL, NOW, Desk
from workspace_operator.application.ports import ViolationRow
from workspace_operator.errors import NotFound, StoreUnavailable
from workspace_operator.identity.calls import identify_call
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.web import downloads

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


def link(desk: Desk, number: int = 1) -> str:
    url: str = desk.read(f"/v1/exports/{number}/download")["url"]
    assert url.startswith(f"{BASE_URL}/v1/downloads/")
    return url.removeprefix(BASE_URL)


def test_no_exports_are_null() -> None:
    assert Desk.of().read("/v1/exports") == {"exports": None}


def test_exports_are_listed_newest_first() -> None:
    desk = Desk.of()
    desk.put_export(row("01"))
    desk.put_export(row("01"), row("02"), number=2)

    newest, oldest = desk.read("/v1/exports")["exports"]

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


def test_export_is_read_by_its_number() -> None:
    desk = Desk.of()
    desk.put_export(row("01"))

    assert desk.read("/v1/exports/1")["export"]["total"] == 1


@pytest.mark.parametrize("number", ["2", "01", "one", "-1", "9" * 100, "%20"])
@pytest.mark.parametrize("path", ["/v1/exports/{}", "/v1/exports/{}/download"])
def test_unknown_export_is_not_found(number: str, path: str) -> None:
    desk = Desk.of()
    desk.put_export(row("01"))

    response = desk.get(path.format(number))

    assert response.status_code == 404
    assert "there is no export" in response.json()["errors"][0]["detail"]


def test_link_leads_to_the_csv() -> None:
    desk = Desk.of()
    desk.put_export(row("01"), row("02"))

    response = desk.get(link(desk), key="")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="export-1.csv"'
    assert [each["id"] for each in csv.DictReader(io.StringIO(response.text))] == ["id-01", "id-02"]


def put_people(desk: Desk, **attributes: dict[str, object]) -> None:
    """Make people with attributes, by their ids, and list them in an export."""
    asks = [
        identify_call(reference_by_kind(id_, Kind.ID, Mode.EMAIL_OR_ID), theirs) for id_, theirs in attributes.items()
    ]
    people = [outcome.person for outcome in desk.asked(*asks)]
    desk.put_export(*(row(person.cio_id) for person in people if person is not None))


def named_link(desk: Desk, **query: str) -> str:
    url: str = desk.read("/v1/exports/1/download", **query)["url"]
    return url.removeprefix(BASE_URL)


@pytest.mark.parametrize(
    ("query", "columns"),
    [({}, ["city", "name"]), ({"with": "visits, name"}, ["visits", "name"]), ({"with": ""}, [])],
)
def test_link_leads_to_the_attributes_that_it_names(query: dict[str, str], columns: list[str]) -> None:
    desk = Desk.of()
    put_people(desk, a={"name": "Ana", "city": "Köln", "visits": 3}, b={"name": "Ben", "city": "Bonn", "vip": True})

    response = desk.get(named_link(desk, **query), key="")

    header, first, *_ = csv.reader(io.StringIO(response.text))
    known = {"name": "Ana", "city": "Köln", "visits": "3"}
    assert header[7:] == columns
    assert first[7:] == [known[name] for name in columns]


def test_csv_for_excel_begins_with_a_byte_order_mark() -> None:
    desk = Desk.of()
    desk.put_export(row("01"))

    plain, marked = (desk.get(named_link(desk, for_excel=each), key="") for each in ("false", "true"))

    assert marked.content == codecs.BOM_UTF8 + plain.content


@pytest.mark.parametrize("query", [{"with": "email"}, {"for_excel": "yes"}])
def test_wrong_option_of_a_csv_is_refused(query: dict[str, str]) -> None:
    desk = Desk.of()
    desk.put_export(row("01"))

    response = desk.get("/v1/exports/1/download", **query)

    assert response.status_code == 400
    assert next(iter(query)) in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("end", ["", "?with=name,city", "?for_excel=true", "?with=name&for_excel=true"])
def test_link_shows_no_other_attributes_than_it_was_made_for(end: str) -> None:
    desk = Desk.of()
    desk.put_export(row("01"))
    path = named_link(desk, **{"with": "name"})

    changed = path.partition("?")[0] + end

    assert desk.get(path, key="").status_code == 200
    assert desk.get(changed, key="").status_code == 404


@pytest.mark.parametrize(("after", "status"), [(LIFETIME - timedelta(seconds=1), 200), (LIFETIME, 404)])
def test_link_works_for_fifteen_minutes(after: timedelta, status: int) -> None:
    desk = Desk.of()
    desk.put_export(row("01"))
    path = link(desk)

    desk.now = NOW + after

    assert desk.get(path).status_code == status


def test_link_dies_with_revoked_credentials() -> None:
    desk = Desk.of()
    desk.put_export(row("01"))
    path = link(desk)

    desk.credentials.revoke(desk.number)

    assert desk.get(path).status_code == 404


def test_link_of_a_rotated_key_works_for_its_grace_time() -> None:
    desk = Desk.of()
    desk.put_export(row("01"))
    path = link(desk)

    desk.rotate(grace=timedelta(minutes=5))

    assert desk.get(path).status_code == 200
    desk.now = NOW + timedelta(minutes=5)
    assert desk.get(path).status_code == 404


def test_link_to_an_export_that_is_gone_is_not_found() -> None:
    desk = Desk.of()
    desk.put_export(row("01"))
    path = link(desk)

    del desk.memory.room(desk.number).exports[1]

    assert desk.get(path).status_code == 404


def test_another_workspace_s_export_is_not_found() -> None:
    desk = Desk.of()
    other = Desk.of(beside=desk)
    other.put_export(row("01"))

    assert desk.read("/v1/exports") == {"exports": None}
    assert desk.get("/v1/exports/1").status_code == 404
    assert desk.get("/v1/exports/1/download").status_code == 404


@pytest.mark.parametrize("position", range(5))
def test_no_part_of_a_link_can_be_changed(position: int) -> None:
    desk = Desk.of()
    other = Desk.of(beside=desk)
    for each in (desk, other):
        each.put_export(row("01"))
        each.put_export(row("01"), number=2)
    parts = link(desk).rpartition("/")[2].split("-")

    changed = ["1" + each if place == position else each for place, each in enumerate(parts)]

    assert desk.get(f"/v1/downloads/{'-'.join(parts)}").status_code == 200
    assert desk.get(f"/v1/downloads/{'-'.join(changed)}").status_code == 404


def test_another_set_s_signature_opens_nothing() -> None:
    desk = Desk.of()
    other = Desk.of(beside=desk)
    desk.put_export(row("01"))
    ours = desk.credentials.sets(desk.number, now=NOW)[0]
    theirs = desk.credentials.sets(other.number, now=NOW)[0]
    claim = downloads.link(ours, 1, now=NOW).rpartition("-")[0]

    forged = f"{claim}-{downloads.link(theirs, 1, now=NOW).rpartition('-')[2]}"

    with pytest.raises(NotFound):
        downloads.opened(forged, desk.credentials, now=NOW)


@given(st.text() | st.from_regex(r"([0-9]{1,30}-){4}[0-9a-f]{64}", fullmatch=True) | st.from_regex(r"[-0-9٣]+"))
def test_made_up_link_opens_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        downloads.opened(text, Desk.of().credentials, now=NOW)


def test_csv_is_made_in_pieces() -> None:
    made = 0

    def lines() -> Iterator[str]:
        nonlocal made
        for _ in range(10_000):
            made += 1
            yield "x" * 99 + "\n"

    pieces = downloads.pieces(lines())
    first = next(pieces)

    assert downloads.PIECE_CHARACTERS <= len(first) < downloads.PIECE_CHARACTERS + 100
    assert made == len(first) // 100
    assert len(first) + sum(map(len, pieces)) == 1_000_000


def test_long_export_takes_no_more_memory_than_a_short_one() -> None:
    def peak(people: int) -> int:
        tracemalloc.start()
        reply = downloads.csv_reply((row(f"{number:06}") for number in range(people)), "export-1.csv")
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

    reply = downloads.csv_reply(rows(), "export-1.csv")
    assert isinstance(reply.document, Generator)
    next(reply.document)
    assert ended == []

    reply.document.close()

    assert ended == [True]


def test_lost_database_is_told_before_the_first_byte() -> None:
    def rows() -> Iterator[ViolationRow]:
        yield from iter(())
        raise StoreUnavailable("the database does not answer")

    with pytest.raises(StoreUnavailable):
        downloads.csv_reply(rows(), "export-1.csv")
