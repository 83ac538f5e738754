"""The people whom decisions are about, also those whom the cleanup merged or deleted."""

from collections.abc import Mapping, Sequence

from workspace_operator.application.ports import Cleanups
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.identity.model.person import Person


def with_former_people(
    cleanups: Cleanups,
    workspace_id: int,
    number: int,
    decisions: Sequence[StoredDecision],
    people: Mapping[str, Person],
) -> Mapping[str, Person]:
    """Add to ``people``, by cio_id, those of the decisions who no longer exist, as they were before the cleanup.

    Raises NotFound if there is no such cleanup.
    """
    gone = [stored for stored in decisions if stored.cio_id not in people]
    return {**cleanups.former_people(workspace_id, number, gone), **people} if gone else people
