"""Identify: find the subject, judge the identifiers, apply the attributes (identity-rules §4).

`identify` cannot fail: whatever stands in the way is an outcome, and one that is not created, updated or
unchanged has left the population as it was, but for the note of a skipped update.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from workspace_operator.identity import reasons
from workspace_operator.identity.attribute_times import PLAIN_EMAIL, in_time, times_after
from workspace_operator.identity.attributes import (
    IDENTIFIER_NAMES,
    MAX_ATTRIBUTES,
    Wishes,
    applied,
    same_value,
    without_identifiers,
)
from workspace_operator.identity.calls import ABSENT, IdentifyCall
from workspace_operator.identity.cases import Subject
from workspace_operator.identity.finding import find_subject
from workspace_operator.identity.judged_attributes import judge_attributes
from workspace_operator.identity.judging import judge
from workspace_operator.identity.noting import (
    note_changes,
    note_created,
    note_merged,
    note_recognized,
    note_refusals,
    note_skipped,
)
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person, age, id_is_another_email
from workspace_operator.identity.population import Population
from workspace_operator.identity.rules import EMAIL, EMAIL_OR_ID, ID, ID_ONLY, IdentityRules

_CREATED: Final = Effect.CREATED
_UPDATED: Final = Effect.UPDATED


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
        population: at least what `keys_of` names; it is changed, and its trail grows.
        call: what is asked for.
        now: Unix seconds.
        new_cio_id: makes a cio_id that nobody has ever had; in EmailOnly it becomes the generated id, too.
    """
    subject = find_subject(rules, population, call, new_cio_id=new_cio_id)
    if isinstance(subject, Outcome):
        if subject.effect is Effect.SKIPPED:
            note_skipped(population, call.reference, now=now)
        return subject
    judge(rules, population, call, subject, now=now)
    at = now if call.timestamp is None else min(call.timestamp, now)  # the future counts as now
    wishes = judge_attributes(subject, _wishes(rules, call), now=now)
    # A call without a timestamp is never late, even if the clock of another process is ahead: comparing would lose it.
    if at != now and subject.before is not None:
        wishes = in_time(subject.before, wishes, at)
    after = _person(subject, call, wishes, at=at, now=now)
    obstacle = _obstacle(rules, subject, after)
    if obstacle is not None:
        return obstacle
    outcome = _written(population, subject, after, wishes, now)
    if subject.refusals:
        note_refusals(population, after, subject.refusals, now=now)
    if call.anonymous_id is not None:
        note_recognized(population, after, call.anonymous_id)
    if subject.reference_is_a_wish or call.left_out:
        return replace(outcome, applied_elsewhere=_is_somebody_else(subject, call), left_out=call.left_out)
    return outcome


def _is_somebody_else(subject: Subject, call: IdentifyCall) -> bool:
    """Whether the reference, which matched nobody, was not given to the subject either (identity-rules §4, row d)."""
    own = subject.id if call.reference.kind is ID else subject.email_key
    return subject.reference_is_a_wish and own != call.reference.key


def _wishes(rules: IdentityRules, call: IdentifyCall) -> Wishes:
    """What a call says of attributes; in IDOnly the email is one of them."""
    wishes = call.attributes
    if not IDENTIFIER_NAMES.isdisjoint(wishes):
        wishes = without_identifiers(wishes)
    if rules.mode is ID_ONLY and call.email is not ABSENT:
        return {**wishes, PLAIN_EMAIL: call.email if isinstance(call.email, str) else None}
    return wishes


def _person(subject: Subject, call: IdentifyCall, wishes: Wishes, *, at: float, now: int) -> Person:
    """The subject with the identifiers as judged and the call's attributes."""
    before, said = subject.before, wishes
    if PLAIN_EMAIL in wishes:
        value = call.email if isinstance(call.email, str) else None
        subject.write(EMAIL, value, call.email_key)
        said = without_identifiers(wishes)
    attributes = applied({} if before is None else before.attributes, said)
    stored_at = now if before is None else before.stored_at
    return Person(
        cio_id=subject.cio_id,
        id=subject.id,
        email=subject.email,
        email_key=subject.email_key,
        attributes=attributes,
        stored_at=stored_at,
        created_at=age(attributes, stored_at=stored_at, now=now),
        attribute_times=times_after(before, attributes, wishes, at=at, stored_at=stored_at),
    )


def _obstacle(rules: IdentityRules, subject: Subject, after: Person) -> Outcome | None:
    """What the call comes to if it cannot be taken as a whole."""
    before, refusals = subject.before, tuple(subject.refusals)
    if len(after.attributes) > MAX_ATTRIBUTES and (before is None or len(after.attributes) > len(before.attributes)):
        return Outcome(effect=Effect.REJECTED, reason=reasons.TOO_MANY_ATTRIBUTES, refusals=refusals)
    # The whole call is rejected: there is no person yet whose refused change could be recorded.
    if before is None and rules.mode is EMAIL_OR_ID and id_is_another_email(after.id, after.email_key):
        return Outcome(
            effect=Effect.REJECTED,
            reason=reasons.NOBODY_S_ADDRESS,
            refusals=refusals,
            field="identifiers.id",  # an id in the body would have been refused
            value=after.id,
        )
    return None


def _written(population: Population, subject: Subject, after: Person, wishes: Wishes, now: int) -> Outcome:
    """Put the result into the population, and note it."""
    refusals = tuple(subject.refusals)
    before = subject.before
    if before is None:
        population.insert(after)
        note_created(population, after, now=now)
        return Outcome(effect=_CREATED, person=after, refusals=refusals)
    changes = _changes(before, after, wishes)
    if subject.merged is not None:
        primary, secondary = subject.merged
        population.absorb(after, secondary.cio_id)
        note_merged(population, primary, secondary, before, automatic=True, now=now)
        note_changes(population, after, changes, now=now)
        return Outcome(effect=_UPDATED, person=after, before=primary, absorbed=secondary, refusals=refusals)
    same = not changes and before.created_at == after.created_at  # a time that was in the future may have come
    if same and before.attribute_times == after.attribute_times:
        return Outcome(effect=Effect.UNCHANGED, person=before, before=before, refusals=refusals)
    population.replace(after)
    note_changes(population, after, changes, now=now)
    return Outcome(effect=Effect.UNCHANGED if same else _UPDATED, person=after, before=before, refusals=refusals)


def _changes(before: Person, after: Person, wishes: Wishes) -> Mapping[str, object]:
    """What has another value now; null where there is none."""
    changes: dict[str, object] = {}
    if before.id != after.id:
        changes["id"] = {"from": before.id, "to": after.id}
    if before.email != after.email:
        changes["email"] = {"from": before.email, "to": after.email}
    old, new = before.attributes, after.attributes
    for name in wishes:
        if not same_value(old.get(name), new.get(name)):
            changes[name] = {"from": old.get(name), "to": new.get(name)}
    return changes
