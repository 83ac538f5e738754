"""What is counted: bounded labels, every reason by a name, and sums over processes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from workspace_operator.errors import InvalidInput
from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect, Outcome, Refusal
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import CIO_ID, EMAIL
from workspace_operator.web.exchanges import Served
from workspace_operator.web.metrics import REASON_SLUGS, PrometheusMetrics
from workspace_operator.web.services import FOLDER_VARIABLE

PERSON = Person(cio_id="01", id="somebody", attributes={}, stored_at=1, created_at=1)


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
def test_call_counts_by_its_effect(effect: Effect) -> None:
    metrics = PrometheusMetrics()

    metrics.answered("identify", Outcome(effect=effect))

    assert samples(metrics.text())["calls_total", effect.value, "identify"] == 1


def test_invalid_call_counts_as_such() -> None:
    metrics = PrometheusMetrics()

    metrics.answered("identify", InvalidInput("email is no identifier here"))

    assert samples(metrics.text())["calls_total", "invalid", "identify"] == 1


def test_every_reason_has_a_slug() -> None:
    sentences = {text for name, text in vars(reasons).items() if name.isupper()}

    assert set(REASON_SLUGS) == sentences
    assert len(set(REASON_SLUGS.values())) == len(sentences)
    assert all(slug.replace("_", "").isalnum() for slug in REASON_SLUGS.values())


def test_refused_changes_count_by_identifier_and_reason() -> None:
    metrics = PrometheusMetrics()
    refusals = (
        Refusal(kind=EMAIL, value="taken@example.com", reason=reasons.OTHERS),
        Refusal(kind=CIO_ID, value="02", reason=reasons.CIO_ID_IS_FIXED),
    )

    metrics.answered("identify", Outcome(effect=Effect.UPDATED, refusals=refusals))

    counted = samples(metrics.text())
    assert counted["refused_changes_total", "email", "others"] == 1
    assert counted["refused_changes_total", "cio_id", "cio_id_is_fixed"] == 1


def test_unknown_reason_makes_no_label_of_its_own() -> None:
    metrics = PrometheusMetrics()
    refusal = Refusal(kind=EMAIL, value=None, reason="taken@example.com is somebody else's")

    metrics.answered("identify", Outcome(effect=Effect.UPDATED, refusals=(refusal,)))

    assert samples(metrics.text())["refused_changes_total", "email", "other"] == 1
    assert b"taken@example.com" not in metrics.text()


# What each outcome adds to the counts of people.
CHANGES: Mapping[str, tuple[str, Outcome, tuple[str, ...] | None]] = {
    "identify creates": ("identify", Outcome(effect=Effect.CREATED, person=PERSON), ("people_added_total",)),
    "event creates": ("event", Outcome(effect=Effect.RECORDED, person=PERSON), ("people_added_total",)),
    "event of somebody": ("event", Outcome(effect=Effect.RECORDED, person=PERSON, before=PERSON), None),
    "anonymous event": ("anonymous_event", Outcome(effect=Effect.RECORDED), None),
    "update": ("identify", Outcome(effect=Effect.UPDATED, person=PERSON, before=PERSON), None),
    "delete": ("delete", Outcome(effect=Effect.DELETED, person=PERSON, before=PERSON), ("people_deleted_total",)),
    "suppress": (
        "suppress",
        Outcome(effect=Effect.SUPPRESSED, person=PERSON, before=PERSON),
        ("people_deleted_total",),
    ),
    "suppress a bare value": ("suppress", Outcome(effect=Effect.SUPPRESSED), None),
    "skipped": ("identify", Outcome(effect=Effect.SKIPPED), ("updates_skipped_total",)),
    "automatic merge": (
        "identify",
        Outcome(effect=Effect.UPDATED, person=PERSON, before=PERSON, absorbed=PERSON),
        ("people_merged_total", "identify"),
    ),
    "asked-for merge": (
        "merge",
        Outcome(effect=Effect.MERGED, person=PERSON, before=PERSON, absorbed=PERSON),
        ("people_merged_total", "merge"),
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_people_are_counted_as_they_change(case: str) -> None:
    kind, outcome, counted = CHANGES[case]
    metrics = PrometheusMetrics()
    people = {key: value for key, value in samples(metrics.text()).items() if key[0] != "calls_total"}

    metrics.answered(kind, outcome)

    expected = people if counted is None else people | {counted: 1.0}
    assert {key: value for key, value in samples(metrics.text()).items() if key[0] != "calls_total"} == expected


def test_requests_count_by_route_method_and_class() -> None:
    metrics = PrometheusMetrics()

    for status in (200, 207, 404):
        metrics.served(served(status=status, seconds=0.02))

    counted = samples(metrics.text())
    route = "/api/v1/customers/{ref}"
    assert counted["http_requests_total", "PUT", route, "2xx"] == 2
    assert counted["http_requests_total", "PUT", route, "4xx"] == 1
    assert counted["http_request_seconds_count", route] == 3
    assert counted["http_request_seconds_bucket", "0.025", route] == 3
    assert counted["http_request_seconds_bucket", "0.01", route] == 0


def test_transactions_tell_how_much_they_shared() -> None:
    metrics = PrometheusMetrics()

    metrics.transaction(3, 12)
    metrics.transaction(40, 7)

    counted = samples(metrics.text())
    assert counted["transaction_calls_sum",] == 43
    assert counted["transaction_calls_bucket", "4.0"] == 1
    assert counted["calls_waiting",] == 7


COUNTING = """
import sys
from pathlib import Path
from tests.api.test_metrics import served
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.web.metrics import PrometheusMetrics
metrics = PrometheusMetrics(Path(sys.argv[1]))
metrics.answered("identify", Outcome(effect=Effect.CREATED))
metrics.transaction(1, 2)
metrics.served(served())
sys.stdout.buffer.write(metrics.text())
"""


def test_any_process_tells_the_sum_of_all(tmp_path: Path) -> None:
    environment = os.environ | {FOLDER_VARIABLE: str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", COUNTING, str(tmp_path)]

    told = [subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(3)]

    counted = samples(told[-1])
    assert counted["calls_total", "created", "identify"] == 3
    assert counted["http_requests_total", "PUT", "/api/v1/customers/{ref}", "2xx"] == 3
    assert counted["calls_waiting",] == 6


def served(*, status: int = 200, seconds: float = 0.001) -> Served:
    return Served(
        request_id="1",
        method="PUT",
        route="/api/v1/customers/{ref}",
        status=status,
        seconds=seconds,
        workspace_id=1,
        received=10,
        sent=3,
    )
