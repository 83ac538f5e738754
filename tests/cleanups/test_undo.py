"""Undo of a correction, a cleared address and a deletion: each row of cleanups §7."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.docs.pages import rows
from tests.identity.builders import NOW, person
from workspace_operator.cleanups.decisions import CLEAR, DecisionKind
from workspace_operator.cleanups.model import Outcome, StoredDecision
from workspace_operator.cleanups.undo import (
    PersonRecord,
    PreviewedDecision,
    UndoPreview,
    UndoReason,
    outcome_of,
    undo_deletion,
    undo_email,
    undo_recorded,
)
from workspace_operator.identity.model.attribute_timestamps import PLAIN_EMAIL
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.rules import EMAIL, ID, Mode

ADA, NEW = "ada@example.com", "new@example.com"
BEFORE = replace(person("p1", "m-1", ADA), attribute_timestamps={PLAIN_EMAIL: 5.0, "plan": 6.0})
CORRECTED = replace(person("p1", "m-1", NEW), attribute_timestamps={PLAIN_EMAIL: 9.0, "plan": 7.0})
CLEARED = person("p1", "m-1")
OTHER = person("p2", "m-2", ADA)
SUPPRESSED_EMAIL = Suppression(kind=EMAIL, key=ADA, suppression_id="s")
SUPPRESSED_ID = Suppression(kind=ID, key="m-1", suppression_id="s")
ID_ONLY, BOTH = Mode.ID_ONLY, Mode.EMAIL_OR_ID


def people(*loaded: Person, mode: Mode = ID_ONLY, suppressions: tuple[Suppression, ...] = ()) -> WorkingSet:
    return WorkingSet(mode=mode, people=loaded, suppressions=suppressions)


def test_reasons_are_those_of_the_page() -> None:
    in_page = [row[0].strip("`") for row in rows("docs/spec/cleanups.md", "reason")]
    of_emails = in_page[in_page.index(UndoReason.ERASED) :][:7]

    assert sorted(of_emails) == sorted(
        set(UndoReason) - {UndoReason.SURVIVOR_GONE, UndoReason.MERGED_AGAIN, UndoReason.IDENTIFIERS_MISSING}
    )


@pytest.mark.parametrize(
    ("now", "new_email", "before", "reason"),
    [
        (people(CORRECTED), NEW, BEFORE, None),
        (people(CLEARED), None, BEFORE, None),
        (people(CORRECTED, OTHER), NEW, BEFORE, None),
        (people(CLEARED), None, person("p1", "m-1", "broken@"), None),
        (people(person("p1", "x@x.com", "x@x.com")), "x@x.com", person("p1", "x@x.com"), None),
        (people(CORRECTED, mode=BOTH), NEW, BEFORE, None),
        (people(OTHER), NEW, BEFORE, UndoReason.PERSON_GONE),
        (people(person("p1", "m-1", "later@example.com")), NEW, BEFORE, UndoReason.CHANGED),
        (people(CORRECTED, suppressions=(SUPPRESSED_EMAIL,)), NEW, BEFORE, UndoReason.EMAIL_SUPPRESSED),
        (people(CORRECTED, OTHER, mode=BOTH), NEW, BEFORE, UndoReason.EMAIL_TAKEN),
        (people(CLEARED, mode=BOTH), None, person("p1", "m-1", "broken@"), UndoReason.EMAIL_INVALID),
        (
            people(person("p1", "x@x.com", "x@x.com"), mode=BOTH),
            "x@x.com",
            person("p1", "x@x.com", ADA),
            UndoReason.ID_IS_ANOTHER_EMAIL,
        ),
        (
            people(person("p1", "x@x.com", "x@x.com"), mode=BOTH),
            "x@x.com",
            person("p1", "x@x.com"),
            UndoReason.ID_IS_ANOTHER_EMAIL,
        ),
    ],
)
def test_former_address(now: WorkingSet, new_email: str | None, before: Person, reason: UndoReason | None) -> None:
    untouched = now.people.get("p1")

    assert undo_email(now, PersonRecord(before=before, new_email=new_email), now=NOW) is reason

    found = now.people.get("p1")
    if reason is None:
        assert found is not None
        assert (found.email, found.email_key) == (before.email, before.email_key)
        assert [type(event) for event in now.events] == [ActivityLogged]
    else:
        assert found is untouched
        assert not now.events


def test_former_address_has_its_former_time() -> None:
    now = people(CORRECTED)

    undo_email(now, PersonRecord(before=BEFORE, new_email=NEW), now=NOW)

    assert now.people["p1"].attribute_timestamps == {PLAIN_EMAIL: 5.0, "plan": 7.0}


@pytest.mark.parametrize(
    ("now", "before", "restored", "reason"),
    [
        (people(), BEFORE, BEFORE, None),
        (people(OTHER), BEFORE, BEFORE, None),
        (people(), person("p1", "m-1", "broken@"), person("p1", "m-1", "broken@"), None),
        (people(person("p9", "m-1")), OTHER, OTHER, None),
        (people(person("p9", "m-1")), BEFORE, replace(BEFORE, id=None), UndoReason.IDENTIFIERS_MISSING),
        (people(suppressions=(SUPPRESSED_ID,)), BEFORE, replace(BEFORE, id=None), UndoReason.IDENTIFIERS_MISSING),
        (
            people(suppressions=(SUPPRESSED_EMAIL,)),
            BEFORE,
            replace(BEFORE, email=None, email_key=None),
            UndoReason.IDENTIFIERS_MISSING,
        ),
        (
            people(OTHER, mode=BOTH),
            BEFORE,
            replace(BEFORE, email=None, email_key=None),
            UndoReason.IDENTIFIERS_MISSING,
        ),
        (people(mode=BOTH), person("p1", "x@x.com", ADA), person("p1", None, ADA), UndoReason.IDENTIFIERS_MISSING),
        (people(mode=BOTH), BEFORE, BEFORE, None),
    ],
)
def test_deleted_person(now: WorkingSet, before: Person, restored: Person, reason: UndoReason | None) -> None:
    assert undo_deletion(now, PersonRecord(before=before, new_email=None), now=NOW) is reason
    assert now.people[before.cio_id] == restored
    assert [type(event) for event in now.events] == [ActivityLogged]


CHANGE_OF_EMAIL = PersonRecord(before=BEFORE, new_email=NEW)


@pytest.mark.parametrize(
    ("kind", "now", "record", "email", "reason"),
    [
        (DecisionKind.CORRECT, people(CORRECTED), CHANGE_OF_EMAIL, ADA, None),
        (DecisionKind.CLEAR, people(CLEARED), PersonRecord(before=BEFORE, new_email=None), ADA, None),
        (DecisionKind.DELETE, people(), PersonRecord(before=BEFORE, new_email=None), ADA, None),
        (DecisionKind.CORRECT, people(CORRECTED), None, NEW, UndoReason.ERASED),
        (DecisionKind.KEEP, people(CORRECTED), None, NEW, None),
    ],
)
def test_undo_follows_the_kind_of_the_decision(
    kind: DecisionKind, now: WorkingSet, record: PersonRecord | None, email: str, reason: UndoReason | None
) -> None:
    assert undo_recorded(now, kind, record, now=NOW) is reason

    assert now.people["p1"].email == email


def test_outcome_follows_from_the_reason() -> None:
    outcomes = {reason: outcome_of(reason) for reason in (None, *UndoReason)}

    assert outcomes.pop(None) is Outcome.UNDONE
    assert outcomes.pop(UndoReason.IDENTIFIERS_MISSING) is Outcome.UNDONE_IN_PART
    assert set(outcomes.values()) == {Outcome.NOT_UNDONE}


def test_preview_counts_what_is_restored_whole_in_part_and_not_at_all() -> None:
    reasons = [None, None, UndoReason.IDENTIFIERS_MISSING, UndoReason.CHANGED, UndoReason.CHANGED, UndoReason.ERASED]
    stored = StoredDecision(
        cio_id="p1",
        decision=CLEAR,
        seen_email_key=ADA,
        decided_at=datetime(2026, 11, 30, tzinfo=UTC),
        decided_by="lena@club.example",
    )

    preview = UndoPreview(decisions=9, examined=[PreviewedDecision(stored, reason) for reason in reasons])

    assert (preview.whole, preview.in_part, preview.not_undone) == (2, 1, 3)
    assert preview.reasons == {UndoReason.IDENTIFIERS_MISSING: 1, UndoReason.CHANGED: 2, UndoReason.ERASED: 1}
