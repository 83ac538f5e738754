"""Metrics of the store: each transaction with its duration, and the errors that are the store's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.api.observability.test_metrics import samples
from workspace_operator.application.health.store_metrics import StoreMetrics
from workspace_operator.errors import (
    CommitUnknown,
    LockTimeout,
    NotFound,
    StatementTimeout,
    StoreRefused,
    StoreUnavailable,
)
from workspace_operator.store.engine.databases import Database


@pytest.fixture
def metrics() -> StoreMetrics:
    return StoreMetrics(is_writable=lambda: True)


@pytest.fixture
def database(tmp_path: Path, metrics: StoreMetrics) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/store.db")
    database.observer = metrics
    yield database
    database.close()


def count(metrics: StoreMetrics, kind: str) -> float:
    return samples(metrics.text())["store_transaction_duration_seconds_count", kind]


def test_transactions_count_by_kind(metrics: StoreMetrics, database: Database) -> None:
    database.writing(lambda connection: connection.execute(sa.text("CREATE TABLE t (a INTEGER)")))
    with database.reading() as connection:
        connection.execute(sa.text("SELECT * FROM t"))
    with database.reading_one_snapshot():
        pass

    assert (count(metrics, "write"), count(metrics, "read")) == (1, 2)


def test_error_of_the_work_is_none_of_the_store(metrics: StoreMetrics, database: Database) -> None:
    def fail(_: sa.Connection) -> None:
        raise NotFound("no such workspace")

    with pytest.raises(NotFound):
        database.writing(fail)

    counted = samples(metrics.text())
    assert count(metrics, "write") == 1
    assert {value for key, value in counted.items() if key[0] == "store_errors_total"} == {0}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (StoreUnavailable("away"), "unavailable"),
        (StoreRefused("a standby"), "refused"),
        (LockTimeout("busy"), "lock_timeout"),
        (StatementTimeout("slow"), "statement_timeout"),
        (CommitUnknown("lost"), "commit_unknown"),
    ],
)
def test_error_counts_by_its_most_special_kind(metrics: StoreMetrics, error: Exception, name: str) -> None:
    metrics("write", 0.1, error)

    counted = samples(metrics.text())
    failed = {key[1:]: value for key, value in counted.items() if key[0] == "store_errors_total" and value}
    assert failed == {(name, "write"): 1}


def test_database_that_is_away_is_an_error(metrics: StoreMetrics, tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    database = Database(f"sqlite:///{tmp_path}/store.db")
    database.observer = metrics

    with pytest.raises(StoreUnavailable), database.reading():
        pass

    assert sum(value for key, value in samples(metrics.text()).items() if key[0] == "store_errors_total") == 1


@pytest.mark.parametrize("is_writable", [True, False])
def test_write_path_is_reported(is_writable: bool) -> None:
    text = StoreMetrics(is_writable=lambda: is_writable).text()

    assert samples(text)["store_writable",] == is_writable


def test_shared_values_are_left_to_the_api() -> None:
    text = StoreMetrics(is_writable=lambda: True, is_shared=True).text()

    assert {key[0] for key in samples(text)} == {"store_writable"}
