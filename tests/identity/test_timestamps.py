import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.timestamps import LATEST, seconds_of, whole_seconds_of


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [(None, None), ("", None), (0, 0), (17, 17), (17.5, 17.5), ("17", 17), ("017", 17), (10**400, 10**400)],
)
def test_numbers_and_digits_are_times(raw: object, seconds: float | None) -> None:
    assert seconds_of(raw, field="at") == seconds


@pytest.mark.parametrize(
    "raw", [-1, "-1", " 17", "1.5", "soon", True, float("nan"), float("inf"), [17], {}, "9" * 21, "\N{SUPERSCRIPT TWO}"]
)
def test_all_else_is_no_time(raw: object) -> None:
    with pytest.raises(InvalidInput, match="is no time: send Unix seconds") as caught:
        seconds_of(raw, field="at")

    assert caught.value.field == "at"


@pytest.mark.parametrize(("raw", "seconds"), [(None, None), (17.9, 17), ("17", 17), (LATEST, LATEST)])
def test_kept_times_are_whole(raw: object, seconds: int | None) -> None:
    assert whole_seconds_of(raw, field="at") == seconds


@pytest.mark.parametrize("raw", [LATEST + 1, "1700000000000", 10**400])
def test_milliseconds_are_no_seconds(raw: object) -> None:
    with pytest.raises(InvalidInput, match="beyond the year 9999: send seconds"):
        whole_seconds_of(raw, field="at")
