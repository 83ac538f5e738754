"""Every combination of settings, reference, what it matches and what the body says has one outcome: the oracle's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from itertools import product
from typing import TypeAlias

import pytest

from tests.identity.builders import COLUMNS, NOW, by, call, person
from tests.identity.oracle import NEW, Body, Names, Question, Verdict, World, verdict
from workspace_operator.identity.calls import IdentifyCall
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population, Suppression
from workspace_operator.identity.resolve import identify
from workspace_operator.identity.rules import EmailUpdates, IdentityRules, IDUpdates, Kind, Mode

# The older ones first: the halves qi and qe are on either side of the halves pi and pe.
EVERYBODY: dict[str, Names] = {
    "q": ("q1", "q@x.org"),
    "qi": ("q2", None),
    "p": ("p1", "p@x.org"),
    "pi": ("p2", None),
    "pe": (None, "p3@x.org"),
    "pa": ("p4@x.org", "p4@x.org"),
    "pn": (None, None),
    "qe": (None, "q3@x.org"),
}
OF_EMAIL_ONLY: dict[str, Names] = {"q": ("q", "q@x.org"), "p": ("p", "p@x.org")}

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
    return OF_EMAIL_ONLY if column == "EmailOnly" else EVERYBODY


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
    for said in product(wishes("id", ids), wishes("email", emails), wishes("cio_id", cio_ids)):
        yield {name: wish for each in said for name, wish in each.items()}


def wishes(name: str, values: list[str | None]) -> list[Body]:
    return [{}, *({name: value} for value in dict.fromkeys(values))]


def questions(column: str, many_flags: Sequence[Flags]) -> Iterator[Question]:
    for kind, value, has in references(column):
        for body, flags in product(bodies(column, kind, value, has), many_flags):
            yield Question(kind=kind, value=value, body=body, **flags)


class Stage:
    """The people of the enumeration, before each question as they were."""

    def __init__(self, rules: IdentityRules, names: Mapping[str, Names]) -> None:
        self.rules = rules
        blocked = [Suppression(kind=Kind(kind), key=key, suppression_id=key) for kind, key in BLOCKED]
        self.before = Population(mode=rules.mode, people=map(made, enumerate(names.items())), suppressions=blocked)

    def ask(self, asked: IdentifyCall) -> tuple[Outcome, Population]:
        people = Population(mode=self.rules.mode)
        people.people, people.owners = dict(self.before.people), dict(self.before.owners)
        people.blocked = self.before.blocked
        return identify(self.rules, people, asked, now=NOW, new_cio_id=lambda: NEW), people


def made(numbered: tuple[int, tuple[str, Names]]) -> Person:
    number, (cio_id, names) = numbered
    return person(cio_id, *names, stored_at=number, **({"plan": "pro"} if len(cio_id) == 1 else {}))


def expected_effect(told: Verdict, before: Mapping[str, Names]) -> str:
    if told.end:
        return told.end
    if told.subject is None or told.subject not in before:
        return "created"
    had_the_plan = len(told.subject) == 1
    return "unchanged" if had_the_plan and before == told.people else "updated"


def story(outcome: Outcome, people: Population) -> dict[str, object]:
    """What the code says, in the oracle's terms."""
    taken = outcome.effect in {Effect.CREATED, Effect.UPDATED, Effect.UNCHANGED}
    return {
        "effect": outcome.effect.value,
        "reason": outcome.reason,
        "people": {cio_id: (each.id, each.email) for cio_id, each in people.people.items()},
        "subject": outcome.person.cio_id if outcome.person is not None and taken else None,
        "plan": outcome.person.attributes["plan"] if outcome.person is not None and taken else None,
        "absorbed": None if outcome.absorbed is None else outcome.absorbed.cio_id,
        "refused": [(each.kind.value, each.value, each.reason) for each in outcome.refusals],
    }


def told_story(told: Verdict, before: Mapping[str, Names]) -> dict[str, object]:
    return {
        "effect": expected_effect(told, before),
        "reason": told.reason,
        "people": told.people,
        "subject": told.subject,
        "plan": "pro" if told.subject else None,
        "absorbed": told.absorbed,
        "refused": told.refused,
    }


def call_of(question: Question) -> IdentifyCall:
    asked = call(by(question.kind, question.value), question.body, plan="pro")
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
    world = World(column=column, merges=merges, people=names, blocked=frozenset(BLOCKED))
    stage, rows = Stage(rules, names), set[str]()
    in_full = rules == COLUMNS[column]

    for question in questions(column, FLAGS if in_full else FLAGS[:1]):
        told = verdict(world, question)
        outcome, people = stage.ask(call_of(question))
        assert story(outcome, people) == told_story(told, names), question
        rows.update(told.rows)

    never = {"e", "import"} if not in_full else set()
    assert rows == ROWS[column] - never - (set() if merges else {"4"})
