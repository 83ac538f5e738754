"""Every combination of settings, reference, match and body has one outcome: that of the model (tests/model)."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import cycle, product
from typing import Any, TypeAlias

import pytest

from tests.identity.builders import COLUMNS, NOW, command, person, reference_by
from tests.model.reference.people import People
from tests.model.reference.records import ModelPerson, Refused
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.model.commands import Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.rules import EmailUpdates, IdentifierKind, IdentityRules, IDUpdates, Mode

Names: TypeAlias = tuple[str | None, str | None]
"""The id and the email of a person."""

Body: TypeAlias = Mapping[str, str | None]
PLAN: dict[str, Any] = {"plan": "pro"}
"""Of the person p before, and of each command: whom a command concerns is visible by it."""

NEW = "new person"
IS_PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))

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
    """Every id with every email: absent, equal, free, another's, blocked, invalid or null.

    Each pair stands without a cio_id, and with one: with each in the long form, with each in turn in the short one.
    """
    id_, email = has
    ids = [*IDS.get(column, IDS["E2"]), None, *([] if id_ is None else [id_])]
    emails = [*EMAILS.get(column, EMAILS["E2"]), None, *([] if email is None else [email.upper()])]
    cio_ids = updates("cio_id", ["q", "nobody", None, f"cio_{value}" if kind == "cio_id" else "p"])
    in_turn = cycle(cio_ids[1:])
    for id_update, email_update in product(updates("id", ids), updates("email", emails)):
        for cio_id_update in cio_ids if IS_PROOF else (cio_ids[0], next(in_turn)):
            yield {**id_update, **email_update, **cio_id_update}


def updates(name: str, values: list[str | None]) -> list[Body]:
    return [{}, *({name: value} for value in dict.fromkeys(values))]


def cases(column: str, many_flags: Sequence[Flags]) -> Iterator[Identify]:
    for kind, value, has in references(column):
        reference = reference_by(kind, value)
        for body, flags in product(bodies(column, kind, value, has), many_flags):
            yield command(reference, body, **flags, **PLAN)


class EnumerationEnv:
    """The people of the enumeration, twice: for the product and for the model. No command changes them."""

    def __init__(self, rules: IdentityRules, names: Mapping[str, Names]) -> None:
        self.rules = rules
        blocked = [Suppression(kind=IdentifierKind(kind), key=key, suppression_id=key) for kind, key in BLOCKED]
        plans = {cio_id: PLAN if cio_id == "p" else {} for cio_id in names}
        people = [person(each, *names[each], inserted_at=age, **plans[each]) for age, each in enumerate(names)]
        self.before = WorkingSet(mode=rules.mode, people=people, suppressions=blocked)
        self.model_people = {
            each.cio_id: ModelPerson(
                cio_id=each.cio_id,
                id=each.id,
                email=each.email,
                attributes=plans[each.cio_id],
                inserted_at=each.inserted_at,
                age=each.inserted_at,
            )
            for each in people
        }
        self.rows: set[str] = set()

    def actual(self, case: Identify) -> tuple[object, ...]:
        people = WorkingSet(mode=self.rules.mode)
        people.people, people.owners = dict(self.before.people), dict(self.before.owners)
        people.suppressed = self.before.suppressed
        result = identify(self.rules, people, case, now=NOW, new_cio_id=lambda: NEW)
        assert result.person is None or result.person is people.people[result.person.cio_id]
        refused = tuple(Refused(kind=each.kind, value=each.value, reason=each.reason) for each in result.refusals)
        secondary = None if result.secondary is None else result.secondary.cio_id
        return result.effect, result.reason, refused, secondary, shown(people.people)

    def expected(self, case: Identify) -> tuple[object, ...]:
        model = People(self.rules)
        model.people, model.rows = dict(self.model_people), self.rows
        model.suppressions = [{(IdentifierKind(kind), key)} for kind, key in BLOCKED]
        outcome = model.perform(case, now=NOW, cio_id=NEW)
        secondary = model.journal[0].secondary.cio_id if model.journal else None
        return outcome.effect, outcome.reason, outcome.refused, secondary, shown(model.people)


def shown(people: Mapping[str, Person | ModelPerson]) -> list[tuple[object, ...]]:
    return sorted((cio_id, each.id, each.email, each.attributes.get("plan")) for cio_id, each in people.items())


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
def test_every_case_has_one_outcome(rules: IdentityRules) -> None:
    column, merges = column_of(rules), rules.merge_multi_identifier
    env = EnumerationEnv(rules, names_of(column))
    in_full = rules == COLUMNS[column]

    for case in cases(column, FLAGS if in_full else FLAGS[:1]):
        assert env.actual(case) == env.expected(case), case

    never = {"e", "import"} if not in_full else set()
    assert env.rows == ROWS[column] - never - (set() if merges else {"4"})


def test_keys_of_addresses_are_plain() -> None:
    """The model compares e-mail keys of the product: for these values they are the address in lower case."""
    values = {value for _, value in UNKNOWN + BLOCKED} | {*IDS["E2"], *EMAILS["E2"], "P@X.ORG"}

    for value in values:
        assert email_key(value) == (value.lower() if value.lower().endswith(".org") else None)
