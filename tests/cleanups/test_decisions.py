"""Decisions: the table of cleanups §2, the rows of cleanups §3, and what becomes of a person."""

from dataclasses import replace

import pytest

from tests.docs.pages import rows
from tests.identity.builders import person
from workspace_operator.cleanups.decisions import (
    CLEAR,
    DELETE,
    KEEP,
    REQUIREMENTS,
    VIOLATIONS,
    Decision,
    DecisionContext,
    DecisionKind,
    correct_to,
    merge_into,
    planned_person,
    reason_refused,
)
from workspace_operator.identity.model.person import Person
from workspace_operator.migrations.model import Violation

PAGE = "docs/spec/cleanups.md"
DUPLICATE, INVALID, SUPPRESSED, ANOTHER = Violation
ADA = person("p1", "m-1", "ada@example.com")
BOB = person("p2", "m-2", "ada@example.com")
INTO_BOB = merge_into("p2")


def context(
    decision: Decision,
    who: Person = ADA,
    *violations: Violation,
    survivor: Person | None = None,
    survivor_decision: Decision | None = None,
) -> DecisionContext:
    return DecisionContext(
        person=who,
        violations=violations or (DUPLICATE,),
        decision=decision,
        survivor=survivor,
        survivor_decision=survivor_decision,
    )


def test_table_of_the_specification() -> None:
    allowed = {
        (row[0].strip("`"), violation.value): cell.startswith("yes")
        for row in rows(PAGE, "decision")
        if len(row) == 6
        for violation, cell in zip(Violation, row[2:], strict=True)
    }

    assert allowed == {
        (kind.value, each.value): each in VIOLATIONS[kind] for kind in DecisionKind for each in Violation
    }


BY_ADDRESS = person("p1", "z@z.com", "y@y.com")
WITHOUT_ID = person("p2", None, "z@z.com")

REFUSED = [
    ("a", context(KEEP, ADA, INVALID), "Only a person who shares an address can keep it."),
    ("a", context(CLEAR, ADA, ANOTHER), "Without an address the id would still be another one"),
    ("a", replace(context(CLEAR), violations=()), "This person does not block the change."),
    ("a", replace(context(DELETE), violations=()), "This person does not block the change."),
    ("b", context(correct_to("ada@club")), "'ada@club' is not a valid address."),
    ("b", context(correct_to("")), "'' is not a valid address."),
    ("c", context(correct_to(" ADA@example.com")), "is the present address of this person: give another one."),
    ("d", context(merge_into("p1"), survivor=ADA), "A person cannot be merged into itself."),
    ("e", context(INTO_BOB), "The person to merge into does not exist."),
    ("f", context(INTO_BOB, survivor=BOB, survivor_decision=DELETE), "is to be deleted: choose one that stays."),
    (
        "f",
        context(INTO_BOB, survivor=BOB, survivor_decision=merge_into("p3")),
        "is to be merged into another person: choose one that stays.",
    ),
    ("g", context(INTO_BOB, survivor=person("p2", "m-2")), "has no valid address and would take this one"),
    ("g", context(INTO_BOB, survivor=person("p2", "m-2", "bob@")), "has no valid address and would take this one"),
    (
        "h",
        context(
            INTO_BOB, person("p1", "x@example.com", "y@example.com"), ANOTHER, survivor=person("p2", None, "z@z.com")
        ),
        "has no id and would take this one, which is an address other than its own.",
    ),
    (
        "h",
        context(INTO_BOB, BY_ADDRESS, ANOTHER, survivor=WITHOUT_ID, survivor_decision=correct_to("new@example.com")),
        "has no id and would take this one, which is an address other than its own.",
    ),
    (
        "h",
        context(INTO_BOB, BY_ADDRESS, ANOTHER, survivor=WITHOUT_ID, survivor_decision=CLEAR),
        "has no id and would take this one, which is an address other than its own.",
    ),
    ("i", replace(context(DELETE), secondaries=(BOB,)), "Others are to be merged into this person"),
    ("i", replace(context(INTO_BOB, survivor=BOB), secondaries=(BY_ADDRESS,)), "Others are to be merged into"),
    (
        "j",
        replace(context(correct_to("new@example.com"), WITHOUT_ID), secondaries=(BY_ADDRESS,)),
        "who has no id and would take one that is another address.",
    ),
    ("j", replace(context(CLEAR, WITHOUT_ID), secondaries=(BOB, BY_ADDRESS)), "who has no id and would take one"),
]


@pytest.mark.parametrize(("row", "refused", "reason"), REFUSED, ids=[f"{row[0]}-{row[2][:40]}" for row in REFUSED])
def test_row_refuses(row: str, refused: DecisionContext, reason: str) -> None:
    found = reason_refused(refused)

    assert found is not None
    assert reason in found
    first = next(index for index, requirement in enumerate(REQUIREMENTS) if requirement(refused) is not None)
    assert "abcdefghij"[first] == row


def test_every_row_is_tested() -> None:
    in_page = [row[0] for row in rows(PAGE, "row")]

    assert sorted({row[0] for row in REFUSED}) == in_page
    assert len(in_page) == len(REQUIREMENTS)


@pytest.mark.parametrize(
    "accepted",
    [
        context(KEEP),
        context(CLEAR),
        context(CLEAR, ADA, SUPPRESSED),
        context(CLEAR, ADA, ANOTHER, DUPLICATE),
        context(DELETE, ADA, ANOTHER),
        context(correct_to("new@example.com")),
        context(correct_to("new@example.com"), person("p1", "m-1", "ada@"), INVALID),
        context(INTO_BOB, survivor=BOB),
        context(INTO_BOB, survivor=BOB, survivor_decision=KEEP),
        context(INTO_BOB, survivor=BOB, survivor_decision=CLEAR),
        context(INTO_BOB, ADA, survivor=person("p2", None, "ada@example.com")),
        context(INTO_BOB, BY_ADDRESS, ANOTHER, survivor=WITHOUT_ID),
        context(INTO_BOB, BY_ADDRESS, ANOTHER, survivor=WITHOUT_ID, survivor_decision=KEEP),
        replace(context(CLEAR), secondaries=(BY_ADDRESS,)),
        replace(context(CLEAR, WITHOUT_ID), secondaries=(BOB,)),
        replace(context(KEEP, WITHOUT_ID), secondaries=(BY_ADDRESS,)),
    ],
)
def test_other_decisions_are_accepted(accepted: DecisionContext) -> None:
    assert reason_refused(accepted) is None


def test_planned_person() -> None:
    assert planned_person(ADA, None) is planned_person(ADA, KEEP) is ADA
    assert planned_person(ADA, CLEAR) == person("p1", "m-1")
    assert planned_person(ADA, correct_to("Bob@Example.com")) == person("p1", "m-1", "Bob@Example.com")
    assert planned_person(ADA, DELETE) is planned_person(ADA, INTO_BOB) is None
