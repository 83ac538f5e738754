"""The page and the example of Accounts: every field and reason, and manifests that are valid."""

import re
import textwrap

import pytest
import yaml

from tests.docs.pages import REPOSITORY, rows, text_of
from workspace_operator.resources.account_rules import RULES
from workspace_operator.resources.parsing import validate_account_manifest
from workspace_operator.resources.schema import ACCOUNT, resource_schema
from workspace_operator.resources.statuses import AccountStatus

PAGE, SPEC = "docs/account.md", "docs/spec/accounts.md"


def page_manifest() -> str:
    """The manifest that the page shows."""
    [block] = re.findall(r"(?:^    .*\n)+", text_of(PAGE), re.MULTILINE)[:1]
    return textwrap.dedent(block)


@pytest.mark.parametrize(
    "text",
    [page_manifest(), (REPOSITORY / "examples/account/account.yaml").read_text(encoding="utf-8")],
    ids=["page", "example"],
)
def test_manifests_are_valid(text: str) -> None:
    assert validate_account_manifest(yaml.safe_load(text)) == []


@pytest.mark.parametrize("page", [PAGE, SPEC])
def test_every_field_of_the_spec_is_explained(page: str) -> None:
    spec = resource_schema(ACCOUNT)["properties"]["spec"]["properties"]
    explained = " ".join(cell for row in rows(page, "field") for cell in row)

    assert [name for name in spec if f"`{name}" not in explained] == []


def test_every_field_of_the_status_is_explained() -> None:
    explained = " ".join(row[0] for row in rows(SPEC, "field"))
    names = [field.alias or name for name, field in AccountStatus.model_fields.items()]

    assert [name for name in names if f"`{name}" not in explained] == []


def test_both_pages_have_the_same_reasons() -> None:
    assert sorted(row[0] for row in rows(PAGE, "reason of Ready")) == sorted(
        row[0] for row in rows(SPEC, "reason of Ready")
    )


def test_limits_are_those_of_the_schema() -> None:
    spec = resource_schema(ACCOUNT)["properties"]["spec"]["properties"]
    notes = {row[0]: row[1] for row in rows(SPEC, "field")}

    assert f"up to {spec['admins']['maxItems']} addresses" in notes["`admins`"]
    assert f"up to {spec['members']['maxItems']} entries" in notes["`members`"]
    limit = spec["plan"]["properties"]["workspaceLimit"]
    assert notes["`plan.workspaceLimit`"] == f"{limit['minimum']} to {limit['maximum']}"


def test_every_rule_of_the_definition_has_a_message() -> None:
    assert all(rule.message.startswith("must ") for rule in RULES)
