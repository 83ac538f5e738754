"""People, calls and populations for these tests, written as briefly as the tables they stand in."""

from collections.abc import Callable, Iterable, Mapping
from itertools import count

from workspace_operator.identity.attributes import AttributeValue
from workspace_operator.identity.calls import ABSENT, DELETE, IdentifierWish, IdentifyCall
from workspace_operator.identity.emails import email_key
from workspace_operator.identity.outcomes import Outcome
from workspace_operator.identity.people import Person, age
from workspace_operator.identity.population import Population, Suppression
from workspace_operator.identity.references import Reference, key_of
from workspace_operator.identity.resolve import identify
from workspace_operator.identity.rules import EmailUpdates, IdentityRules, IDUpdates, Kind, Mode

NOW = 1_700_000_000
LONG_AGO = 1_600_000_000

E2 = IdentityRules()
E1 = IdentityRules(email_updates=EmailUpdates.BY_CIO_ID)
I0 = IdentityRules(mode=Mode.ID_ONLY)
I1 = IdentityRules(mode=Mode.ID_ONLY, id_updates=IDUpdates.BY_CIO_ID)
EMAIL_ONLY = IdentityRules(mode=Mode.EMAIL_ONLY)
COLUMNS = {"E2": E2, "E1": E1, "I0": I0, "I1": I1, "EmailOnly": EMAIL_ONLY}


def person(
    cio_id: str,
    id_: str | None = None,
    email: str | None = None,
    *,
    stored_at: int = NOW,
    **attributes: AttributeValue,
) -> Person:
    return Person(
        cio_id=cio_id,
        id=id_,
        email=email,
        email_key=None if email is None else email_key(email),
        attributes=attributes,
        stored_at=stored_at,
        created_at=age(attributes, stored_at=stored_at, now=NOW),
    )


def by(kind: str, value: str) -> Reference:
    key = key_of(Kind(kind), value)
    assert key is not None
    return Reference(kind=Kind(kind), value=value, key=key)


def call(
    reference: Reference,
    body: Mapping[str, str | None] | None = None,
    *,
    update_only: bool = False,
    by_import: bool = False,
    **attributes: AttributeValue | None,
) -> IdentifyCall:
    """A call whose body says this of identifiers (None: delete it) and attributes."""
    wishes = body or {}
    return IdentifyCall(
        reference=reference,
        id=_wish(wishes, "id"),
        email=_wish(wishes, "email"),
        cio_id=_wish(wishes, "cio_id"),
        attributes=attributes,
        update_only=update_only,
        by_import=by_import,
    )


def _wish(wishes: Mapping[str, str | None], name: str) -> IdentifierWish:
    value = wishes.get(name, ABSENT)
    return DELETE if value is None else value


def population(rules: IdentityRules, *people: Person, blocked: Iterable[tuple[str, str]] = ()) -> Population:
    suppressions = [Suppression(kind=Kind(kind), key=key, suppression_id=f"s-{key}") for kind, key in blocked]
    return Population(mode=rules.mode, people=people, suppressions=suppressions)


def numbered(prefix: str = "n") -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers):04d}"


def run(rules: IdentityRules, people: Population, what: IdentifyCall, *, now: int = NOW) -> Outcome:
    return identify(rules, people, what, now=now, new_cio_id=numbered(f"n{len(people.people)}-"))


def refused(outcome: Outcome) -> dict[str, str]:
    return {refusal.kind.value: refusal.reason for refusal in outcome.refusals}
