"""The parts of a rule as somebody sends them."""

import pytest

from workspace_operator.application.cleanups.rules import parse_rule
from workspace_operator.cleanups.rules import Rule, RuleAction
from workspace_operator.errors import InvalidInput

ACTION = {"action": "clearOthers"}


def test_action_alone_is_a_rule() -> None:
    assert parse_rule(ACTION) == Rule(action=RuleAction.CLEAR_OTHERS)


def test_all_parts() -> None:
    rule = parse_rule(
        {
            **ACTION,
            "max_people": 2,
            "equal_attributes": ["plan", "name", "plan"],
            "not_called_since": 0,
            "suffix": ".com",
        }
    )

    assert rule == Rule(
        action=RuleAction.CLEAR_OTHERS,
        max_people=2,
        equal_attributes=("plan", "name"),
        not_called_since=0,
        suffix=".com",
    )


def test_part_without_a_value_is_no_condition() -> None:
    none = dict.fromkeys(("max_people", "equal_attributes", "not_called_since", "suffix"))

    assert parse_rule({**ACTION, **none}) == Rule(action=RuleAction.CLEAR_OTHERS)


@pytest.mark.parametrize(
    ("suffix", "key"),
    [
        ("@Example.com", "@example.com"),
        (" @example.com ", "@example.com"),
        ("@bücher.example", "@xn--bcher-kva.example"),
        (".Example", ".example"),
        ("ada@Example.com", "ada@example.com"),
        ("", ""),
    ],
)
def test_suffix_is_that_of_the_key(suffix: str, key: str) -> None:
    assert parse_rule({**ACTION, "suffix": suffix}).suffix == key


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("action", None, "action null is unknown"),
        ("action", ["clearAll"], "is unknown: use one of"),
        ("max_people", 1, "max_people is 1: send a whole number from 2 to 1000000000"),
        ("max_people", 10**9 + 1, "max_people is 1000000001"),
        ("max_people", True, "max_people is true"),
        ("max_people", 2.0, "max_people is 2.0"),
        ("not_called_since", -1, "not_called_since is -1"),
        ("equal_attributes", "plan", "equal_attributes is 'plan': send a list"),
        ("equal_attributes", [1], "send a list of names of attributes"),
        ("equal_attributes", [""], "equal_attributes '' is no attribute"),
        ("equal_attributes", ["email"], "equal_attributes 'email' is no attribute"),
        ("equal_attributes", ["x" * 151], "has 151 bytes, 150 are allowed"),
        ("equal_attributes", ["a\0b"], "contains NUL"),
        ("equal_attributes", [str(number) for number in range(11)], "has 11 attributes, 10 are allowed"),
        ("suffix", 5, "suffix is 5: send the end of addresses"),
        ("suffix", "@", "suffix '@' is not the end of an address"),
        ("suffix", "@no dot", "is not the end of an address"),
        ("suffix", "x" * 255, "has 255 bytes, 254 are allowed"),
    ],
)
def test_wrong_part_is_refused(part: str, value: object, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_rule({**ACTION, part: value})

    assert message in str(caught.value)
    assert caught.value.field == part


def test_unknown_part_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'max_person' is no part of a rule"):
        parse_rule({**ACTION, "max_person": 2})


def test_error_has_the_name_that_the_sender_knows() -> None:
    with pytest.raises(InvalidInput, match=r"^--suffix '@'") as caught:
        parse_rule({**ACTION, "suffix": "@"}, {"suffix": "--suffix"})

    assert caught.value.field == "--suffix"
