"""The CustomResourceDefinition says of every field what it is, and is what the models say."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.reconcile.status_readers import flux_refusals, kstatus
from workspace_operator.resources import schema
from workspace_operator.resources.parsing import status_problems
from workspace_operator.resources.rules import RULES
from workspace_operator.resources.schema import WORKSPACE, definition, main, rendered, resource_schema
from workspace_operator.resources.statuses import DEFAULT_STATUS, WorkspaceStatus
from workspace_operator.resources.workspaces import Workspace, WorkspaceSpec

CRD = Path(schema.__file__).parents[3] / "crds" / WORKSPACE.crd_file
NOT_STRUCTURAL = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "title", "const", "nullable", "additionalProperties"}


def fields(node: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field with its dotted name; entries of a list are called name[]."""
    for child, known in node.get("properties", {}).items():
        path = f"{name}.{child}".removeprefix(".")
        yield path, known
        yield from fields(known, path)
        yield from fields(known.get("items", {}), f"{path}[]")


FIELDS = dict(fields(resource_schema()))
DESCRIBED = {path: known for path, known in FIELDS.items() if not path.startswith("metadata")}


def test_committed_definition_is_fresh() -> None:
    assert CRD.read_text(encoding="utf-8") == rendered()
    assert main(["--check"]) == 0


def test_stale_definition_is_noticed_and_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "is outdated" in capsys.readouterr().err

    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert (tmp_path / WORKSPACE.crd_file).read_text() == rendered()


@pytest.mark.parametrize("path", DESCRIBED)
def test_description_starts_with_field_name(path: str) -> None:
    name = path.rpartition(".")[2]

    assert DESCRIBED[path]["description"].startswith(f"{name} ")
    assert DESCRIBED[path]["description"].endswith(".")


@pytest.mark.parametrize("path", FIELDS)
def test_field_is_structural_and_bounded(path: str) -> None:
    known = FIELDS[path]

    assert not NOT_STRUCTURAL & known.keys()
    assert known["type"] in {"object", "array", "string", "integer", "boolean"}
    if path.startswith(("spec", "status")) and known["type"] == "string":
        assert {"maxLength", "enum", "format"} & known.keys()
        assert {"minLength", "enum", "format"} & known.keys()
    if known["type"] == "integer":
        assert {"minimum", "maximum"} <= known.keys()
    if known["type"] == "array":
        assert {"maxItems", "x-kubernetes-list-type"} <= known.keys()


def test_objects_with_defaults_default_to_nothing() -> None:
    spec = resource_schema()["properties"]["spec"]["properties"]

    assert [spec[name]["default"] for name in ("identifiers", "mergeOptions", "sendBehavior", "credentials")] == [
        {}
    ] * 4


def test_defaults_are_those_of_the_models() -> None:
    expected = WorkspaceSpec(display_name="Shop").as_document()

    for path, known in FIELDS.items():
        if path.startswith("spec.") and known.get("default"):
            value: Any = expected
            for step in path.split(".")[1:]:
                value = value[step]
            assert value == known["default"]


def test_mode_has_no_default() -> None:
    assert "default" not in FIELDS["spec.identifiers.mode"]
    assert "default" not in FIELDS["spec.identifiers.idUpdates"]


def test_status_has_one_default_only() -> None:
    inside = [path for path, known in FIELDS.items() if path.startswith("status.") and "default" in known]

    assert inside == []
    assert FIELDS["status"]["default"] == DEFAULT_STATUS
    assert next(iter(FIELDS["status"]["properties"])) == "conditions"


def test_conditions_are_a_map_by_type() -> None:
    conditions = FIELDS["status.conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert set(conditions["items"]["required"]) == {
        "type",
        "status",
        "observedGeneration",
        "lastTransitionTime",
        "reason",
        "message",
    }


def test_names_are_those_that_users_type() -> None:
    spec = definition()["spec"]

    assert (spec["group"], spec["scope"]) == ("workspace-operator.dev", "Namespaced")
    assert spec["names"] == {
        "kind": "Workspace",
        "listKind": "WorkspaceList",
        "plural": "workspaces",
        "singular": "workspace",
        "shortNames": ["ws"],
        "categories": ["messaging"],
    }


def test_columns_are_short_and_wide() -> None:
    columns = definition()["spec"]["versions"][0]["additionalPrinterColumns"]

    assert [column["name"] for column in columns if "priority" not in column] == [
        "Ready",
        "Reason",
        "Identifiers",
        "People",
        "Age",
    ]
    assert [column["name"] for column in columns if column.get("priority") == 1] == [
        "Display Name",
        "Send",
        "Waiting",
        "Workspace ID",
        "Suspended",
        "Message",
    ]


def test_selectable_fields_are_single_values() -> None:
    paths = [each["jsonPath"] for each in definition()["spec"]["versions"][0]["selectableFields"]]

    assert {FIELDS[path.removeprefix(".")]["type"] for path in paths} <= {"string", "boolean", "integer"}
    assert 0 < len(paths) <= 8


def test_definition_has_the_usual_labels() -> None:
    assert definition()["metadata"]["labels"]["app.kubernetes.io/name"] == "workspace-operator"


def test_resource_without_a_visit_reads_right_to_tools() -> None:
    assert list(flux_refusals(1, DEFAULT_STATUS)) == []
    assert kstatus(1, DEFAULT_STATUS, deleting=False) == "InProgress"
    assert status_problems(DEFAULT_STATUS) == []
    assert WorkspaceStatus.model_validate(DEFAULT_STATUS).as_document() == DEFAULT_STATUS


def test_every_rule_is_in_the_definition() -> None:
    found = [known.get("x-kubernetes-validations", []) for known in (resource_schema(), *FIELDS.values())]

    assert sorted(entry["rule"] for entries in found for entry in entries) == sorted(
        rule.as_document()["rule"] for rule in RULES
    )


def test_definition_is_plain_yaml() -> None:
    text = CRD.read_text(encoding="utf-8")

    assert yaml.safe_load(text) == definition()
    assert "&id" not in text


def test_every_field_of_the_models_is_in_the_schema() -> None:
    assert set(Workspace.model_fields) == {"api_version", "kind", "metadata", "spec", "status"}
    assert set(FIELDS["spec"]["properties"]) == {
        "displayName", "color", "accountName", "identifiers", "mergeOptions", "sendBehavior", "openTracking",
        "sending", "credentials", "deletionPolicy", "suspend",
    }  # fmt: skip
