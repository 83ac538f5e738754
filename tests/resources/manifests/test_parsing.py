"""The operator reads what an API server has admitted, perhaps under other rules than today's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.resources.cases.statuses import GOOD_STATUS
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import EmailUpdates
from workspace_operator.resources.documents import Toggle
from workspace_operator.resources.parsing import parse, validate_manifest
from workspace_operator.resources.problems import InvalidResource, Problem
from workspace_operator.sending.rules import SendMode

HEAD = {"apiVersion": "workspace-operator.dev/v1alpha1", "kind": "Workspace"}


def document(spec: Any, **others: Any) -> dict[str, Any]:
    return HEAD | {"metadata": {"name": "shop"}, "spec": spec} | others


def test_absent_settings_have_defaults() -> None:
    workspace = parse(document({"displayName": "Shop"}))

    assert workspace.spec.identifiers.mode is None
    assert workspace.spec.identifiers.email_updates is EmailUpdates.BY_ID_OR_CIO_ID
    assert workspace.spec.merge_options.multi_identifier is Toggle.ENABLED
    assert workspace.spec.send_behavior.mode is SendMode.NORMAL
    assert workspace.spec.plain_color == "6B7280"


@pytest.mark.parametrize(("given", "plain"), [("#0a1b2c", "0A1B2C"), ("0a1B2c", "0A1B2C"), ("FFFFFF", "FFFFFF")])
def test_colours_have_one_spelling(given: str, plain: str) -> None:
    assert parse(document({"displayName": "Shop", "color": given})).spec.plain_color == plain


def test_unknown_fields_are_ignored() -> None:
    later = document({"displayName": "Shop", "credentials": {"x": 1}}, extra=1)

    assert parse(later).spec.display_name == "Shop"


def test_every_problem_is_reported() -> None:
    with pytest.raises(InvalidResource) as refused:
        parse(document({"displayName": "", "color": "red"}))

    assert isinstance(refused.value, InvalidInput)
    assert refused.value.field == "spec.displayName"
    assert [problem.path for problem in refused.value.problems] == ["spec.displayName", "spec.color"]
    assert "spec.color: must be six" in str(refused.value)


def test_new_values_are_judged_by_manifests_only() -> None:
    """The operator reads an admitted resource; whether its texts are new, the reconcile knows."""
    spec = {"displayName": "Shop\u200b", "sendBehavior": {"mode": "Test", "testAddress": "a@b@example.com"}}

    assert [problem.path for problem in validate_manifest(document(spec))] == [
        "spec.displayName",
        "spec.sendBehavior.testAddress",
    ]
    assert validate_manifest(document(spec | {"suspend": True}), document(spec)) == []
    assert parse(document(spec)).spec.display_name == "Shop\u200b"


def test_another_kind_is_refused() -> None:
    with pytest.raises(InvalidResource, match="kind: must be Workspace"):
        parse(document({"displayName": "Shop"}, kind="Sheep"))


@pytest.mark.parametrize("old", [{}, {"spec": None}, document({"identifiers": 5}), document({"color": "x"})])
def test_what_was_never_a_workspace_forbids_nothing(old: Any) -> None:
    new = document({"displayName": "Shop", "identifiers": {"mode": "EmailOnly"}, "accountName": "acme"})
    status = {"status": {"identifiers": {"mode": "IDOnly"}}}

    assert validate_manifest(new, old | status) == []


def test_changes_are_judged_whatever_the_status_holds() -> None:
    new = document({"displayName": "Shop", "identifiers": {"mode": "EmailOnly"}})
    old = document({"displayName": "Shop"}, status=GOOD_STATUS)

    assert [problem.path for problem in validate_manifest(new, old)] == ["spec.identifiers.mode"]


def test_lists_in_metadata_are_read() -> None:
    owner = {"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "1", "controller": True}
    metadata = {"name": "shop", "ownerReferences": [owner], "managedFields": [{"fieldsV1": {"f:spec": {}}}, 5]}

    assert validate_manifest(document({"displayName": "Shop"}, metadata=metadata)) == []


def test_annotations_may_not_fill_the_store() -> None:
    metadata = {"name": "shop", "annotations": {"a": "ж" * 65_536, "b": "ж" * 65_536}}

    (problem,) = validate_manifest(document({"displayName": "Shop"}, metadata=metadata))

    assert problem == Problem(path="metadata.annotations", message="must be at most 262144 bytes in all")


def test_problem_of_the_whole_has_no_path() -> None:
    assert str(Problem(path="", message="must be an object")) == "must be an object"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    *("displayName", "color", "accountName", "identifiers", "mode", "idUpdates", "sendBehavior", "testAddress"),
    *("conditions", "observedGeneration", "name", "labels", "annotations", "finalizers", "ownerReferences"),
)
objects = st.recursive(
    json_values,
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5) | st.lists(inner, max_size=2),
    max_leaves=20,
)


@given(metadata=objects, spec=objects, status=objects, old=st.none() | st.fixed_dictionaries({"spec": objects}))
def test_nothing_but_refusals_comes_of_any_document(metadata: Any, spec: Any, status: Any, old: Any) -> None:
    whole = HEAD | {"metadata": metadata, "spec": spec, "status": status}

    problems = validate_manifest(whole, old)

    unknown = [problem for problem in problems if "is not a field" in problem.message]
    assert problems == unknown or set(refusals(whole)) <= set(problems)


def refusals(whole: Any) -> list[Problem]:
    try:
        parse(whole)
    except InvalidResource as refused:
        return list(refused.problems)
    return []
