"""Merge several people one by one; `identity.merges.bulk_merge` does it at once."""

from collections.abc import Iterable

from workspace_operator.identity.merges.survivorship import survivor
from workspace_operator.identity.model.activity_log import merge_events
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import EMAIL_OR_ID


def merge_all(working_set: WorkingSet, people: Iterable[Person], *, now: int) -> None:
    """The next oldest into the oldest, in a population where several may have one address."""
    primary, *others = sorted(people, key=lambda each: each.age_key)
    for secondary in others:
        merged = survivor(primary, secondary, mode=EMAIL_OR_ID, now=now)
        working_set.merge_into(merged, secondary.cio_id)
        working_set.events += merge_events(primary, secondary, merged, automatic=True, now=now)
        primary = merged
