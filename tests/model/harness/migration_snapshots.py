"""What a workspace whose identifiers change must look like, by the model's word."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.model.harness.migrating_store import SEGMENTS
from tests.model.harness.snapshots import State, activity_shown, state_of
from tests.model.reference.migrations import MigratingModel
from workspace_operator.identity.model.person_events import ActivityType


def expected(model: MigratingModel, result: State) -> State:
    """What the model knows, less what the journal is slow to tell: merges of the change that are not folded."""
    state = {**state_of(model)}
    journal = list(state["journal"].values())
    late = _late(model, journal, result["journal"])
    people = model.people.values()
    return state | {
        "activities": _less(state["activities"], [_activity_of(each) for each in late]),
        "names": [],
        "members": {
            str(segment): sorted(each.cio_id for each in people if segment in each.segments) for segment in SEGMENTS
        },
        "counts": model.counts(),
        "checked": model.counts(),
        "violations": model.violations(),
        "journal": _less(journal, late),
        "exports": {number: model.exports[int(number)] for number in result["exports"]},
    }


def _late(model: MigratingModel, journal: Sequence[Any], result: Sequence[Any]) -> list[Any]:
    """Entries that are not told yet; only those of a change whose groups are being folded may be that."""
    late = _less(journal, result)
    migration = model.change
    entries = [] if migration is None or not (migration.is_open and migration.switched) else migration.entries
    may_be = {(each.primary.cio_id, each.secondary.cio_id, each.at) for each in entries}
    assert {(each[0], each[1], each[4]) for each in late} <= may_be, late
    return late


def _less(all_: Sequence[Any], some: Sequence[Any]) -> list[Any]:
    """What is left; nothing that was not there can be taken away."""
    left = Counter(map(repr, some))
    rest = []
    for each in all_:
        if left[repr(each)]:
            left[repr(each)] -= 1
        else:
            rest.append(each)
    return rest


def _activity_of(merged: Sequence[Any]) -> tuple[str, ...]:
    """The activity that a merge of the change leaves behind."""
    survivor, at = merged[2], merged[4]
    data = {"automatic": True}
    return activity_shown(
        type_=ActivityType.PROFILE_MERGE, owner_label=survivor, at=at, name="", anonymous_id=None, data=data
    )
