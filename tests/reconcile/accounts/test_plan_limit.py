"""A workspace over the limit of its account is held back, with the way out (accounts §2.2)."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import NOW, desired, plan_for, resource, stored
from workspace_operator.reconcile.model.actions import CreateWorkspace
from workspace_operator.reconcile.model.observed import (
    MAX_CHECKED_OWNERS,
    MAX_LISTED_PLACES,
    AccountPlaces,
    Candidate,
    ObservedState,
)
from workspace_operator.reconcile.status.messages import MESSAGE_LENGTH
from workspace_operator.workspaces.model import Owner

IN_CLUSTER = "2026-05-01T11:00:00Z"


def candidate(number: int, *, gone: bool = False, display_name: str = "Shop") -> Candidate:
    owner = Owner(cluster="cluster-1", namespace="team-a", name=f"shop-{number}", uid=f"uid-{number}")
    settings = replace(stored().settings, display_name=display_name)
    return Candidate(workspace=stored(workspace_id=number, owner=owner, settings=settings), owner_is_gone=gone)


def message_of(places: AccountPlaces, created_at: str = IN_CLUSTER) -> tuple[str, str]:
    """Reason and message of condition Ready."""
    subject = resource(desired=desired(account="acme"), created_at=created_at)
    plan = plan_for(subject, ObservedState(store_id="store-1", places=places), now=NOW)
    assert plan.requeue
    ready = (plan.status or {})["conditions"][0]
    return ready["reason"], ready["message"]


@pytest.mark.parametrize(
    "places", [None, AccountPlaces(limit=2, taken=(candidate(1),))], ids=["no limit", "free place"]
)
def test_workspace_within_the_limit_is_created(places: AccountPlaces | None) -> None:
    plan = plan_for(resource(), ObservedState(store_id="store-1", places=places), now=NOW)

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_full_account_names_its_workspaces_and_the_command() -> None:
    taken = (candidate(1), candidate(2, gone=True, display_name="Ann's Shop"))

    reason, message = message_of(AccountPlaces(limit=2, taken=taken))

    assert reason == "PlanLimitReached"
    assert 'The account "acme" has 2 of at most 2 workspaces' in message
    assert "delete a released one with all its people, `workspacectl workspaces delete 2 --confirm-name " in message
    assert "--confirm-name 'Ann'\"'\"'s Shop'`, or raise spec.plan.workspaceLimit of the Account." in message
    assert message.endswith(
        "The operator creates this one when the account is below its limit. The workspaces that count: "
        '2 "Ann\'s Shop" (team-a/shop-2, released), 1 "Shop" (team-a/shop-1).'
    )


def test_command_deletes_no_workspace_of_a_resource() -> None:
    _, message = message_of(AccountPlaces(limit=1, taken=(candidate(1),)))

    assert "workspaces delete" not in message
    assert "To make room, delete the Workspace resource of one that nobody needs, after which" in message
    assert "or raise spec.plan.workspaceLimit of the Account" in message


def test_manifest_without_cluster_is_told_to_apply_again() -> None:
    _, message = message_of(AccountPlaces(limit=1, taken=(candidate(1, gone=True),)), created_at="")

    assert "`workspacectl workspaces delete NUMBER --confirm-name NAME`, or raise" in message
    assert message.endswith(
        "Run `workspacectl apply` again when the account is below its limit. The workspaces that count: "
        '1 "Shop" (team-a/shop-1, not among these manifests).'
    )


def test_manifest_of_a_deleted_workspace_is_to_be_removed() -> None:
    _, message = message_of(AccountPlaces(limit=2, taken=(candidate(1, gone=True), candidate(2))), created_at="")

    assert "--confirm-name NAME` (remove its manifest, too, or the next apply creates it again), or raise" in message


def test_way_out_comes_before_a_long_list() -> None:
    taken = tuple(candidate(number, display_name="n" * 100) for number in range(1, 9))

    _, message = message_of(AccountPlaces(limit=8, taken=taken))

    assert len(message) == MESSAGE_LENGTH
    assert "or raise spec.plan.workspaceLimit of the Account" in message


def test_many_workspaces_are_counted() -> None:
    taken = tuple(candidate(number) for number in range(1, 31))

    _, message = message_of(AccountPlaces(limit=30, taken=taken))

    assert '8 "Shop" (team-a/shop-8) and 22 more.' in message


def test_lowered_limit_is_below_what_is_taken() -> None:
    _, message = message_of(AccountPlaces(limit=1, taken=(candidate(1), candidate(2))))

    assert "has 2 of at most 1 workspaces" in message


def lookups(limit: int, taken: int, *, gone: range, known: range = range(0)) -> tuple[list[int], list[int]]:
    """Numbers of the workspaces whose owners are looked up, and of those that are marked as released."""
    asked: list[int] = []

    def is_gone(owner: Owner) -> bool:
        asked.append(int(owner.name.removeprefix("shop-")))
        return asked[-1] in gone

    observed = ObservedState(places=AccountPlaces(limit=limit, taken=tuple(map(candidate, range(taken)))))
    names = frozenset(("team-a", f"shop-{number}") for number in known)
    checked = observed.check_owners(resource().owner("cluster-1"), is_gone, lambda: names).places
    assert checked is not None
    return asked, [each.workspace.workspace_id for each in checked.taken if each.owner_is_gone]


def test_owners_are_looked_up_only_for_a_full_account() -> None:
    assert lookups(2, 1, gone=range(1)) == ([], [])
    assert lookups(1, 1, gone=range(1)) == ([0], [0])


def test_known_owners_are_not_looked_up() -> None:
    assert lookups(100, 100, gone=range(98, 100), known=range(98)) == ([98, 99], [98, 99])


def test_lookups_end_with_the_last_one_that_is_listed() -> None:
    listed = list(range(MAX_LISTED_PLACES))

    assert lookups(1, 100, gone=range(100)) == (listed, listed)


def test_one_reconcile_looks_up_a_part_of_the_owners() -> None:
    assert lookups(1, MAX_CHECKED_OWNERS + 5, gone=range(0)) == (list(range(MAX_CHECKED_OWNERS)), [])
