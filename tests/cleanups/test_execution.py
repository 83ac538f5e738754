"""Carrying decisions out: the commands and the rows of cleanups §6."""

from dataclasses import replace

import pytest

from tests.docs.pages import rows
from tests.identity.builders import person
from workspace_operator.cleanups.decisions import CLEAR, DELETE, KEEP, Decision, correct_to, merge_into
from workspace_operator.cleanups.execution import (
    SKIPPED,
    ExecutionContext,
    SkipReason,
    command_of,
    phase,
    skip_reason,
)
from workspace_operator.identity.model import commands
from workspace_operator.identity.model.commands import Command, DeletePerson, Identify, MergePeople
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.rules import Mode

KEY = "ada@example.com"
ADA = person("p1", "m-1", KEY)
BOB = person("p2", "m-2", KEY)
BY_ADDRESS = person("p1", "x@example.com", KEY)
INTO_BOB = merge_into("p2")
P1, P2 = reference_to_cio_id("p1"), reference_to_cio_id("p2")


def context(
    decision: Decision,
    who: Person | None = ADA,
    survivor: Person | None = None,
    *,
    key: str | None = KEY,
    decided_survivor_key: str | None = KEY,
) -> ExecutionContext:
    return ExecutionContext(
        decision=decision, decided_key=key, person=who, survivor=survivor, decided_survivor_key=decided_survivor_key
    )


@pytest.mark.parametrize(
    ("executed", "reason"),
    [
        (replace(context(CLEAR), mode=Mode.EMAIL_OR_ID), SkipReason.MODE_CHANGED),
        (replace(context(CLEAR), counts=False), SkipReason.NOT_NEEDED),
        (context(CLEAR, None), SkipReason.PERSON_GONE),
        (context(INTO_BOB, None, BOB), SkipReason.PERSON_GONE),
        (context(CLEAR, person("p1", "m-1", "new@example.com")), SkipReason.CHANGED),
        (context(CLEAR, person("p1", "m-1")), SkipReason.CHANGED),
        (context(DELETE, key=None), SkipReason.CHANGED),
        (context(INTO_BOB), SkipReason.SURVIVOR_GONE),
        (context(INTO_BOB, ADA, person("p2", "m-2")), SkipReason.SURVIVOR_CHANGED),
        (context(INTO_BOB, BY_ADDRESS, person("p2", None, KEY)), SkipReason.SURVIVOR_CHANGED),
        (context(INTO_BOB, ADA, person("p2", "m-2", "bob@example.com")), SkipReason.SURVIVOR_CHANGED),
        (context(INTO_BOB, ADA, person("p2", "m-2"), decided_survivor_key=None), SkipReason.SURVIVOR_CHANGED),
        (context(INTO_BOB, ADA, BOB, decided_survivor_key="bob@example.com"), SkipReason.SURVIVOR_CHANGED),
        (context(INTO_BOB, BY_ADDRESS, BOB), None),
        (context(INTO_BOB, ADA, person("p2", None, KEY)), None),
        (context(CLEAR, person("p1", "m-1", "ADA@example.com")), None),
        (context(DELETE, person("p1", "m-1", "broken@"), key=None), None),
    ],
)
def test_skipped(executed: ExecutionContext, reason: SkipReason | None) -> None:
    assert skip_reason(executed) is reason


def test_reasons_are_those_of_the_page() -> None:
    in_page = [row[0].strip("`") for row in rows("docs/spec/cleanups.md", "reason")]

    first = in_page.index(SkipReason.MODE_CHANGED)
    assert in_page[first : first + len(SkipReason)] == [reason.value for reason in SkipReason]
    assert [reason for reason, _ in SKIPPED] == list(SkipReason)[:-1]


@pytest.mark.parametrize(
    ("decision", "command"),
    [
        (KEEP, None),
        (INTO_BOB, MergePeople(primary=P2, secondary=P1)),
        (DELETE, DeletePerson(reference=P1)),
        (CLEAR, Identify(reference=P1, email=commands.DELETE, attributes={}, update_only=True)),
        (correct_to("New@x.com"), Identify(reference=P1, email="New@x.com", attributes={}, update_only=True)),
    ],
)
def test_command(decision: Decision, command: Command | None) -> None:
    assert command_of("p1", decision) == command


def test_merges_are_first() -> None:
    assert min([DELETE, INTO_BOB, KEEP, CLEAR], key=phase) is INTO_BOB
