import pytest

from tests.people.fixtures import NOW, ImportEnv


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("1700000000", 1_700_000_000),
        (" 1700000000 ", 1_700_000_000),
        ("1700000000.0", 1_700_000_000),
        ("1700000000123", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000),
        ("2023-11-14 22:13:20+00:00", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14T22:13:20.9Z", 1_700_000_000),
        ("2023-11-14", 1_699_920_000),
        ("20231114", 1_699_920_000),
    ],
)
def test_times_are_read_and_kept_as_unix_seconds(env: ImportEnv, cell: str, seconds: int) -> None:
    result = env.import_text(f"id,created_at\n1,{cell}\n")

    person = env.get(id="1")
    assert (result.counts, result.rejects.lines) == ((1, 0, 0, 0), {})
    assert person.created_at == seconds
    assert person.attributes == {"created_at": str(seconds)}


def test_early_times_are_kept_as_they_are(env: ImportEnv) -> None:
    env.import_text("id,created_at\n1,1971-05-01 \n")

    person = env.get(id="1")
    assert (person.created_at, person.attributes) == (41_904_000, {"created_at": "1971-05-01"})


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("yesterday", "'yesterday'"),
        ("14.11.2023", "'14.11.2023'"),
        ("01/02/2024", "'01/02/2024'"),
        ("1.5e9", "'1.5e9'"),
        ("45322", "'45322'"),
        ("45322.5", "'45322.5'"),
        ("2024", "'2024'"),
        ("0", "'0'"),
        ("-5", "'-5'"),
        ("2023-13-01", "'2023-13-01'"),
        ("٣", "'٣'"),
        ("1969-01-01", "'1969-01-01'"),
        ("0001-01-01T00:00:00+14:00", "'0001-01-01T00:00:00+14:00'"),
        ("9" * 30, f"'{'9' * 30}'"),
    ],
)
def test_what_is_no_time_is_left_out(env: ImportEnv, cell: str, shown: str) -> None:
    env.import_text("id,created_at,plan\n1,2001-01-01,silver\n")

    result = env.import_text(f"id,created_at,plan\n1,{cell},gold\n2,{cell},gold\n")

    reason = f"created_at: {shown} is no time: send ISO 8601, such as 2026-01-31T12:00:00Z, or Unix seconds."
    assert result.counts == (1, 1, 0, 0)
    assert result.rejects.lines == {2: ("in part", reason), 3: ("in part", reason)}
    assert env.get(id="1").attributes == {"created_at": "978307200", "plan": "gold"}
    assert (env.get(id="2").created_at, env.get(id="2").attributes) == (NOW, {"plan": "gold"})


@pytest.mark.parametrize("cell", [str(NOW + 86_401), "9999-12-31T23:59:59Z"])
def test_future_is_left_out(env: ImportEnv, cell: str) -> None:
    result = env.import_text(f"id,created_at\n1,{cell}\n")

    assert result.counts == (1, 0, 0, 0)
    assert "is more than a day in the future" in result.rejects.lines[2][1]
    assert env.get(id="1").attributes == {}


def test_tomorrow_is_kept_and_no_age_yet(env: ImportEnv) -> None:
    result = env.import_text(f"id,created_at\n1,{NOW + 86_400}\n")

    assert (result.counts, result.rejects.lines) == ((1, 0, 0, 0), {})
    assert (env.get(id="1").created_at, env.get(id="1").attributes) == (NOW, {"created_at": str(NOW + 86_400)})
