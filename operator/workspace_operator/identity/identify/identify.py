"""Identify: match the person, decide about the identifiers, apply the attributes (identity-rules §4).

`identify` raises no errors: it returns a result for every command. If the effect is not created, updated or unchanged,
the working set is unchanged, except that a skipped update is logged.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from workspace_operator.identity.identify.attribute_policies import evaluate_attributes
from workspace_operator.identity.identify.draft import PersonDraft
from workspace_operator.identity.identify.identifier_policies import evaluate_identifiers
from workspace_operator.identity.identify.matching import match_person
from workspace_operator.identity.model import activity_log
from workspace_operator.identity.model.attribute_timestamps import PLAIN_EMAIL, drop_stale, updated_timestamps
from workspace_operator.identity.model.commands import ABSENT, Identify
from workspace_operator.identity.model.person import Person, effective_created_at, id_is_another_email, value_changes
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.attributes import (
    IDENTIFIER_NAMES,
    MAX_ATTRIBUTES,
    AttributeUpdates,
    updated_attributes,
    without_identifiers,
)
from workspace_operator.identity.values.rules import EMAIL, EMAIL_OR_ID, ID, ID_ONLY, IdentityRules

_CREATED: Final = Effect.CREATED
_UPDATED: Final = Effect.UPDATED


def identify(
    rules: IdentityRules, working_set: WorkingSet, command: Identify, *, now: int, new_cio_id: Callable[[], str]
) -> CommandResult:
    """Execute one identify command on a working set, as `dispatch.handle` does."""
    draft = match_person(rules, working_set, command, new_cio_id=new_cio_id)
    if isinstance(draft, CommandResult):
        if draft.effect is Effect.SKIPPED:
            activity_log.log_skipped(working_set, command.reference, now=now)
        return draft
    evaluate_identifiers(rules, working_set, command, draft, now=now)
    at = now if command.timestamp is None else min(command.timestamp, now)  # a time in the future counts as now
    updates = evaluate_attributes(draft, _attribute_updates(rules, command), now=now)
    # A command without a timestamp is never late: a comparison would drop it if the clock of another process is ahead.
    if at != now and draft.before is not None:
        updates = drop_stale(draft.before, updates, at)
    after = _updated_person(draft, command, updates, at=at, now=now)
    rejection = _rejection(rules, draft, after)
    if rejection is not None:
        return rejection
    result = _apply(working_set, draft, after, updates, now)
    if draft.refusals:
        activity_log.log_refusals(working_set, after, draft.refusals, now=now)
    if command.anonymous_id is not None:
        activity_log.log_linked(working_set, after, command.anonymous_id)
    if draft.reference_is_update or command.ignored_parts:
        elsewhere = _is_applied_elsewhere(draft, command)
        return replace(result, applied_elsewhere=elsewhere, ignored_parts=command.ignored_parts)
    return result


def _is_applied_elsewhere(draft: PersonDraft, command: Identify) -> bool:
    """Whether the reference matched no person, and the person did not get it (identity-rules §4, row d)."""
    own = draft.id if command.reference.kind is ID else draft.email_key
    return draft.reference_is_update and own != command.reference.key


def _attribute_updates(rules: IdentityRules, command: Identify) -> AttributeUpdates:
    """The attribute updates of a command; in IDOnly the email is an attribute."""
    updates = command.attributes
    if not IDENTIFIER_NAMES.isdisjoint(updates):
        updates = without_identifiers(updates)
    if rules.mode is ID_ONLY and command.email is not ABSENT:
        return {**updates, PLAIN_EMAIL: command.email if isinstance(command.email, str) else None}
    return updates


def _updated_person(draft: PersonDraft, command: Identify, updates: AttributeUpdates, *, at: float, now: int) -> Person:
    """The person with the decided identifiers and the command's attributes."""
    before, attribute_updates = draft.before, updates
    if PLAIN_EMAIL in updates:
        value = command.email if isinstance(command.email, str) else None
        draft.write(EMAIL, value, command.email_key)
        attribute_updates = without_identifiers(updates)
    attributes = updated_attributes({} if before is None else before.attributes, attribute_updates)
    inserted_at = now if before is None else before.inserted_at
    return Person(
        cio_id=draft.cio_id,
        id=draft.id,
        email=draft.email,
        email_key=draft.email_key,
        attributes=attributes,
        inserted_at=inserted_at,
        created_at=effective_created_at(attributes, inserted_at=inserted_at, now=now),
        attribute_timestamps=updated_timestamps(before, attributes, updates, at=at, inserted_at=inserted_at),
    )


def _rejection(rules: IdentityRules, draft: PersonDraft, after: Person) -> CommandResult | None:
    """The result of a command that is rejected as a whole; None if it is accepted."""
    before, refusals = draft.before, tuple(draft.refusals)
    if len(after.attributes) > MAX_ATTRIBUTES and (before is None or len(after.attributes) > len(before.attributes)):
        return CommandResult(effect=Effect.REJECTED, reason=refusal_reasons.TOO_MANY_ATTRIBUTES, refusals=refusals)
    # Reject the whole command: there is no person yet for whom a refusal could be recorded.
    if before is None and rules.mode is EMAIL_OR_ID and id_is_another_email(after.id, after.email_key):
        reason, field = refusal_reasons.NEW_ID_IS_AN_EMAIL, "identifiers.id"  # an id in the body would be refused
        return CommandResult(effect=Effect.REJECTED, reason=reason, refusals=refusals, field=field, value=after.id)
    return None


def _apply(
    working_set: WorkingSet, draft: PersonDraft, after: Person, updates: AttributeUpdates, now: int
) -> CommandResult:
    """Write the person into the working set, and log the changes."""
    refusals = tuple(draft.refusals)
    before = draft.before
    if before is None:
        working_set.insert(after)
        activity_log.log_created(working_set, after, now=now)
        return CommandResult(effect=_CREATED, person=after, refusals=refusals)
    changes = value_changes(before, after, updates)
    if draft.merged is not None:
        primary, secondary = draft.merged
        working_set.merge_into(after, secondary.cio_id)
        working_set.events += activity_log.merge_events(primary, secondary, before, automatic=True, now=now)
        activity_log.log_changes(working_set, after, changes, now=now)
        return CommandResult(effect=_UPDATED, person=after, before=primary, secondary=secondary, refusals=refusals)
    same = not changes and before.created_at == after.created_at  # a created_at in the future may have passed
    if same and before.attribute_timestamps == after.attribute_timestamps:
        return CommandResult(effect=Effect.UNCHANGED, person=before, before=before, refusals=refusals)
    working_set.replace(after)
    activity_log.log_changes(working_set, after, changes, now=now)
    return CommandResult(effect=Effect.UNCHANGED if same else _UPDATED, person=after, before=before, refusals=refusals)
