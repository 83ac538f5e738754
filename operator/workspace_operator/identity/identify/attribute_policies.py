"""Attribute policies: ``created_at`` decides which person is older, so it must be a time (identity-rules §1)."""

from typing import Final

from workspace_operator.identity.identify.draft import PersonDraft
from workspace_operator.identity.model.results import CheckedAttribute
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.attributes import AttributeUpdates, AttributeValue
from workspace_operator.identity.values.timestamps import is_in_future, time_of

_CREATED_AT: Final = CheckedAttribute.CREATED_AT


def evaluate_attributes(draft: PersonDraft, updates: AttributeUpdates, *, now: int) -> AttributeUpdates:
    """Return the updates without the refused ones, and record the refusals on the draft."""
    if _CREATED_AT not in updates:
        return updates
    value = updates[_CREATED_AT]
    reason = _reason_not_a_time(value, now)
    if reason is None:
        return updates
    draft.refuse(_CREATED_AT, value, reason)
    return {name: update for name, update in updates.items() if name != _CREATED_AT}


def _reason_not_a_time(value: AttributeValue | None, now: int) -> str | None:
    """The reason why a value is refused as a time; None if it is a time, or removes the attribute."""
    if value is None or value == "":
        return None
    seconds = time_of(value)
    if seconds is None:
        return refusal_reasons.NOT_A_TIME
    return refusal_reasons.IN_THE_FUTURE if is_in_future(seconds, now=now) else None
