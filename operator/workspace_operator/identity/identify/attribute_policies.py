"""Judging the attributes whose values decide about people: what is no time is no age (identity-rules §1)."""

from typing import Final

from workspace_operator.identity.identify.draft import PersonDraft
from workspace_operator.identity.model.results import CheckedAttribute
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.attributes import AttributeUpdates, AttributeValue
from workspace_operator.identity.values.timestamps import is_in_future, time_of

_CREATED_AT: Final = CheckedAttribute.CREATED_AT


def evaluate_attributes(draft: PersonDraft, updates: AttributeUpdates, *, now: int) -> AttributeUpdates:
    """The wishes without those that are refused; the refusals are left on the subject.

    Args:
        draft: whom the call concerns.
        updates: what the call says of attributes.
        now: Unix seconds.
    """
    if _CREATED_AT not in updates:
        return updates
    value = updates[_CREATED_AT]
    reason = _reason_not_a_time(value, now)
    if not reason:
        return updates
    draft.refuse(_CREATED_AT, value, reason)
    return {name: update for name, update in updates.items() if name != _CREATED_AT}


def _reason_not_a_time(value: AttributeValue | None, now: int) -> str:
    """Why a value is not taken as a time; empty if it is one, or removes one."""
    if value is None or value == "":
        return ""
    seconds = time_of(value)
    if seconds is None:
        return refusal_reasons.NOT_A_TIME
    return refusal_reasons.IN_THE_FUTURE if is_in_future(seconds, now=now) else ""
