"""Lists of people that block a migration: every group once, in order, with its decisions."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.store.cleanups.cleanup_env import CleanupEnv
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import GroupCursor, ListedGroup, Listings, ListQuery, PersonCursor, SentPeople
from workspace_operator.cleanups.decisions import CLEAR, KEEP, correct_to, merge_into
from workspace_operator.cleanups.evaluation import OpenReason
from workspace_operator.migrations.model import Violation
from workspace_operator.store.repositories.cleanups import listings as repository
from workspace_operator.store.schema.cleanup_tables import listed_call

ADA, BOB, CARLA = "ada@example.com", "bob@example.com", "carla@example.com"
PEOPLE = {
    "m-1": "broken@",
    "m-2": ADA,
    "m-3": ADA,
    "m-4": ADA,
    "m-5": BOB,
    "m-6": BOB,
    "x@example.com": CARLA,
    "m-7": "also broken",
    "m-8": "fine@example.com",
}
ALL = [["m-1"], ["m-7"], ["m-2", "m-3", "m-4"], ["m-5", "m-6"], ["x@example.com"]]


class Lists:
    """The lists of a workspace."""

    def __init__(self, env: WorkspaceEnv) -> None:
        self.draft = CleanupEnv.blocked(env, PEOPLE)
        listings = env.store.listings
        assert listings is not None
        self.listings: Listings = listings

    def query(self, **given: object) -> ListQuery:
        number = self.draft.env.migration.export
        assert number is not None
        return ListQuery(export_number=number, cleanup_number=self.draft.number, **given)  # type: ignore[arg-type]

    def groups(self, *, limit: int = 25, **given: object) -> Iterator[ListedGroup]:
        """All groups, page by page."""
        after: GroupCursor | None = GroupCursor()
        while after is not None:
            page = self.listings.groups(self.draft.env.workspace_id, self.query(**given), after=after, limit=limit)
            yield from page.groups
            after = page.next


def ids(groups: Iterator[ListedGroup]) -> list[list[str | None]]:
    return [[member.id for member in group.members] for group in groups]


@pytest.mark.parametrize("limit", [1, 2, 3, 25])
def test_every_group_once(sql_env: WorkspaceEnv, limit: int) -> None:
    assert ids(Lists(sql_env).groups(limit=limit)) == ALL


@pytest.mark.parametrize(
    ("violation", "expected"),
    [
        (Violation.DUPLICATE_EMAIL, ALL[2:4]),
        (Violation.INVALID_EMAIL, ALL[:2]),
        (Violation.SUPPRESSED_EMAIL, []),
        (Violation.ID_IS_ANOTHER_EMAIL, ALL[4:]),
    ],
)
def test_groups_of_a_kind(sql_env: WorkspaceEnv, violation: Violation, expected: list[list[str]]) -> None:
    assert ids(Lists(sql_env).groups(violation=violation, limit=1)) == expected


@pytest.mark.parametrize("limit", [1, 25])
@pytest.mark.parametrize(
    ("prefix", "expected"), [("ada", ALL[2:3]), ("b", ALL[3:4]), ("bob@example.com", ALL[3:4]), ("", ALL), ("bobb", [])]
)
def test_groups_whose_address_begins_with_a_text(
    sql_env: WorkspaceEnv, prefix: str, expected: list[list[str]], limit: int
) -> None:
    assert ids(Lists(sql_env).groups(prefix=prefix, limit=limit)) == expected


def test_groups_of_a_kind_whose_address_begins_with_a_text(sql_env: WorkspaceEnv) -> None:
    lists = Lists(sql_env)

    assert ids(lists.groups(prefix="c", violation=Violation.ID_IS_ANOTHER_EMAIL)) == ALL[4:]
    assert ids(lists.groups(prefix="a", violation=Violation.ID_IS_ANOTHER_EMAIL)) == []


def test_people_who_share_an_address_and_are_sent(sql_env: WorkspaceEnv) -> None:
    lists, now = Lists(sql_env), sql_env.store.clock()
    key, export = sql_env.workspace_id, lists.query().export_number
    before = lists.listings.sent_sharers(key, export)
    sent = ["m-1", "m-3", "m-6", "m-8", "x@example.com"]
    rows = [{"workspace_id": key, "cio_id": lists.draft.cio_ids[id_], "at": now} for id_ in sent]
    sql_env.store.sql_database.writing(lambda connection: connection.execute(sa.insert(listed_call), rows))

    exact = lists.listings.sent_sharers(key, export)
    with patch.object(repository, "MAX_SENT", 2):
        at_least = lists.listings.sent_sharers(key, export)

    assert (before, exact, at_least) == (SentPeople(0, True), SentPeople(2, True), SentPeople(1, False))


def test_suppressed_group(sql_env: WorkspaceEnv) -> None:
    sql_env.add("gone", ADA)
    sql_env.suppress(id="gone")

    lists = Lists(sql_env)

    [group] = lists.groups(violation=Violation.SUPPRESSED_EMAIL)
    assert [member.id for member in group.members] == ALL[2]
    assert Violation.SUPPRESSED_EMAIL in group.members[0].violations


def test_group_with_its_decisions(sql_env: WorkspaceEnv) -> None:
    sql_env.add("m-9")
    lists = Lists(sql_env)
    lists.draft.env.identify_person(id="m-2", body={"plan": "gold"})
    lists.draft.decide({"m-2": KEEP, "m-3": merge_into("m-2"), "m-1": CLEAR})

    groups = {group.key: group for group in lists.groups(attributes=("plan", "none"), members=2)}

    group = groups[ADA]
    assert (group.people, group.decisions, len(group.members)) == (3, 2, 2)
    assert [member.decision and member.decision.decision for member in group.members] == [
        KEEP,
        lists.draft.named(merge_into("m-2")),
    ]
    assert [member.values for member in group.members] == [("gold", None), (None, None)]
    assert group.evaluation is not None
    assert (group.evaluation.is_settled, group.evaluation.blocking) == (False, 2)
    assert groups[BOB].evaluation is None
    alone = groups[lists.draft.cio_ids["m-1"]]
    assert (alone.email_key, alone.people, alone.decisions) == (None, 1, 1)
    assert alone.evaluation is not None
    assert alone.evaluation.is_settled


def test_members_after_a_position(sql_env: WorkspaceEnv) -> None:
    lists = Lists(sql_env)
    workspace_id, query = lists.draft.env.workspace_id, lists.query(members=2)
    first = lists.listings.group(workspace_id, query, ADA)
    assert first is not None
    last = first.members[-1]

    rest = lists.listings.group(workspace_id, query, ADA, after=PersonCursor(last.created_at, last.cio_id))

    assert rest is not None
    assert [member.id for member in (*first.members, *rest.members)] == ALL[2]
    assert lists.listings.group(workspace_id, query, "nobody@example.com") is None


def test_find(sql_env: WorkspaceEnv) -> None:
    lists = Lists(sql_env)

    def found(text: str) -> list[str | None] | None:
        group = lists.listings.find(lists.draft.env.workspace_id, lists.query(), text)
        return None if group is None else [member.id for member in group.members]

    assert found("m-3") == found("Ada@Example.com") == found(lists.draft.cio_ids["m-4"]) == ALL[2]
    assert found("m-1") == found(lists.draft.cio_ids["m-1"]) == ["m-1"]
    assert found("x@example.com") == ["x@example.com"]
    assert found("m-8") is found("fine@example.com") is found("?") is None


def test_differences_are_those_to_the_first_member(sql_env: WorkspaceEnv) -> None:
    lists = Lists(sql_env)
    sql_env.identify_person(id="m-2", body={"plan": "gold", "chapter": "Kiel", "visits": 1})
    sql_env.identify_person(id="m-3", body={"plan": "gold", "visits": True, "city": "Bremen"})

    [group] = [each for each in lists.groups(differences=True) if each.key == ADA]

    assert [member.differences for member in group.members] == [
        {},
        {"chapter": None, "city": "Bremen", "visits": True},
        {"chapter": None, "plan": None, "visits": None},
    ]
    assert [member.differences for member in next(lists.groups()).members] == [{}]


def test_correction_tells_what_it_leads_to(sql_env: WorkspaceEnv) -> None:
    lists = Lists(sql_env)
    lists.draft.decide({"m-3": correct_to("Fine@Example.com"), "m-4": correct_to("m4@example.com"), "m-2": KEEP})

    [group] = [each for each in lists.groups() if each.key == ADA]

    assert [member.new_group and member.new_group.reasons for member in group.members] == [
        None,
        (OpenReason.TAKEN,),
        (),
    ]


def test_violations_are_reported_by_person(sql_env: WorkspaceEnv) -> None:
    lists = Lists(sql_env)
    number = lists.draft.env.migration.export
    assert number is not None
    wanted = [lists.draft.cio_ids[id_] for id_ in ("m-1", "m-2", "m-8")]

    found = lists.listings.violations(lists.draft.env.workspace_id, number, wanted)

    assert found == {
        wanted[0]: frozenset({Violation.INVALID_EMAIL}),
        wanted[1]: frozenset({Violation.DUPLICATE_EMAIL}),
    }
