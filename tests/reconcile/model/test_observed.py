"""The query of an observation, and the owners of its candidates."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import CLUSTER, NOW, OWNER, candidate, desired, resource
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.observed import ObservedState, WorkspaceQuery
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT


def test_query_names_what_spec_annotation_and_status_name() -> None:
    subject = resource(
        desired=desired(account="acme"), annotations={ADOPT: "9"}, status={"workspaceID": 7, "storeID": "store-1"}
    )

    assert WorkspaceQuery.of(subject, CLUSTER, now=NOW) == WorkspaceQuery(
        owner=OWNER, now=NOW, account="acme", display_name="Shop", from_annotation=9, from_status=7
    )


def test_invalid_spec_searches_no_name() -> None:
    invalid = resource(desired=InvalidSpec(problems=(Problem(path="spec", message="is wrong"),)))

    assert WorkspaceQuery.of(invalid, CLUSTER, now=NOW) == WorkspaceQuery(
        owner=OWNER, now=NOW, account="", display_name=""
    )


@pytest.mark.parametrize("part", ["name_holder", "from_annotation", "from_status"])
def test_owners_are_checked_in_the_own_namespace_only(part: str) -> None:
    near, far = candidate(), candidate(namespace="team-b")

    def checked(found: object) -> object:
        return getattr(ObservedState(**{part: found}).check_owners(OWNER, lambda _: True), part)  # type: ignore[arg-type]

    assert checked(near) == replace(near, owner_is_gone=True)
    assert checked(far) == far
