"""docs/gitops.md says what a plan tells, and its pipeline runs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.docs.pages import REPOSITORY, names, rows, text_of
from tests.reconcile.builders import migration
from workspace_operator.cli.commands.plan import DEFAULT_SAMPLES, MAX_SAMPLES
from workspace_operator.cli.support.plan_output import WholePlan, plan_document
from workspace_operator.migrations.model import Violation
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.reconcile.plan.removals import PlannedRemoval, RemovalEffect
from workspace_operator.reconcile.plan.results import PlannedMigration, PlannedResource, PlanResult
from workspace_operator.reconcile.plan.sending import PlannedSending, SendingPreview
from workspace_operator.resources.kubectl.yaml_documents import DEPTH_LIMIT, VALUES_LIMIT
from workspace_operator.resources.manifests import FILE_LIMIT_BYTES
from workspace_operator.resources.workspaces import DeletionPolicy
from workspace_operator.store.repositories.previews import MAX_NAMED_DUPLICATES
from workspace_operator.workspaces.model import PeopleCounts, Settings

PAGE = "docs/gitops.md"
SOMEBODY = ViolationSample(cio_id="1", id="1", email="a@example.com", sharing=1)
FULL = PlannedResource(
    namespaced_name="default/crm",
    workspace_id=1,
    changes=(PlannedChange(kind=ChangeKind.CREATE),),
    identifiers=PlannedMigration(
        migration=migration(),
        preview=Preview(people=PeopleCounts(), samples={Violation.DUPLICATE_EMAIL: [SOMEBODY]}),
    ),
    sending=PlannedSending(
        before=Settings(display_name="CRM"), after=Settings(display_name="CRM"), preview=SendingPreview()
    ),
    outcome=Outcome(reason=Reason.IN_FORCE, message="It is so."),
)
REMOVED = PlannedRemoval(
    namespaced_name="default/old",
    workspace=None,
    people=0,
    deletion_policy=DeletionPolicy.RETAIN,
    effect=RemovalEffect.NONE,
)


def test_every_field_of_a_plan_is_listed() -> None:
    document = plan_document(WholePlan(resources=[FULL], removals=[REMOVED]))
    [resource], [removed] = document["resources"], document["removed"]

    listed = [name for cell, _ in rows(PAGE, "JSON of a plan") for name in names(cell)]

    preview = resource["migration"].pop("preview")
    preview["samples"] = preview["samples"]["duplicateEmail"]
    assert sorted(listed) == sorted([*paths(resource), "migration.preview", *paths(preview)])
    assert [name for cell, _ in rows(PAGE, "entry of `removed`") for name in names(cell)] == [*paths(removed)]


def paths(document: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The paths of all values; a list and an object of its entries are both told of, other objects only inside."""
    for name, value in document.items():
        path = f"{before}{name}"
        entries = value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else None
        if entries is not None:
            yield path
            yield from paths(entries, f"{path}[].")
        elif isinstance(value, Mapping):
            if path in {"migration", "sending"}:
                yield path
            yield from paths(value, f"{path}.")
        else:
            yield path


def test_every_action_and_outcome_is_named() -> None:
    named = set(names(text_of(PAGE)))

    assert named >= {*RemovalEffect, *PlanResult, *(verb for verb in ChangeKind if verb is not ChangeKind.DELETE)}


def test_bounds_of_samples_are_those_of_the_code() -> None:
    text = " ".join(text_of(PAGE).split())

    assert f"at most {FILE_LIMIT_BYTES // 2**20} MiB, a document at most {DEPTH_LIMIT} levels" in text
    assert f"{DEPTH_LIMIT} levels and {VALUES_LIMIT:,} values" in text
    assert f"The default is {DEFAULT_SAMPLES} people for each violation, the maximum {MAX_SAMPLES}" in text
    assert f"the cio_ids of at most {MAX_NAMED_DUPLICATES} others" in text


def test_pipeline_runs(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(# \.github/workflows/plan\.yaml\n.*?)```", text_of(PAGE), re.DOTALL)
    [step] = [each for each in yaml.safe_load(block)["jobs"]["plan"]["steps"] if each.get("name") == "Plan"]
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "WORKSPACE_OPERATOR_DATABASE": "sqlite:///store.db",
        "CLUSTER_ID": "local",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }

    done = subprocess.run(
        ["sh", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "| default/club | would change |" in (tmp_path / "summary").read_text(encoding="utf-8")
