"""Every combination of settings, reference, what it matches and what the body says has one outcome: the oracle's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from itertools import product
from typing import TypeAlias

import pytest

from tests.identity.builders import COLUMNS, NOW, command, person, reference_by
from tests.identity.identify.oracle import NEW, Body, CaseSetup, Expectation, IdentifyCase, Names, expected
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.rules import EmailUpdates, IdentifierKind, IdentityRules, IDUpdates, Mode

# The older ones first: the halves qi and qe are on either side of the halves pi and pe.
PEOPLE: dict[str, Names] = {
    "q": ("q1", "q@x.org"),
    "qi": ("q2", None),
    "p": ("p1", "p@x.org"),
    "pi": ("p2", None),
    "pe": (None, "p3@x.org"),
    "pa": ("p4@x.org", "p4@x.org"),
    "pn": (None, None),
    "qe": (None, "q3@x.org"),
}
PEOPLE_OF_EMAIL_ONLY: dict[str, Names] = {"q": ("q", "q@x.org"), "p": ("p", "p@x.org")}

UNKNOWN = [
    ("id", "free"),
    ("id", "free@x.org"),
    ("id", "cio_free"),
    ("id", "NaN"),
    ("email", "Free@x.org"),
    ("cio_id", "nobody"),
]
BLOCKED = [("id", "blocked"), ("email", "blocked@x.org")]

IDS = {
    "E2": ("f1", "f@x.org", "q1", "q2", "p4@x.org", "blocked", "cio_f"),
    "EmailOnly": ("f1", "f@x.org", "q", "blocked", "null"),
}
EMAILS = {
    "E2": ("f@x.org", "q@x.org", "q3@x.org", "p4@x.org", "blocked@x.org", "nobody"),
    "EmailOnly": ("f@x.org", "q@x.org", "blocked@x.org", "nobody"),
}
"""Free, free and an address, others' in whole and in part, blocked, invalid."""

Flags: TypeAlias = dict[str, bool]

FLAGS: list[Flags] = [
    {"update_only": update_only, "by_import": row} for update_only, row in product((False, True), repeat=2)
]
ROWS_OF_ALL = {"reserved", "b", "c", "e", "f", "import", "1", "2", "3", "5", "6"}
ROWS = {
    "E2": ROWS_OF_ALL | {"d", "d, last sentence", "4", "last D"},
    "E1": ROWS_OF_ALL | {"d", "d, last sentence", "4", "last D"},
    "I0": (ROWS_OF_ALL | {"a"}),
    "I1": (ROWS_OF_ALL | {"a"}),
    "EmailOnly": ROWS_OF_ALL | {"d", "d, last sentence"},
}


def names_of(column: str) -> dict[str, Names]:
    return PEOPLE_OF_EMAIL_ONLY if column == "EmailOnly" else PEOPLE


def references(column: str) -> Iterator[tuple[str, str, Names]]:
    """Every kind, and of each: nobody's, blocked, everybody's; with what the one who is named has."""
    for kind, value in UNKNOWN + BLOCKED:
        yield kind, value, (value if kind == "id" else None, value if kind == "email" else None)
    for cio_id, (id_, email) in names_of(column).items():
        if cio_id.startswith("p"):
            named = (("id", id_), ("email", email), ("cio_id", cio_id))
            yield from ((kind, value, (id_, email)) for kind, value in named if value is not None)


def bodies(column: str, kind: str, value: str, has: Names) -> Iterator[Body]:
    """Every body: each identifier absent, equal, free, another's, blocked, invalid or null."""
    id_, email = has
    ids = [*IDS.get(column, IDS["E2"]), None, *([] if id_ is None else [id_])]
    emails = [*EMAILS.get(column, EMAILS["E2"]), None, *([] if email is None else [email.upper()])]
    cio_ids = ["q", "nobody", None, *([f"cio_{value}"] if kind == "cio_id" else ["p"])]
    for said in product(updates("id", ids), updates("email", emails), updates("cio_id", cio_ids)):
        yield {name: update for each in said for name, update in each.items()}


def updates(name: str, values: list[str | None]) -> list[Body]:
    return [{}, *({name: value} for value in dict.fromkeys(values))]


def cases(column: str, many_flags: Sequence[Flags]) -> Iterator[IdentifyCase]:
    for kind, value, has in references(column):
        for body, flags in product(bodies(column, kind, value, has), many_flags):
            yield IdentifyCase(kind=kind, value=value, body=body, **flags)


