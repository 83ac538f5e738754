"""People, calls and populations for these tests, written as briefly as the tables they stand in."""

from collections.abc import Callable, Iterable, Mapping
from itertools import count

from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.identify.identify import identify
from workspace_operator.identity.model.commands import ABSENT, DELETE, Command, IdentifierValue, Identify
from workspace_operator.identity.model.person import Person, effective_created_at
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import Reference, identifier_key
from workspace_operator.identity.values.rules import EmailUpdates, IdentifierKind, IdentityRules, IDUpdates, Mode

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
    inserted_at: int = NOW,
    **attributes: AttributeValue,
) -> Person:
    return Person(
        cio_id=cio_id,
        id=id_,
        email=email,
        email_key=None if email is None else email_key(email),
        attributes=attributes,
        inserted_at=inserted_at,
        created_at=effective_created_at(attributes, inserted_at=inserted_at, now=NOW),
    )


def reference_by(kind: str, value: str) -> Reference:
    key = identifier_key(IdentifierKind(kind), value)
    assert key is not None
    return Reference(kind=IdentifierKind(kind), value=value, key=key)


def command(
    reference: Reference,
    body: Mapping[str, str | None] | None = None,
    *,
    update_only: bool = False,
    by_import: bool = False,
    **attributes: AttributeValue | None,
) -> Identify:
    """A call whose body says this of identifiers (None: delete it) and attributes."""
    updates = body or {}
    return Identify(
        reference=reference,
        id=_identifier_update(updates, "id"),
        email=_identifier_update(updates, "email"),
        cio_id=_identifier_update(updates, "cio_id"),
        attributes=attributes,
        update_only=update_only,
        by_import=by_import,
    )


def _identifier_update(updates: Mapping[str, str | None], name: str) -> IdentifierValue:
    value = updates.get(name, ABSENT)
    return DELETE if value is None else value


def working_set(rules: IdentityRules, *people: Person, suppressed: Iterable[tuple[str, str]] = ()) -> WorkingSet:
    suppressions = [
        Suppression(kind=IdentifierKind(kind), key=key, suppression_id=f"s-{key}") for kind, key in suppressed
    ]
    return WorkingSet(mode=rules.mode, people=people, suppressions=suppressions)


def numbered(prefix: str = "n") -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers):04d}"


def run_identify(rules: IdentityRules, people: WorkingSet, what: Identify, *, now: int = NOW) -> CommandResult:
    return identify(rules, people, what, now=now, new_cio_id=numbered(f"n{len(people.people)}-"))


def run_command(rules: IdentityRules, people: WorkingSet, what: Command) -> CommandResult:
    return handle(rules, people, what, now=NOW, new_cio_id=numbered())


def refused(result: CommandResult) -> dict[str, str]:
    return {refusal.kind.value: refusal.reason for refusal in result.refusals}
