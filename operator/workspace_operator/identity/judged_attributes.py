"""Judging the attributes whose values decide about people: what is no time is no age (identity-rules §1)."""

from typing import Final

from workspace_operator.identity import reasons
from workspace_operator.identity.attributes import AttributeValue, Wishes
from workspace_operator.identity.cases import Subject
from workspace_operator.identity.outcomes import JudgedAttribute
from workspace_operator.identity.times import is_too_late, time_of

_CREATED_AT: Final = JudgedAttribute.CREATED_AT


def judge_attributes(subject: Subject, wishes: Wishes, *, now: int) -> Wishes:
    """The wishes without those that are refused; the refusals are left on the subject.

    Args:
        subject: whom the call concerns.
        wishes: what the call says of attributes.
        now: Unix seconds.
    """
    if _CREATED_AT not in wishes:
        return wishes
    value = wishes[_CREATED_AT]
    reason = _objection_to_time(value, now)
    if not reason:
        return wishes
    subject.refuse(_CREATED_AT, value, reason)
    return {name: wish for name, wish in wishes.items() if name != _CREATED_AT}


def _objection_to_time(value: AttributeValue | None, now: int) -> str:
    """Why a value is not taken as a time; empty if it is one, or removes one."""
    if value is None or value == "":
        return ""
    seconds = time_of(value)
    if seconds is None:
        return reasons.NO_TIME
    return reasons.IN_THE_FUTURE if is_too_late(seconds, now=now) else ""
