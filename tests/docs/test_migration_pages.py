"""What the pages say of identifier changes: fields of the status, metrics, flags."""

import re

from tests.cli.command_tree import command_tree
from tests.docs.pages import names, rows, text_of
from workspace_operator.migrations.state_machine import TRANSITIONS, Stage
from workspace_operator.resources.schema import resource_schema

STATUS, METRICS = "docs/resource.md", "docs/operating.md"


def test_every_field_of_a_change_is_explained() -> None:
    listed = [name for fields, _ in rows(STATUS, "of the migration") for name in names(fields)]

    assert sorted(listed) == sorted(resource_schema()["properties"]["status"]["properties"]["migration"]["properties"])


def test_every_stage_is_explained() -> None:
    (meaning,) = [meaning for fields, meaning in rows(STATUS, "of the migration") if fields == "`stage`"]

    unexplained = [stage for stage in Stage if stage not in meaning]

    assert unexplained == [Stage.CANCELLED]  # it leaves no trace


def test_design_lists_the_transitions() -> None:
    listed = {
        (stage, successor)
        for stages, successors, _ in rows("docs/spec/design.md", "stage")
        for stage in names(stages)
        for successor in re.findall(r"\w+", successors)
    }

    assert listed == {(row.source, row.target) for row in TRANSITIONS if row.source is not row.target}


def test_every_flag_of_watching_is_named() -> None:
    parameters = command_tree().commands["migrations"].commands["show"].params
    flags = {flag for each in parameters for flag in each.opts if "--" in flag}

    assert {"--workspace", "--watch", "--output", "--cluster-id", "--database"} == flags
    assert "[--watch] [-o table|json]" in text_of(METRICS)
