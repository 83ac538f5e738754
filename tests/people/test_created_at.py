import pytest

from tests.people.scenes import NOW, Place


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("1700000000", 1_700_000_000),
        (" 1700000000 ", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000),
        ("2023-11-14 22:13:20+00:00", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14T22:13:20.9Z", 1_700_000_000),
        ("2023-11-14", 1_699_920_000),
        ("0", 0),
    ],
)
def test_unix_and_iso_times_are_read(cell: str, seconds: int) -> None:
    place = Place.of()

    place.take(f"id,created_at\n1,{cell}\n")

    person = place.known(id="1")
    assert person.created_at == seconds
    assert person.attributes == {"created_at": str(seconds)}


@pytest.mark.parametrize("cell", ["yesterday", "14.11.2023", "1.5e9", "17000.5", "-5", "2023-13-01", "٣"])
def test_what_is_no_time_rejects_the_row(cell: str) -> None:
    place = Place.of()

    taken = place.take(f"id,created_at\n1,{cell}\n2,5\n")

    assert taken.counts == (1, 0, 0, 1)
    assert "is no time; use Unix seconds or 2026-01-31T12:00:00Z" in taken.rejects.lines[2][1]


@pytest.mark.parametrize("cell", ["1969-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9" * 30, ""])
def test_times_out_of_range_are_no_age(cell: str) -> None:
    place = Place.of()

    taken = place.take(f"id,created_at\n1,{cell}\n")

    assert taken.counts == (1, 0, 0, 0)
    assert place.known(id="1").created_at == NOW
