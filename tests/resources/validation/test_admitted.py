"""An admitted object is parsed without validation, with the result that the whole validation has."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconciler.fixtures import ReconcilerEnv
from tests.resources.cases.bad_resources import BAD, RULES
from tests.resources.cases.good_resources import GOOD
from tests.resources.cases.manifest_texts import Bad
from tests.resources.validation.test_client import only_document
from workspace_operator.resources import parsing
from workspace_operator.resources.kubectl.validation import with_defaults, without_nulls
from workspace_operator.resources.problems import InvalidResource, Problem
from workspace_operator.resources.rules import RULES_FOR_EVERY_VALUE
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.workspaces import WorkspaceSpec

HEAD = {"apiVersion": "workspace-operator.dev/v1alpha1", "kind": "Workspace"}
Result = WorkspaceSpec | list[Problem]


def parsed(document: Any) -> Result:
    try:
        return parsing.parse(document).spec
    except InvalidResource as refused:
        return list(refused.problems)


def validated(document: Any) -> Result:
    """The result of the whole validation: the problems, or the spec as the API server would return it."""
    whole = without_nulls(document)
    problems = parsing.undecodable(whole) or parsing.validation_problems(whole, None, rules=RULES_FOR_EVERY_VALUE)
    return problems or WorkspaceSpec.model_validate(with_defaults(resource_schema(), whole)["spec"], strict=False)


def values(*texts: str) -> st.SearchStrategy[Any]:
    """Some texts, some of them wrong, and values of every other type."""
    return st.sampled_from([*texts, None, "", "true", "5", 0, 1, 5.0, 0.5, -1, 2_592_001, True, False, [], {}])


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=fields) | values()


SPECS = objects(
    displayName=values("Shop", "ж" * 100, "ж" * 101, "Shop\u200b"),
    color=values("6B7280", "#0a1B2c", "red", "1122334", "112233\n", "११२२३३"),
    accountName=values("default", "a-9", "Acme", "a-", "a\n", "a" * 63, "a" * 64),
    identifiers=objects(
        mode=values("EmailOrID", "IDOnly", "EmailOnly", "idonly"),
        emailUpdates=values("ByCioID"),
        idUpdates=values("Never", "ByCioID"),
        onConflict=values("Merge", "Fold"),
        id_updates=values("Never"),
    ),
    mergeOptions=objects(multiIdentifier=values("Enabled", "On")),
    sendBehavior=objects(mode=values("Normal", "Test", "Never"), testAddress=values("qa@example.com", "x" * 255)),
    openTracking=values("Disabled"),
    credentials=objects(rotationGraceSeconds=values(), appKeyMay=values("Clean", "clean")),
    deletionPolicy=values("Delete", "Orphan"),
    suspend=values(),
    display_name=values("Shop"),
    open_tracking=values("Disabled"),
)
NAMES = st.just("shop") | values("a" * 241, "a" * 242)


@given(spec=st.just({"displayName": "Shop"}) | SPECS, name=NAMES, status=values(), kind=st.just("Workspace") | values())
def test_result_is_that_of_the_whole_validation(spec: Any, name: Any, status: Any, kind: Any) -> None:
    document = {"apiVersion": HEAD["apiVersion"], "kind": kind, "metadata": {"name": name}, "spec": spec}

    assert parsed(document | {"status": status}) == validated(document)


@given(field=st.sampled_from(["identifiers", "sendBehavior", "color", "accountName", "credentials"]), data=st.data())
def test_one_odd_field_gives_the_result_of_the_whole_validation(field: str, data: st.DataObject) -> None:
    odd = data.draw(SPECS.filter(lambda spec: isinstance(spec, dict) and field in spec))
    document = HEAD | {"metadata": {"name": "shop"}, "spec": {"displayName": "Shop", field: odd[field]}}

    assert parsed(document) == validated(document)


@pytest.mark.parametrize("text", [*GOOD.values(), *(bad.text for bad in BAD)])
def test_manifests_give_the_result_of_the_whole_validation(text: str) -> None:
    """Metadata is an exception: Kubernetes validates it for every kind, whatever the definition says."""
    document, whole = only_document(text), validated(only_document(text))
    kubernetes_validates = isinstance(whole, list) and all(
        problem.path.startswith("metadata") and problem not in [rule.problem for rule in RULES_FOR_EVERY_VALUE]
        for problem in whole
    )

    assert kubernetes_validates or parsed(document) == whole


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_admitted_object_is_not_validated(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = without_nulls(only_document(text))
    admitted = document | {"spec": with_defaults(resource_schema(), document)["spec"]}
    expected = validated(document)
    monkeypatch.delattr(parsing, "validation_problems")

    assert parsed(admitted) == expected


def test_every_rule_has_a_bad_resource() -> None:
    """Else a new rule could be missing in `fulfils_rules`."""
    messages = {bad.we_say for bad in RULES}

    assert [rule for rule in RULES_FOR_EVERY_VALUE if not rule.is_transition and rule.message not in messages] == []


@pytest.mark.parametrize("bad", [bad for bad in RULES if "metadata.name" not in bad.paths], ids=lambda bad: bad.title)
def test_spec_of_a_weaker_definition_is_invalid(bad: Bad) -> None:
    """The API server admitted it, under a definition without the rule; nothing is stored."""
    env = ReconcilerEnv()
    env.apply(**only_document(bad.text)["spec"])

    env.reconcile()

    assert env.reason() == "InvalidSpec"
    assert bad.we_say.splitlines()[0] in env.status()["conditions"][0]["message"]
    assert env.memory.states == {}
