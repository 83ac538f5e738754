"""The rules in CEL, as data."""

from itertools import product

import pytest

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import is_mode_allowed
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.rules import MODE_RULES, RULES, FieldReason, Rule, rule_problems

KUBERNETES_ONLY = ("isSorted", "find(", "url(", "format(", "quantity", "ip(", "optional", "split(", "charAt", "indexOf")


@pytest.mark.parametrize(("in_force", "wanted"), list(product(Mode, Mode)))
def test_only_three_changes_of_mode_are_allowed(in_force: Mode, wanted: Mode) -> None:
    document = {"spec": {"identifiers": {"mode": wanted.value}}}
    old = {"spec": {"identifiers": {}}, "status": {"identifiers": {"mode": in_force.value}}}

    problems = rule_problems(MODE_RULES, document, old)

    assert bool(problems) == (not is_mode_allowed(in_force, wanted))
    assert {problem.path for problem in problems} <= {"spec.identifiers.mode"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message[:40])
def test_words_say_what_must_or_may_be(rule: Rule) -> None:
    assert rule.message.startswith(("must ", "may "))
    assert "\n" not in rule.message
    assert not rule.message.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message[:40])
def test_rules_are_core_cel(rule: Rule) -> None:
    assert not [name for name in KUBERNETES_ONLY if name in rule.expression]


def test_rule_holds_where_there_is_nothing_to_judge() -> None:
    rule = Rule(scope=("spec", "color"), expression="self == 'x'", message="must be x")

    assert rule.holds({"spec": {}}, None)
    assert rule.holds({"spec": 5}, None)
    assert not rule.holds({"spec": {"color": "y"}}, None)


def test_transition_holds_where_there_is_nothing_older() -> None:
    rule = Rule(scope=("spec", "color"), expression="self == oldSelf", message="may not be changed")
    new = {"spec": {"color": "x"}}

    assert rule.holds(new, None)
    assert rule.holds(new, {"spec": {}})
    assert rule.holds(new, {"spec": {"color": "x"}})
    assert not rule.holds(new, {"spec": {"color": "y"}})


def test_rule_for_new_values_leaves_old_ones_alone() -> None:
    rule = Rule(scope=("spec", "color"), expression="self == 'x'", message="must be x", new_values_only=True)
    old = {"spec": {"color": "y"}}

    assert rule.holds(old, old)
    assert not rule.holds(old, None)
    assert not rule.holds({"spec": {"color": "z"}}, old)
    assert rule.holds({"spec": {"color": "x"}}, old)
    assert rule.as_document() == {
        "rule": "oldSelf.orValue('') == self || (self == 'x')",
        "message": "must be x",
        "reason": "FieldValueInvalid",
        "optionalOldSelf": True,
    }


def test_rule_becomes_an_entry_of_the_schema() -> None:
    at_field = Rule(
        scope=("spec",), field=("a", "b"), expression="true", message="must be", reason=FieldReason.FORBIDDEN
    )
    at_self = Rule(scope=("spec", "a"), expression="true", message="must be")

    assert at_field.as_document() == {
        "rule": "true",
        "message": "must be",
        "reason": "FieldValueForbidden",
        "fieldPath": ".a.b",
    }
    assert "fieldPath" not in at_self.as_document()
    assert at_field.problem == Problem(path="spec.a.b", message="must be")
    assert at_self.problem.path == "spec.a"
