"""Finding the subject of an identify call: the first table of identity-rules §4.

The rules stand in the table's order, and the first that holds decides: it gives the subject, or the outcome
that ends the call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from workspace_operator.identity import reasons
from workspace_operator.identity.calls import IdentifyCall, Outcome, Verdict
from workspace_operator.identity.cases import Subject
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import CIO_ID_PREFIX, REFERENCE_KINDS, IdentifierKey
from workspace_operator.identity.rules import IdentityRules, Kind, Mode


@dataclass(slots=True, kw_only=True)
class Search:
    """What the rules look at. ``match`` is whom the reference matches."""

    rules: IdentityRules
    population: Population
    call: IdentifyCall
    new_cio_id: Callable[[], str]
    match: Person | None


Found: TypeAlias = Subject | Outcome | None
FindingRule: TypeAlias = Callable[[Search], Found]


def find_subject(
    rules: IdentityRules, population: Population, call: IdentifyCall, *, new_cio_id: Callable[[], str]
) -> Subject | Outcome:
    """Whom a call concerns, or the outcome of one that concerns nobody."""
    search = Search(
        rules=rules,
        population=population,
        call=call,
        new_cio_id=new_cio_id,
        match=population.find(call.reference),
    )
    for rule in FINDING_RULES:
        found = rule(search)
        if found is not None:
            return found
    return new_person(search)


def reference_is_no_identifier_here(search: Search) -> Found:
    """Row a, for callers that did not learn of a change of the mode; parsing answers all others."""
    if search.call.reference.kind in REFERENCE_KINDS[search.rules.mode]:
        return None
    return Outcome(verdict=Verdict.REJECTED, reason=reasons.NO_IDENTIFIER_HERE)


def reference_is_suppressed(search: Search) -> Found:
    """Row b, first half."""
    reference = search.call.reference
    if (reference.kind, reference.key) not in search.population.blocked:
        return None
    return Outcome(verdict=Verdict.IGNORED, reason=reasons.SUPPRESSED)


def reference_is_an_unknown_cio_id(search: Search) -> Found:
    """Row b, second half."""
    if search.match is not None or search.call.reference.kind is not Kind.CIO_ID:
        return None
    return Outcome(verdict=Verdict.IGNORED, reason=reasons.UNKNOWN_CIO_ID)


def import_row_matches_two_people(search: Search) -> Found:
    """§3, last row: an import never merges, it rejects the row as a whole."""
    if not search.call.by_import or len(_matches(search)) <= 1:
        return None
    return Outcome(verdict=Verdict.REJECTED, reason=reasons.TWO_PEOPLE)


def reference_matches(search: Search) -> Found:
    """Row c."""
    if search.match is None:
        return None
    return _stored(search.match, named_by=search.call.reference.kind)


def body_identifier_of_the_other_kind_matches(search: Search) -> Found:
    """Row d: the reference becomes a wish of a caller who named the person by the body identifier."""
    identifier = _other_identifier(search.call)
    owner = None if identifier is None else search.population.owners.get(identifier)
    if identifier is None or owner is None:
        return None
    person = search.population.people[owner]
    return _stored(person, named_by=identifier[0], reference_is_a_wish=True)


def only_updates_were_asked_for(search: Search) -> Found:
    """Row e."""
    if not search.call.update_only:
        return None
    return Outcome(verdict=Verdict.SKIPPED, reason=reasons.ONLY_UPDATES)


def generated_id_is_unknown(search: Search) -> Found:
    """Row f, last sentence: in EmailOnly an id creates nobody."""
    if search.rules.mode is not Mode.EMAIL_ONLY or search.call.reference.kind is Kind.EMAIL:
        return None
    return Outcome(verdict=Verdict.IGNORED, reason=reasons.UNKNOWN_GENERATED_ID)


FINDING_RULES: tuple[FindingRule, ...] = (
    reference_is_no_identifier_here,
    reference_is_suppressed,
    reference_is_an_unknown_cio_id,
    import_row_matches_two_people,
    reference_matches,
    body_identifier_of_the_other_kind_matches,
    only_updates_were_asked_for,
    generated_id_is_unknown,
)


def new_person(search: Search) -> Subject:
    """Row f: what is left when no rule holds. In EmailOnly the generated id is the cio_id's value."""
    reference = search.call.reference
    cio_id = search.new_cio_id()
    by_email = reference.kind is Kind.EMAIL
    generated = cio_id if search.rules.mode is Mode.EMAIL_ONLY else None
    return Subject(
        named_by=reference.kind,
        before=None,
        cio_id=cio_id,
        id=generated if by_email else reference.key,
        email=reference.value if by_email else None,
        email_key=reference.key if by_email else None,
    )


def _stored(person: Person, *, named_by: Kind, reference_is_a_wish: bool = False) -> Subject:
    return Subject(
        named_by=named_by,
        before=person,
        cio_id=person.cio_id,
        id=person.id,
        email=person.email,
        email_key=person.email_key,
        reference_is_a_wish=reference_is_a_wish,
    )


def _other_identifier(call: IdentifyCall) -> IdentifierKey | None:
    """The body identifier of the other kind: id for email, email for id."""
    if call.reference.kind is Kind.ID:
        return None if call.email_key is None else (Kind.EMAIL, call.email_key)
    return (Kind.ID, call.id) if isinstance(call.id, str) else None


def _matches(search: Search) -> set[str]:
    """The cio_ids of everybody whom the reference or the body names."""
    call, population = search.call, search.population
    matches = {search.match.cio_id} if search.match is not None else set[str]()
    if isinstance(call.id, str):
        matches.add(population.owners.get((Kind.ID, call.id), ""))
    if call.email_key is not None:
        matches.add(population.owners.get((Kind.EMAIL, call.email_key), ""))
    if isinstance(call.cio_id, str):
        bare = call.cio_id.removeprefix(CIO_ID_PREFIX)
        matches.add(bare if bare in population.people else "")
    return matches - {""}
