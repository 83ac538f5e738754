"""Finding the subject of an identify call: the first table of identity-rules §4.

The rules stand in the table's order, and the first that holds decides: it gives the subject, or the outcome
that ends the call.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from workspace_operator.identity import reasons
from workspace_operator.identity.calls import IdentifyCall
from workspace_operator.identity.cases import Subject
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import REFERENCE_KINDS, IdentifierKey, bare_cio_id
from workspace_operator.identity.reserved_ids import is_placeholder
from workspace_operator.identity.rules import CIO_ID, EMAIL, EMAIL_ONLY, EMAIL_OR_ID, ID, ID_ONLY, IdentityRules, Kind
from workspace_operator.identity.searching import refused_reference


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
    return nobody_matches(search)


def reference_is_no_identifier_here(search: Search) -> Found:
    """Row a, for callers that did not learn of a change of the mode; parsing answers all others."""
    if search.call.reference.kind in REFERENCE_KINDS[search.rules.mode]:
        return None
    return Outcome(effect=Effect.REJECTED, reason=reasons.NO_IDENTIFIER_HERE)


def email_is_no_text(search: Search) -> Found:
    """Refuse other JSON types where email is an identifier: they are an error of the caller (identity-rules §1)."""
    odd = search.call.odd_email
    if odd is None or search.rules.mode is ID_ONLY:
        return None
    return Outcome(effect=Effect.REJECTED, reason=reasons.NO_TEXT, field="attributes.email", value=odd)


def reference_is_suppressed(search: Search) -> Found:
    """Row b, first half."""
    reference = search.call.reference
    if (reference.kind, reference.key) in search.population.blocked:
        return Outcome(effect=Effect.IGNORED, reason=reasons.SUPPRESSED)
    return None


def reference_cannot_be_given(search: Search) -> Found:
    """Refuse a reserved id or a placeholder that no person has (identity-rules §1, id); row c finds its holder."""
    return None if search.match is not None else refused_reference(search.call.reference)


def reference_is_an_unknown_cio_id(search: Search) -> Found:
    """Row b, second half."""
    if search.call.reference.kind is CIO_ID and search.match is None:
        return Outcome(effect=Effect.IGNORED, reason=reasons.UNKNOWN_CIO_ID)
    return None


def import_row_matches_two_people(search: Search) -> Found:
    """Reject the whole row: an import never merges (identity-rules §3, last row)."""
    if not search.call.by_import or len({*_people_named(search)}) <= 1:
        return None
    return Outcome(effect=Effect.REJECTED, reason=reasons.TWO_PEOPLE)


def import_row_gives_another_id_to_an_address(search: Search) -> Found:
    """Reject a row with a new id and the address of a person with another id (identity-rules §3, last row).

    Nobody knows whose the row's data are. A row by cio_id names its person for sure. In EmailOnly ids are generated,
    and those of files are none.
    """
    call = search.call
    if not call.by_import or search.rules.mode is not EMAIL_OR_ID or call.reference.kind is CIO_ID:
        return None
    by_id = call.reference.kind is ID
    id_, key = (call.reference.key, call.email_key) if by_id else (call.id, call.reference.key)
    owner = None if key is None else search.population.owners.get((EMAIL, key))
    if owner is None or not isinstance(id_, str) or (ID, id_) in search.population.owners:
        return None
    holder = search.population.people[owner]
    if holder.id is None:
        return None
    return Outcome(effect=Effect.REJECTED, reason=reasons.address_of_another(holder.id))


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
    return Outcome(effect=Effect.SKIPPED, reason=reasons.ONLY_UPDATES)


FINDING_RULES: tuple[FindingRule, ...] = (
    reference_is_no_identifier_here,
    email_is_no_text,
    reference_is_suppressed,
    reference_cannot_be_given,
    reference_is_an_unknown_cio_id,
    import_row_matches_two_people,
    import_row_gives_another_id_to_an_address,
    reference_matches,
    body_identifier_of_the_other_kind_matches,
    only_updates_were_asked_for,
)


def nobody_matches(search: Search) -> Subject | Outcome:
    """Row f: a new person; in EmailOnly only by email, and the generated id is the cio_id's value."""
    reference = search.call.reference
    by_email = reference.kind is EMAIL
    generates = search.rules.mode is EMAIL_ONLY
    if generates and not by_email:
        return Outcome(effect=Effect.IGNORED, reason=reasons.UNKNOWN_GENERATED_ID)
    cio_id = search.new_cio_id()
    id_ = None if by_email else reference.key
    return Subject(
        named_by=reference.kind,
        before=None,
        cio_id=cio_id,
        id=cio_id if generates else id_,
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
    if call.reference.kind is ID:
        return None if call.email_key is None else (EMAIL, call.email_key)
    # A placeholder is everybody's and nobody's: it must not tell whom a call is about.
    return (ID, call.id) if isinstance(call.id, str) and not is_placeholder(call.id) else None


def _people_named(search: Search) -> Iterator[str]:
    """The cio_ids of everybody whom the reference or the body names, some more than once."""
    call, population = search.call, search.population
    if search.match is not None:
        yield search.match.cio_id
    if isinstance(call.id, str) and (owner := population.owners.get((ID, call.id))):
        yield owner
    if call.email_key is not None and (owner := population.owners.get((EMAIL, call.email_key))):
        yield owner
    if isinstance(call.cio_id, str) and (bare := bare_cio_id(call.cio_id)) in population.people:
        yield bare
