"""What the pages say of identifier changes: fields of the status, metrics, flags."""

import re
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from tests.cli.command_tree import command_tree
from tests.docs.pages import names, rows, text_of
from workspace_operator.application.migrations import metrics
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TRANSITIONS, Stage
from workspace_operator.resources.schema import resource_schema
from workspace_operator.workspaces.model import Owner

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


def test_every_gauge_is_listed() -> None:
    told = re.findall(r"^# TYPE (\S+) gauge$", metrics.render([]).decode(), re.MULTILINE)

    assert [names(name)[0] for name, *_ in rows(METRICS, "metric")] == told
    assert f"the {metrics.MAX_MIGRATIONS} oldest migrations" in text_of(METRICS)


def test_gauges_have_the_labels_that_are_listed() -> None:
    owner = Owner(cluster="c1", namespace="team", name="shop", uid="u1")
    change = Migration(
        workspace_id=1,
        number=1,
        from_mode=Mode.ID_ONLY,
        to_mode=Mode.EMAIL_OR_ID,
        requested_at=datetime.now(UTC),
    )

    told = {
        family.name: {", ".join(sample.labels) for sample in family.samples}
        for family in text_string_to_metric_families(metrics.render([(owner, change)]).decode())
    }

    assert told == {names(name)[0]: {labels} for name, labels, _ in rows(METRICS, "metric")}


def test_every_flag_of_watching_is_named() -> None:
    parameters = command_tree().commands["migrations"].commands["show"].params
    flags = {flag for each in parameters for flag in each.opts if "--" in flag}

    assert {"--workspace", "--watch", "--output", "--cluster-id", "--database"} == flags
    assert "[--watch] [-o table|json]" in text_of(METRICS)
