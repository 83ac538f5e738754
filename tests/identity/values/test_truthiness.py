import pytest

from workspace_operator.identity.values.booleans import boolean_of


@pytest.mark.parametrize(
    "value", [True, 1, 1.0, "true", "TRUE", " True ", "1", "1.0", "\N{ZERO WIDTH SPACE}true\N{NO-BREAK SPACE}"]
)
def test_yes_is_true(value: object) -> None:
    assert boolean_of(value) is True


@pytest.mark.parametrize("value", [False, 0, 0.0, "false", "FALSE", " False\t", "0", "0.0"])
def test_no_is_false(value: object) -> None:
    assert boolean_of(value) is False


@pytest.mark.parametrize("value", [None, "", "yes", "no", "t", "unsubscribed", "x", 2, -1, 0.5, [], [True], {"a": 1}])
def test_all_else_is_neither(value: object) -> None:
    assert boolean_of(value) is None
