"""Identify: find the subject, judge the identifiers, apply the attributes (identity-rules §4).

`identify` cannot fail: whatever stands in the way is an outcome, and one that is not created, updated or
unchanged has left the population as it was.
"""

from collections.abc import Callable
from typing import Final

from workspace_operator.identity import reasons
from workspace_operator.identity.attributes import MAX_ATTRIBUTES, applied
from workspace_operator.identity.calls import ABSENT, IdentifyCall
from workspace_operator.identity.cases import Subject
from workspace_operator.identity.finding import find_subject
from workspace_operator.identity.judging import judge
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person, age, id_is_another_email, same_person
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import EMAIL, EMAIL_OR_ID, ID_ONLY, IdentityRules

_CREATED: Final = Effect.CREATED


def identify(
    rules: IdentityRules,
    population: Population,
    call: IdentifyCall,
    *,
    now: int,
    new_cio_id: Callable[[], str],
) -> Outcome:
    """Carry out one identify call on a population.

    Args:
        rules: the settings in force; their mode is the population's.
        population: at least what `keys_of` names; it is changed.
        call: what is asked for.
        now: Unix seconds.
        new_cio_id: makes a cio_id that nobody has ever had; in EmailOnly it becomes the generated id, too.
    """
    subject = find_subject(rules, population, call, new_cio_id=new_cio_id)
    if isinstance(subject, Outcome):
        return subject
    judge(rules, population, call, subject, now=now)
    if rules.mode is ID_ONLY and call.email is not ABSENT:
        value = call.email if isinstance(call.email, str) else None
        subject.write(EMAIL, value, call.email_key)
    after = _person(subject, call, now)
    obstacle = _obstacle(rules, subject, after)
    if obstacle:
        return Outcome(effect=Effect.REJECTED, reason=obstacle, refusals=tuple(subject.refusals))
    return _written(population, subject, after)


def _person(subject: Subject, call: IdentifyCall, now: int) -> Person:
    """The subject with the identifiers as judged and the call's attributes."""
    before = subject.before
    attributes = applied({} if before is None else before.attributes, call.attributes)
    stored_at = now if before is None else before.stored_at
    return Person(
        cio_id=subject.cio_id,
        id=subject.id,
        email=subject.email,
        email_key=subject.email_key,
        attributes=attributes,
        stored_at=stored_at,
        created_at=age(attributes, stored_at=stored_at, now=now),
    )


def _obstacle(rules: IdentityRules, subject: Subject, after: Person) -> str:
    """Why the whole call cannot be taken, or nothing."""
    before = subject.before
    if len(after.attributes) > MAX_ATTRIBUTES and (before is None or len(after.attributes) > len(before.attributes)):
        return reasons.TOO_MANY_ATTRIBUTES
    if before is None and rules.mode is EMAIL_OR_ID and id_is_another_email(after.id, after.email_key):
        return reasons.ID_IS_ANOTHER_EMAIL
    return ""


def _written(population: Population, subject: Subject, after: Person) -> Outcome:
    """Put the result into the population."""
    refusals = tuple(subject.refusals)
    before = subject.before
    if before is None:
        population.insert(after)
        return Outcome(effect=_CREATED, person=after, refusals=refusals)
    if subject.merged is not None:
        primary, secondary = subject.merged
        population.remove(secondary.cio_id)
        population.replace(after)
        return Outcome(effect=Effect.UPDATED, person=after, before=primary, absorbed=secondary, refusals=refusals)
    if same_person(before, after):
        return Outcome(effect=Effect.UNCHANGED, person=before, before=before, refusals=refusals)
    population.replace(after)
    return Outcome(effect=Effect.UPDATED, person=after, before=before, refusals=refusals)
