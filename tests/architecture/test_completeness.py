"""Each place that a new spec field, route or migration stage touches (CONTRIBUTING.md, "Your first change")."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from itertools import chain
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.api.threaded_server import ThreadedServer
from tests.docs.pages import REPOSITORY
from workspace_operator import web
from workspace_operator.application.operator.parsing import parse_resource
from workspace_operator.migrations.state_machine import TERMINAL, TRANSITIONS, Stage, Step
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.plan.diff import FIELDS
from workspace_operator.reconcile.status.migration_messages import STAGE_MESSAGES
from workspace_operator.resources.schema import WORKSPACE, resource_schema
from workspace_operator.store.migrations.stages import STEPS
from workspace_operator.store.schema import mappers
from workspace_operator.store.schema.tables import workspace
from workspace_operator.web.app import all_routes
from workspace_operator.web.openapi import document
from workspace_operator.workspaces.model import Settings

Spec = Mapping[str, Any]

METHODS = {"get", "put", "post", "delete", "patch"}

EDITS: Mapping[str, tuple[Spec, Spec]] = {
    "displayName": ({"displayName": "A"}, {"displayName": "B"}),
    "color": ({"color": "000000"}, {"color": "FFFFFF"}),
    "accountName": ({"accountName": "a"}, {"accountName": "b"}),
    "identifiers.mode": ({}, {"identifiers": {"mode": "IDOnly"}}),
    "identifiers.emailUpdates": ({}, {"identifiers": {"emailUpdates": "ByCioID"}}),
    "identifiers.idUpdates": (
        {"identifiers": {"mode": "IDOnly"}},
        {"identifiers": {"mode": "IDOnly", "idUpdates": "ByCioID"}},
    ),
    "identifiers.onConflict": ({}, {"identifiers": {"onConflict": "Merge"}}),
    "mergeOptions.multiIdentifier": ({}, {"mergeOptions": {"multiIdentifier": "Disabled"}}),
    "sendBehavior.mode": ({}, {"sendBehavior": {"mode": "Never"}}),
    "sendBehavior.testAddress": (
        {"sendBehavior": {"mode": "Test", "testAddress": "a@example.com"}},
        {"sendBehavior": {"mode": "Test", "testAddress": "b@example.com"}},
    ),
    "openTracking": ({}, {"openTracking": "Disabled"}),
    "sending.transport": ({}, {"sending": {"transport": "bulk"}}),
    "sending.from": ({}, {"sending": {"from": "Shop <hello@shop.example>"}}),
    "credentials.rotationGraceSeconds": ({}, {"credentials": {"rotationGraceSeconds": 5}}),
    "credentials.appKeyMay": ({}, {"credentials": {"appKeyMay": "Clean"}}),
    "deletionPolicy": ({}, {"deletionPolicy": "Delete"}),
    "suspend": ({}, {"suspend": True}),
}
"""An edit of each field of the spec: two specs that differ in this field only."""


def resource(spec: Spec) -> Resource:
    metadata = {"name": "shop", "namespace": "team", "uid": "u1"}
    identity = {"apiVersion": "workspace-operator.dev/v1alpha1", "kind": "Workspace"}
    return parse_resource({**identity, "metadata": metadata, "spec": {"displayName": "Shop", **spec}})


def settings(spec: Spec) -> Settings:
    desired = resource(spec).desired
    assert isinstance(desired, DesiredState), desired
    return desired.settings


def changed_settings(path: str) -> set[str]:
    """The fields of Settings that the edit of a spec field changes."""
    before, after = map(settings, EDITS[path])
    return {field.name for field in fields(Settings) if getattr(before, field.name) != getattr(after, field.name)}


def edited_settings() -> Mapping[str, tuple[Settings, Settings]]:
    """Settings before and after the edit, by the path of the spec field."""
    return {path: (settings(EDITS[path][0]), settings(EDITS[path][1])) for path in EDITS if changed_settings(path)}


def field_paths(schema: Mapping[str, Any], path: str = "") -> list[str]:
    """The dotted names of the fields that have a value."""
    if "properties" not in schema:
        return [path]
    children = schema["properties"].items()
    return [found for name, child in children for found in field_paths(child, f"{path}.{name}".removeprefix("."))]


def test_every_spec_field_has_an_edit() -> None:
    assert sorted(EDITS) == sorted(field_paths(resource_schema()["properties"]["spec"]))


@pytest.mark.parametrize("path", EDITS)
def test_spec_field_reaches_the_desired_state(path: str) -> None:
    before, after = map(resource, EDITS[path])

    assert isinstance(after.desired, DesiredState), after.desired
    assert before != after


def test_every_setting_has_a_spec_field() -> None:
    assert set().union(*map(changed_settings, EDITS)) == {field.name for field in fields(Settings)}


def test_plan_shows_every_setting() -> None:
    shown = {
        path: [name for name, read in FIELDS if read(before) != read(after)]
        for path, (before, after) in edited_settings().items()
    }

    assert shown == {path: [f"spec.{path}"] for path in shown}


def test_store_keeps_every_setting() -> None:
    for edited in chain.from_iterable(edited_settings().values()):
        values = mappers.settings_values(edited)
        row: Any = SimpleNamespace(**dict.fromkeys(workspace.c.keys()) | values, account_name="")
        row.mode = "EmailOrID"

        assert set(values) <= set(workspace.c.keys())
        assert mappers.workspace_of(row).settings == edited


def modules_with_routes() -> list[ModuleType]:
    """Every module of the package web that has a function ``routes``."""
    found = pkgutil.walk_packages(web.__path__, f"{web.__name__}.")
    modules = [importlib.import_module(module.name) for module in found if not module.ispkg]
    return [module for module in modules if hasattr(module, "routes")]


def test_every_route_is_served_and_described() -> None:
    dependencies = ThreadedServer().services()
    written = [route for module in modules_with_routes() for route in module.routes(dependencies)]
    served = {(route.method, route.pattern) for route in all_routes(dependencies)}
    described = {(method.upper(), path) for path, item in document()["paths"].items() for method in METHODS & set(item)}

    assert {(route.method, route.pattern) for route in written} == served == described


def test_every_stage_has_a_transition_to_it() -> None:
    assert set(Stage) == {Stage.REQUESTED} | {transition.target for transition in TRANSITIONS}


def test_store_implements_every_step() -> None:
    assert set(STEPS) == set(Step) - {Step.MERGE}


def test_every_stage_is_in_the_resource_definition() -> None:
    definition = yaml.safe_load((REPOSITORY / "crds" / WORKSPACE.crd_file).read_text(encoding="utf-8"))
    (version,) = definition["spec"]["versions"]
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]

    assert set(status["migration"]["properties"]["stage"]["enum"]) == set(Stage)


def test_every_running_stage_has_a_status_message() -> None:
    assert set(STAGE_MESSAGES) == set(Stage) - TERMINAL - {Stage.BLOCKED}
