"""Who stands in the way of enabling email (identity-rules §7), by looking at everybody."""

from collections import Counter
from collections.abc import Collection

from workspace_operator.application.ports import ViolationRow
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.migrations.model import OnConflict, ViolationCounts
from workspace_operator.workspaces.model import PeopleCounts


def people_counts(working_set: WorkingSet) -> PeopleCounts:
    people = working_set.people.values()
    return PeopleCounts(
        total=len(people),
        with_email=sum(each.email is not None for each in people),
        without_id=sum(each.id is None for each in people),
        without_identifier=sum(each.id is None and each.email_key is None for each in people),
    )


def violation_rows(working_set: WorkingSet, on_conflict: OnConflict = OnConflict.BLOCK) -> list[ViolationRow]:
    """In the order of the export: people without an e-mail key first, then by key, age and cio_id."""
    sharing = Counter(each.email_key for each in working_set.people.values())
    if on_conflict is OnConflict.MERGE:
        sharing = Counter(set(sharing))  # who shares an address stands in nobody's way
    rows = [
        ViolationRow(
            cio_id=each.cio_id,
            id=each.id,
            email=each.email,
            email_key=each.email_key,
            created_at=each.created_at,
            sharing=1 if each.email_key is None else sharing[each.email_key],
            invalid_email=each.email_is_invalid,
            suppressed_email=each.email_key is not None
            and (IdentifierKind.EMAIL, each.email_key) in working_set.suppressed,
            id_is_another_email=each.id_is_another_email,
        )
        for each in working_set.people.values()
    ]
    return sorted(filter(_is_violation, rows), key=lambda row: (row.email_key or "", row.created_at, row.cio_id))


def _is_violation(row: ViolationRow) -> bool:
    return row.sharing > 1 or row.invalid_email or row.suppressed_email or row.id_is_another_email


def violation_counts(rows: Collection[ViolationRow]) -> ViolationCounts:
    return ViolationCounts(
        duplicate_email=sum(row.sharing > 1 for row in rows),
        invalid_email=sum(row.invalid_email for row in rows),
        suppressed_email=sum(row.suppressed_email for row in rows),
        id_is_another_email=sum(row.id_is_another_email for row in rows),
        people_concerned=len(rows),
    )