class EnumerationEnv:
    """The people of the enumeration, before each question as they were."""

    def __init__(self, rules: IdentityRules, names: Mapping[str, Names]) -> None:
        self.rules = rules
        blocked = [Suppression(kind=IdentifierKind(kind), key=key, suppression_id=key) for kind, key in BLOCKED]
        self.before = WorkingSet(mode=rules.mode, people=map(made, enumerate(names.items())), suppressions=blocked)

    def ask(self, asked: Identify) -> tuple[CommandResult, WorkingSet]:
        people = WorkingSet(mode=self.rules.mode)
        people.people, people.owners = dict(self.before.people), dict(self.before.owners)
        people.suppressed = self.before.suppressed
        return identify(self.rules, people, asked, now=NOW, new_cio_id=lambda: NEW), people


def made(numbered: tuple[int, tuple[str, Names]]) -> Person:
    number, (cio_id, names) = numbered
    return person(cio_id, *names, inserted_at=number, **({"plan": "pro"} if len(cio_id) == 1 else {}))


def expected_effect(expected: Expectation, before: Mapping[str, Names]) -> str:
    if expected.end:
        return expected.end
    if expected.subject is None or expected.subject not in before:
        return "created"
    had_the_plan = len(expected.subject) == 1
    return "unchanged" if had_the_plan and before == expected.people else "updated"


def actual_result(result: CommandResult, people: WorkingSet) -> dict[str, object]:
    """What the code says, in the oracle's terms."""
    taken = result.effect in {Effect.CREATED, Effect.UPDATED, Effect.UNCHANGED}
    return {
        "effect": result.effect.value,
        "reason": result.reason,
        "people": {cio_id: (each.id, each.email) for cio_id, each in people.people.items()},
        "subject": result.person.cio_id if result.person is not None and taken else None,
        "plan": result.person.attributes["plan"] if result.person is not None and taken else None,
        "absorbed": None if result.secondary is None else result.secondary.cio_id,
        "refused": [(each.kind.value, each.value, each.reason) for each in result.refusals],
    }


def expected_result(expected: Expectation, before: Mapping[str, Names]) -> dict[str, object]:
    return {
        "effect": expected_effect(expected, before),
        "reason": expected.reason,
        "people": expected.people,
        "subject": expected.subject,
        "plan": "pro" if expected.subject else None,
        "absorbed": expected.secondary,
        "refused": expected.refused,
    }


def call_of(question: IdentifyCase) -> Identify:
    asked = command(reference_by(question.kind, question.value), question.body, plan="pro")
    return replace(asked, update_only=question.update_only, by_import=question.by_import)


def column_of(rules: IdentityRules) -> str:
    """The column of identity-rules §3 that holds: each mode has its own setting, if any."""
    if rules.mode is Mode.EMAIL_ONLY:
        return "EmailOnly"
    if rules.mode is Mode.ID_ONLY:
        return "I1" if rules.id_updates is IDUpdates.BY_CIO_ID else "I0"
    return "E1" if rules.email_updates is EmailUpdates.BY_CIO_ID else "E2"


ALL_RULES = [
    IdentityRules(mode=mode, email_updates=email_updates, id_updates=id_updates, merge_multi_identifier=merges)
    for mode, email_updates, id_updates, merges in product(Mode, EmailUpdates, IDUpdates, (True, False))
]


@pytest.mark.parametrize("rules", ALL_RULES, ids=lambda rules: "-".join(map(str, astuple(rules))))
def test_every_question_has_one_outcome(rules: IdentityRules) -> None:
    column = column_of(rules)
    names, merges = names_of(column), rules.merge_multi_identifier
    world = CaseSetup(column=column, merges=merges, people=names, suppressed=frozenset(BLOCKED))
    stage, rows = EnumerationEnv(rules, names), set[str]()
    in_full = rules == COLUMNS[column]

    for question in cases(column, FLAGS if in_full else FLAGS[:1]):
        expectation = expected(world, question)
        result, people = stage.ask(call_of(question))
        assert actual_result(result, people) == expected_result(expectation, names), question
        rows.update(expectation.rows)

    never = {"e", "import"} if not in_full else set()
    assert rows == ROWS[column] - never - (set() if merges else {"4"})
