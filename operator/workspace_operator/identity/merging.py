"""Automatic merge: when an identify call makes one person of two (identity-rules §5)."""

from workspace_operator.identity.cases import Case
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import CIO_ID, EMAIL_OR_ID, ID
from workspace_operator.identity.survivors import elder_first


def merge_partners(case: Case) -> tuple[Person, Person] | None:
    """Primary and secondary, by their ages before the call, if all of §5's conditions hold.

    They are the subject and the owner of the wished value. Imports were turned away before (§3, last row).
    """
    reference, subject, other = case.call.reference, case.subject.before, case.owner
    if not case.rules.merge_multi_identifier or case.rules.mode is not EMAIL_OR_ID:
        return None
    if reference.kind is CIO_ID or case.kind is reference.kind or subject is None or other is None:
        return None
    by_id, by_email = (subject, other) if reference.kind is ID else (other, subject)
    if by_id.email is not None or by_email.id is not None:
        return None
    return elder_first(subject, other)
