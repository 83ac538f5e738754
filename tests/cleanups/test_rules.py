"""Rules: the conditions and actions of cleanups §5."""

import pytest

from tests.docs.pages import rows
from tests.identity.builders import person
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, merge_into
from workspace_operator.cleanups.rules import Rule, RuleAction

KEY = "ada@example.com"
OLD = person("p2", "m-2", KEY, inserted_at=100, name="Ada", plan="gold")
YOUNG = person("p1", "m-1", KEY, inserted_at=200, name="Ada", plan="silver")
YOUNGEST = person("p3", "m-3", KEY, inserted_at=300, name="Ada")
GROUP = [YOUNG, OLD, YOUNGEST]

ACTIONS: dict[RuleAction, dict[str, Decision]] = {
    RuleAction.MERGE_INTO_OLDEST: {"p2": KEEP, "p1": merge_into("p2"), "p3": merge_into("p2")},
    RuleAction.MERGE_INTO_NEWEST: {"p3": KEEP, "p1": merge_into("p3"), "p2": merge_into("p3")},
    RuleAction.CLEAR_OTHERS: {"p2": KEEP, "p1": CLEAR, "p3": CLEAR},
    RuleAction.CLEAR_ALL: {"p2": CLEAR, "p1": CLEAR, "p3": CLEAR},
    RuleAction.DELETE_OTHERS: {"p2": KEEP, "p1": DELETE, "p3": DELETE},
}


@pytest.mark.parametrize("action", list(RuleAction))
def test_action(action: RuleAction) -> None:
    assert Rule(action=action).decide(GROUP) == ACTIONS[action]


def test_actions_are_those_of_the_page() -> None:
    in_page = [name.strip(" `") for row in rows("docs/spec/cleanups.md", "action") for name in row[0].split(",")]

    assert in_page == [action.value for action in RuleAction]


def rule(**condition: object) -> Rule:
    return Rule(action=RuleAction.CLEAR_OTHERS, **condition)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({}, True),
        ({"max_people": 3}, True),
        ({"max_people": 2}, False),
        ({"equal_attributes": ("name",)}, True),
        ({"equal_attributes": ("name", "plan")}, False),
        ({"equal_attributes": ("missing",)}, True),
        ({"suffix": "@example.com"}, True),
        ({"suffix": "@example.org"}, False),
        ({"not_called_since": 50}, False),
        ({"not_called_since": 51}, True),
    ],
)
def test_condition(condition: dict[str, object], applies: bool) -> None:
    assert rule(**condition).applies(KEY, GROUP, {"p1": 50}) is applies


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({}, True),
        ({"max_people": 7000}, True),
        ({"max_people": 6999}, False),
        ({"suffix": "@example.org"}, False),
        ({"equal_attributes": ("name",)}, False),
        ({"not_called_since": 1}, False),
    ],
)
def test_condition_on_a_group_of_any_people(condition: dict[str, object], applies: bool) -> None:
    assert rule(**condition).applies_to_any_people(KEY, 7000) is applies


def test_rule_is_about_people_who_share_an_address() -> None:
    assert not rule().applies(KEY, [OLD], {})
