"""What the processes export: each metric family with its type and labels, from the real objects, each in use."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from prometheus_client.parser import text_string_to_metric_families

from tests.api.observability.test_access_log import served
from tests.controller.fixtures import ControllerEnv
from tests.docs.pages import names, rows
from tests.fakes.database import InMemoryDatabase
from tests.fakes.sending.sending_queue import FakeSendingQueue
from workspace_operator.application.health.process_metrics import process_text
from workspace_operator.application.health.store_metrics import StoreMetrics
from workspace_operator.application.migrations.metrics import render
from workspace_operator.application.migrations.worker_metrics import MigrationWorkerMetrics
from workspace_operator.application.operator.controller import Controller
from workspace_operator.application.operator.metrics import OperatorMetrics
from workspace_operator.application.ports import EndedAttempt
from workspace_operator.application.sending.handover.metrics import SenderMetrics
from workspace_operator.console.core.metrics import ConsoleMetrics
from workspace_operator.handlers.watch_age import WatchAge
from workspace_operator.identity.model.results import CommandResult, Effect, Refusal
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import EMAIL, Mode
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.mail.settings import load_transports
from workspace_operator.migrations.model import Migration
from workspace_operator.resources.schema import ACCOUNT
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState
from workspace_operator.web.observability.metrics import PrometheusMetrics
from workspace_operator.workspaces.model import Owner

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric family: its type, the process that exports it, and the labels of its samples without ``le``."""

    kind: str
    process: str
    labels: frozenset[str]


PAGE = "docs/monitoring.md"
PREFIX = "workspace_operator_"


def listed() -> Mapping[str, Family]:
    """The families that the page lists."""
    return {
        names(name)[0]: Family(kind=kind, process=process, labels=frozenset(filter(None, labels.split(", "))))
        for name, kind, process, labels, _ in rows(PAGE, "metric")
    }


def families(text: str) -> set[str]:
    """The names of the product's families in a scrape, as the page has them."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
        if family.name.startswith(PREFIX)
    }


@cache
def exports() -> Mapping[str, Family]:
    """All families by the name that the documentation has: counters end in ``_total``."""
    return {
        (f"{family.name}_total" if family.type == "counter" else family.name): Family(
            kind=family.type,
            process=process,
            labels=frozenset(label for sample in family.samples for label in sample.labels) - {"le"},
        )
        for process, text in texts()
        for family in text_string_to_metric_families(text.decode())
    }


@cache
def label_values() -> Mapping[tuple[str, str], frozenset[str]]:
    """The values of each label of each series, as far as the objects have samples."""
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, text in texts():
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                for label, value in sample.labels.items():
                    values[sample.name, label].add(value)
    return {key: frozenset(found) for key, found in values.items()}


def series() -> Mapping[str, frozenset[str]]:
    """The names of all time series, such as ``…_bucket``, with their labels."""
    return {
        (name if family.kind == "counter" else f"{name}{suffix}"): family.labels
        | ({"le"} if suffix == "_bucket" else set())
        for name, family in exports().items()
        for suffix in SUFFIXES.get(family.kind, ("",))
    }


def texts() -> Iterator[tuple[str, bytes]]:
    """The metrics of each part in the Prometheus text format."""
    yield "operator", operator_text()
    yield "worker", worker_text()
    yield "sender", sender_text()
    yield "api", api_text()
    yield "console", console_text()
    yield "all", render([migration()], now=NOW)
    yield "all", StoreMetrics(is_writable=lambda: True).text()
    yield "all", process_text("0.1.0", is_shared=False)


def operator_text() -> bytes:
    metrics = OperatorMetrics()
    env = ControllerEnv(observer=metrics)
    env.update(env.apply("shop"))
    accounts = Controller(
        resource=ACCOUNT, reconciler=env.controller.reconciler, workspaces=None, read=env.resources.get, monotonic=float
    )
    return metrics.text(env.controller, accounts) + WatchAge(lambda: 0.0).text()


def worker_text() -> bytes:
    return MigrationWorkerMetrics().text()


def sender_text() -> bytes:
    transports = load_transports(None, {"WORKSPACE_OPERATOR_SMTP": "smtp://127.0.0.1:25"})
    pool = SMTPTransportPool(transports)
    metrics = SenderMetrics(queue=FakeSendingQueue(InMemoryDatabase()), transports=pool, clock=lambda: NOW)
    ended = EndedAttempt(
        delivery_id="1", number=1, outcome=AttemptOutcome.SENT, code=250, reply="", state=DeliveryState.SENT
    )
    metrics.begun(1)
    metrics.ended("default", [ended])
    metrics.held(Tally({4: 1}))
    try:
        return metrics.text()
    finally:
        pool.close()


def api_text() -> bytes:
    metrics = PrometheusMetrics()
    refusal = Refusal(kind=EMAIL, value="x", reason=refusal_reasons.OWNED_BY_ANOTHER_PERSON)
    metrics.count_request(served())
    metrics.count_command("identify", CommandResult(effect=Effect.UPDATED, refusals=(refusal,)))
    metrics.count_command("identify", CommandResult(effect=Effect.IGNORED, reason=refusal_reasons.SUPPRESSED))
    metrics.count_message("Normal", replayed=False)
    metrics._merged.labels("merge")
    return metrics.text()


def console_text() -> bytes:
    metrics = ConsoleMetrics()
    metrics.count_request(served("/w/{workspace}"))
    return metrics.text()


def migration() -> tuple[Owner, Migration]:
    owner = Owner(cluster="c1", namespace="team", name="shop", uid="u1")
    return owner, Migration(
        workspace_id=1, number=1, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, requested_at=NOW
    )
