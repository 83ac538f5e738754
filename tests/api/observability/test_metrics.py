"""What is counted: bounded labels, every reason by a name, and sums over processes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.http_server.prefork import MULTIPROCESS_DIR_VARIABLE
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect, Refusal
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import CIO_ID, EMAIL
from workspace_operator.web.observability.metrics import REASON_SLUGS, PrometheusMetrics

PERSON = Person(cio_id="01", id="somebody", attributes={}, inserted_at=1, created_at=1)


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """What was counted, by name and the values of the labels."""
    return {
        (
            each.name.removeprefix("workspace_operator_"),
            *(value for _, value in sorted(each.labels.items())),
        ): each.value
        for family in text_string_to_metric_families(text.decode())
        for each in family.samples
    }


@pytest.mark.parametrize("effect", Effect)
def test_call_counts_by_its_effect(metrics: PrometheusMetrics, effect: Effect) -> None:
    metrics.count_command("identify", CommandResult(effect=effect))

    assert samples(metrics.text())["commands_total", effect.value, "identify"] == 1


def test_invalid_call_counts_as_such(metrics: PrometheusMetrics) -> None:
    metrics.count_command("identify", InvalidInput("email is no identifier here"))

    assert samples(metrics.text())["commands_total", "invalid", "identify"] == 1


def test_every_reason_has_a_slug() -> None:
    sentences = {text for name, text in vars(refusal_reasons).items() if name.isupper()}

    assert set(REASON_SLUGS) == sentences
    assert len(set(REASON_SLUGS.values())) == len(sentences)
    assert all(slug.replace("_", "").isalnum() for slug in REASON_SLUGS.values())


def test_refused_changes_count_by_identifier_and_reason(metrics: PrometheusMetrics) -> None:
    refusals = (
        Refusal(kind=EMAIL, value="taken@example.com", reason=refusal_reasons.OWNED_BY_ANOTHER_PERSON),
        Refusal(kind=CIO_ID, value="02", reason=refusal_reasons.CIO_ID_IS_IMMUTABLE),
    )

    metrics.count_command("identify", CommandResult(effect=Effect.UPDATED, refusals=refusals))

    counted = samples(metrics.text())
    assert counted["refused_changes_total", "email", "owned_by_another_person"] == 1
    assert counted["refused_changes_total", "cio_id", "cio_id_is_immutable"] == 1


def test_unknown_reason_makes_no_label_of_its_own(metrics: PrometheusMetrics) -> None:
    refusal = Refusal(kind=EMAIL, value=None, reason="taken@example.com is somebody else's")

    metrics.count_command("identify", CommandResult(effect=Effect.UPDATED, refusals=(refusal,)))

    assert samples(metrics.text())["refused_changes_total", "email", "other"] == 1
    assert b"taken@example.com" not in metrics.text()


# What each outcome adds to the counts of people.
CHANGES: Mapping[str, tuple[str, CommandResult, tuple[str, ...] | None]] = {
    "identify creates": ("identify", CommandResult(effect=Effect.CREATED, person=PERSON), ("people_created_total",)),
    "event creates": ("event", CommandResult(effect=Effect.RECORDED, person=PERSON), ("people_created_total",)),
    "event of somebody": ("event", CommandResult(effect=Effect.RECORDED, person=PERSON, before=PERSON), None),
    "anonymous event": ("anonymous_event", CommandResult(effect=Effect.RECORDED), None),
    "update": ("identify", CommandResult(effect=Effect.UPDATED, person=PERSON, before=PERSON), None),
    "delete": ("delete", CommandResult(effect=Effect.DELETED, person=PERSON, before=PERSON), ("people_deleted_total",)),
    "suppress": (
        "suppress",
        CommandResult(effect=Effect.SUPPRESSED, person=PERSON, before=PERSON),
        ("people_deleted_total",),
    ),
    "suppress a bare value": ("suppress", CommandResult(effect=Effect.SUPPRESSED), None),
    "skipped": ("identify", CommandResult(effect=Effect.SKIPPED), ("updates_skipped_total",)),
    "automatic merge": (
        "identify",
        CommandResult(effect=Effect.UPDATED, person=PERSON, before=PERSON, secondary=PERSON),
        ("people_merged_total", "identify"),
    ),
    "asked-for merge": (
        "merge",
        CommandResult(effect=Effect.MERGED, person=PERSON, before=PERSON, secondary=PERSON),
        ("people_merged_total", "merge"),
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_people_are_counted_as_they_change(metrics: PrometheusMetrics, case: str) -> None:
    kind, outcome, counted = CHANGES[case]
    people = {key: value for key, value in samples(metrics.text()).items() if key[0] != "commands_total"}

    metrics.count_command(kind, outcome)

    expected = people if counted is None else people | {counted: 1.0}
    assert {key: value for key, value in samples(metrics.text()).items() if key[0] != "commands_total"} == expected


def test_requests_count_by_route_method_and_class(metrics: PrometheusMetrics) -> None:
    for status in (200, 207, 404):
        metrics.count_request(served(status=status, seconds=0.02))

    counted = samples(metrics.text())
    route = "/api/v1/customers/{ref}"
    assert counted["http_requests_total", "PUT", route, "2xx"] == 2
    assert counted["http_requests_total", "PUT", route, "4xx"] == 1
    assert counted["http_request_duration_seconds_count", route] == 3
    assert counted["http_request_duration_seconds_bucket", "0.025", route] == 3
    assert counted["http_request_duration_seconds_bucket", "0.01", route] == 0


def test_batch_sizes_are_measured(metrics: PrometheusMetrics) -> None:
    metrics.observe_batch(3, 12)
    metrics.observe_batch(40, 7)

    counted = samples(metrics.text())
    assert counted["command_batch_size_sum",] == 43
    assert counted["command_batch_size_bucket", "4.0"] == 1
    assert counted["command_queue_length",] == 7


COUNTING = """
import sys
from pathlib import Path
from tests.api.observability.test_metrics import served
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.web.observability.metrics import PrometheusMetrics
metrics = PrometheusMetrics(Path(sys.argv[1]))
metrics.count_command("identify", CommandResult(effect=Effect.CREATED))
metrics.observe_batch(1, 2)
metrics.count_request(served())
sys.stdout.buffer.write(metrics.text())
"""


def test_any_process_reports_the_sum_of_all(tmp_path: Path) -> None:
    environment = os.environ | {MULTIPROCESS_DIR_VARIABLE: str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", COUNTING, str(tmp_path)]

    told = [subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(3)]

    counted = samples(told[-1])
    assert counted["commands_total", "created", "identify"] == 3
    assert counted["http_requests_total", "PUT", "/api/v1/customers/{ref}", "2xx"] == 3
    assert counted["command_queue_length",] == 6


def served(*, status: int = 200, seconds: float = 0.001) -> AccessRecord:
    return AccessRecord(
        request_id="1",
        method="PUT",
        route="/api/v1/customers/{ref}",
        status=status,
        seconds=seconds,
        workspace_id=1,
        received=10,
        sent=3,
    )
